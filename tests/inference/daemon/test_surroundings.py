"""What a daemon has around it."""

from __future__ import annotations

import subprocess
import sys

_LIMITS = """
import resource
from understudy.inference.daemon.surroundings import raise_open_files_limit
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most - 1, most))
raise_open_files_limit()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
"""


def test_a_daemon_may_open_as_many_files_as_its_machine_lets_it() -> None:
    subprocess.run([sys.executable, "-c", _LIMITS], check=True)
