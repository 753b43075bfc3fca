"""The work order of a stored job: for a worker of this daemon, or as a file for a farm."""

from __future__ import annotations

from collections.abc import Callable

from understudy.bridge.shot import Redo
from understudy.inference.compliance.asked import Marking, marking
from understudy.inference.compliance.manifest import approximations_in
from understudy.inference.compliance.registered import named_in
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.standing import packs_of, why_fallen
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow
from understudy.inference.provenance.watermark_key import make_key
from understudy.inference.work_order import Earlier, WorkOrder


def make_order(house: House, inputs: Inputs, row: JobRow, step: Callable[[int, int], None]) -> WorkOrder:
    """Verify a job's blobs and return its order. Blocks. `step(done, total)` is called for every file and may raise.

    Raises PlateError naming the file that must be sent again.
    """
    job, admission = house.store.request(row.job_id)
    papers = house.store.papers(row.job_id)
    said = house.settings
    marked = marking(admission, Marking(said.label_text, said.label_seconds, said.aigc_producer))
    blobs, honest = inputs.verified_paths(row.job_id, job, step)
    if not honest:
        # The key says which pictures a result shows; a job that names its pictures wrongly has no part in the cache.
        house.store.note(row.job_id, cache_key="")
    twin = _twin(house, row) if honest and house.settings.result_cache else None
    scratch = house.scratch_of(row.job_id)
    scratch.mkdir(parents=True, exist_ok=True)
    return WorkOrder(
        job_id=row.job_id,
        job=job,
        version=row.version,
        actor=row.user,
        accepted_at=row.created_at,
        blobs=blobs,
        folder=row.folder,
        version_folder=row.version_folder,
        layer_file=row.layer_file,
        scratch=str(scratch),
        carried=str(house.carried_of(row.job_id)),
        earlier=_earlier(house, job.redo) if job.redo is not None else None,
        reuse=str(folder_of(twin, provisional=False)) if twin is not None else None,
        reuse_carried=str(house.carried_of(twin.job_id)) if twin is not None else "",
        label_text=marked.label_text,
        label_seconds=marked.label_seconds,
        aigc_producer=marked.aigc_producer,
        watermark_key=str(make_key(house.home)) if house.settings.watermark else "",
        admission=admission,
        packs=packs_of(house),
        sent=papers.record,
        vouched_by=papers.vouched_by,
        snapshot=papers.snapshot,
        authority=papers.authority,
        registry=house.registry.snapshot(*named_in(job)),
        ledger_head=papers.ledger_head,
    )


def _earlier(house: House, redo: Redo) -> Earlier:
    """Return where the version lies that a redo goes on from; whether it is still whole is for the worker to see."""
    folder = folder_of(house.store.job(redo.job_id), provisional=False)
    return Earlier(folder=str(folder), carried=str(house.carried_of(redo.job_id)))


def twins_of(house: House, row: JobRow) -> list[JobRow]:
    """Return the delivered jobs with the same pixels that this job's user may see, the newest first."""
    return house.store.delivered_twins(row.cache_key, row.scope, row.job_id) if row.cache_key else []


def _twin(house: House, row: JobRow) -> JobRow | None:
    """Return a delivered job with the same pixels that this job's user may see, and whose files are still there.

    One that was made with less than its settings say, for want of memory, is no answer to those settings; one whose
    papers have fallen lends its pixels to nobody.
    """
    for twin in twins_of(house, row):
        folder = folder_of(twin, provisional=False)
        if folder.is_dir() and not approximations_in(folder) and why_fallen(house, twin.job_id) is None:
            return twin
    return None
