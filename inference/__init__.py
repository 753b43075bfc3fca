"""The daemon and what it makes: jobs, pictures, engines, papers. Meets hosts and the panel on the wire only."""

if __name__ != "understudy.inference":
    raise ImportError(f"import understudy.inference, not {__name__}")
