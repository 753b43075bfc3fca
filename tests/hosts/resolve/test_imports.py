"""What the plugin brings into the host's interpreter: what hosts get, and no more."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import sys
import blake3, msgspec, xxhash, zmq
import msgspec.inspect  # what msgspec itself looks for when a type is first decoded
before = set(sys.modules)
import understudy.host_plugins.resolve.startup
new = {name.partition(".")[0] for name in set(sys.modules) - before}
import json
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


def test_when_the_plugin_is_imported_then_nothing_comes_along_but_what_hosts_get() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) <= {"understudy", "zmq"}
