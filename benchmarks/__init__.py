"""Every claim of speed in the README; a module here has `measure() -> list[Row]`."""
