"""A final signed by the daemon's own environment: this host calls the command line, and needs no library for it.

Where that is not on this machine, or a layer is of a version from before there were seals, the final is published
unsigned and the publish says so: `understudy seal` can be run on it later.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from understudy.bridge.host_daemon import COMMAND_VARIABLE, clean_environment, read_command
from understudy.bridge.settings import load_settings
from understudy.host_plugins.pyblish.found import Found
from understudy.host_plugins.pyblish.refusals import refusal

LIST_NAME = "frames.json"
"""In a take that is signed."""
SEAL_SECONDS = 3600.0
"""Every layer of every take is read and hashed; a long master is signed as a whole."""


def seal_finals(files: Iterable[Path], found: Found) -> str:
    """Sign a final's files with the takes that are in it, and return what was done, in words. Blocks.

    Raises the publish's refusal where the command refuses: a layer was touched, or nobody can sign.
    """
    takes = sorted({file.sight.take for layer in found.layers for file in layer.files if file.sight.take})
    unsealed = [take for take in takes if not (Path(take) / LIST_NAME).is_file()]
    if unsealed or not takes:
        return f"not signed: {', '.join(unsealed) or 'no take of the layers lies here'} has no signed list of files"
    program = os.environ.get(COMMAND_VARIABLE) or read_command(load_settings().home) or shutil.which("understudy")
    if not program:
        return "not signed: `understudy` was not found on this machine"
    layers = [word for take in takes for word in ("--layers", take)]
    done = subprocess.run(
        [program, "seal", *map(str, files), *layers],
        capture_output=True, text=True, check=False, timeout=SEAL_SECONDS, env=clean_environment(),
    )  # fmt: skip
    if done.returncode != 0:
        raise refusal("The final cannot be signed", (done.stderr.strip()[-1000:],), "Mend that, then publish again.")
    return done.stdout.strip()
