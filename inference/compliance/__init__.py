"""The gates: admission, inspection, delivery. One rule, one file."""
