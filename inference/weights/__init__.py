"""A model's files: found, checked, pinned, pulled, loaded. Only loading and LoRAs import torch."""
