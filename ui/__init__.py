"""The panel: a process of its own that knows the bridge and nothing else of ours."""
