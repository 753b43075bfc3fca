"""Run after init.py by a Nuke that has a window."""

import understudy_startup

understudy_startup.start("host_plugins.nuke.startup", "start_menu")
