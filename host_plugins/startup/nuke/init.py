"""Run by every Nuke that finds this folder on its plugin path, with a window or without."""

try:
    import understudy_startup
except ImportError:  # this folder came by NUKE_PATH, which need not make it importable
    import os
    import sys

    sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    import understudy_startup

understudy_startup.start("host_plugins.nuke.startup", "start")
