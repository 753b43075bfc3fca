"""`python -m understudy.inference.daemon`: the daemon of UNDERSTUDY_HOME, with the memory settings that it needs."""

from __future__ import annotations

import sys

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.settings import load_settings
from understudy.inference.daemon.surroundings import begin_with_memory_settings


def main() -> int:
    begin_with_memory_settings()
    from understudy.inference.daemon.process import serve

    try:
        serve(load_settings())
    except UnderstudyError as problem:
        print(f"{problem.message}\n{problem.remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
