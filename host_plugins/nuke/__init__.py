"""Understudy in Nuke 15 to 17: a Group node that sends a shot to the daemon and wires what comes back.

Reading order: `host` (what the bridge asks for), `node` (what the artist sees), `upstream` and `export` (what goes
out), `placing` (what comes back), `session` (jobs while a script is open).
"""
