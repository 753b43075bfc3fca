"""One rule, one file; its docstring is what the artist reads. Discovered by path, or imported by `register`."""
