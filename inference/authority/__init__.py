"""Who decided what: the ledger, the registry of people and papers. A bottom layer: imports the bridge alone."""
