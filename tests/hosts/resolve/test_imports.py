"""What the plugin brings into the host's interpreter: what hosts get, and no more."""

from __future__ import annotations

import subprocess
import sys

ALLOWED = ("zmq", "msgspec", "blake3", "xxhash", "understudy")
SCRIPT = """
import sys
before = set(sys.modules)
import understudy.host_plugins.resolve.startup
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""


def test_when_the_plugin_is_imported_then_nothing_comes_along_but_what_hosts_get() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    strangers = [name for name in eval(done.stdout) if name not in ALLOWED and not name.startswith("_")]  # noqa: S307
    assert strangers == []
