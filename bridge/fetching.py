"""Bringing one delivered take to a folder, file by file, so that somebody can look on and stop it. For one thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError
from understudy.bridge.messages import Finished
from understudy.bridge.take import Take
from understudy.bridge.transfer import patiently


def fetch_take(
    client: Client, job_id: str, out: Path, moved: Callable[[int, int], None], stopped: Callable[[], bool]
) -> bool:
    """Bring every file of a delivered job into `out`, compared with the daemon's digests, and move them into place.
    Return False where it was stopped: what has arrived is kept, and the same fetch goes on from there.

    moved: called with (files that lie here, files in all). stopped: asked before each file. An earlier take in `out`
    goes to `out/earlier`. Raises RequestError for a job that is not delivered or whose files are gone, and whatever the
    line raises.
    """
    outputs = patiently(client, lambda moved_on: client.outputs(job_id))
    if outputs.provisional or outputs.removed or not outputs.files:
        raise RequestError(
            f"job {job_id} has no delivered take that could be fetched", remedy="Fetch it once it is delivered."
        )
    take = Take(out, job_id)
    take.open()
    for done, file in enumerate(outputs.files):
        if stopped():
            return False
        moved(done, len(outputs.files))
        take.add(client, client.connection, (file,))
    patiently(
        client,
        lambda moved_on: take.settle(
            client,
            client.connection,
            Finished(version=outputs.version, folder=outputs.folder, files=outputs.files),
        ),
    )
    moved(len(outputs.files), len(outputs.files))
    return True
