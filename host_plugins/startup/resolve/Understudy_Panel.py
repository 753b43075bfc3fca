"""Understudy's panel in Resolve's menu Workspace > Scripts. Only the door: what it opens lies in the folder below."""

import os
import sys

sys.path.append(os.environ.get("UNDERSTUDY_RESOLVE_TREE", "@TREE@"))

try:
    import understudy_startup
except ImportError:
    sys.stderr.write(f"Understudy is not in {sys.path[-1]}: run `understudy install resolve` again.\n")
else:
    understudy_startup.start("host_plugins.resolve.startup", "start_panel", globals())
