"""What an artist may press under a refused rule. A repair changes files of a take, never a record or a consent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyblish.api

from understudy.bridge.errors import HostError, UnderstudyError
from understudy.bridge.host_daemon import find_daemon
from understudy.bridge.roundtrip import follow_job
from understudy.host_plugins.pyblish.found import Found
from understudy.host_plugins.pyblish.layers import find_manifest
from understudy.host_plugins.pyblish.rule import found_in


class FetchAgain(pyblish.api.Action):  # type: ignore[misc]
    """Fetches takes with missing or changed files from the daemon; what lies there is kept under `earlier`."""

    label = "Fetch the delivered files again"
    on = "failed"
    icon = "download"

    def process(self, context: Any, plugin: Any) -> None:
        """Called by pyblish on the host's main thread, which waits as long as the files need."""
        takes = damaged_takes(found_in(context))
        if not takes:
            raise HostError(
                "none of these files lies in a take that was fetched here", remedy="Relink them, or fetch the take."
            )
        for folder, job in takes.items():
            for changed in _changed_files(found_in(context), folder):
                changed.rename(changed.with_name(f"{changed.name}.changed"))
            try:
                follow_job(find_daemon(), job, folder)
            except UnderstudyError as problem:
                raise HostError(
                    f"job {job} could not be fetched to {folder}: {problem}", remedy=problem.remedy
                ) from None
            self.log.info("fetched job %s to %s: publish again", job, folder)


def damaged_takes(found: Found) -> dict[Path, str]:
    """Return the folders of takes on this disk with a missing or changed file, and the job of each."""
    paths: Iterable[Path] = [Path(gap.what) for gap in found.missing]
    paths = [*paths, *(path for path in _changed_files(found))]
    takes: dict[Path, str] = {}
    for path in paths:
        folder, manifest = find_manifest(path)
        if folder is not None and manifest is not None:
            takes[folder] = manifest.job
    return takes


def _changed_files(found: Found, folder: Path | None = None) -> list[Path]:
    return [
        file.sight.path
        for layer in found.layers
        for file in layer.files
        if file.digest
        and file.expected not in ("", file.digest)
        and (folder is None or folder in file.sight.path.parents)
    ]
