"""Who may decide and what was decided: the registry of people and grants, and the ledger of what happened."""
