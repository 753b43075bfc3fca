"""One rule, one file. gate.py lists the rules of each stage by name."""
