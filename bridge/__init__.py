"""The language that hosts, the panel and the daemon share.

Runs inside every host: the standard library, pyzmq, msgspec, blake3 and xxhash, on Python 3.10 to 3.13.
"""

if __name__ != "understudy.bridge":
    # With the repository root as working directory `import bridge` would give a second copy of every class.
    raise ImportError(f"import understudy.bridge, not {__name__}")
