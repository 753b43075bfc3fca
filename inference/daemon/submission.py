"""What follows on a request for a job: its papers are judged, its place and its name are found, it is stored."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from blake3 import blake3

from understudy.bridge.errors import Finding, RequestError, error_from_report
from understudy.bridge.keys import User
from understudy.bridge.messages import Accepted, Submit
from understudy.bridge.settings import UserSettings, this_system
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.head import AdmittedPapers
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.gate import evaluate_async, refusal
from understudy.inference.compliance.registered import vouching
from understudy.inference.daemon.admission import admission_facts, engines, with_salt
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import check_may_submit
from understudy.inference.daemon.papers import record_new
from understudy.inference.daemon.store import NewJob, Place
from understudy.inference.daemon.tables import JobRow

JOB_ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is read for something else over the phone."""
JOB_ID_LENGTH = 8  # 31 ** 8 = 8.5e11: the store refuses the one that would come twice
GATES_AT_ONCE = 2
"""Each is a process of its own; more would only wait for the processor."""

_NOT_OF_THE_PICTURE = frozenset({"files", "typed", "talents", "name"})
"""Fields of a shot that change without changing a pixel: names, papers. Files count by what is seen in them."""


class Admitted(NamedTuple):
    """A job that admission has judged, its record filled in, and what it carries away of its papers."""

    job: JobRequest
    findings: tuple[Finding, ...]
    papers: AdmittedPapers


Gate = Callable[[AdmissionFacts], Awaitable[tuple[Finding, ...]]]


async def judge_admission(facts: AdmissionFacts) -> tuple[Finding, ...]:
    """Run every rule of the admission gate in a process of its own."""
    return await evaluate_async("admission", facts)


class Reception:
    """Takes jobs in. Lives in the event loop."""

    def __init__(self, house: House, audience: Audience, gate: Gate = judge_admission) -> None:
        self._house = house
        self._audience = audience
        self._gate = gate
        self._gates = asyncio.Semaphore(GATES_AT_ONCE)
        self._coming: dict[tuple[str, str], asyncio.Future[JobRow]] = {}

    async def submit(self, user: User, request: Submit) -> Accepted:
        """Answer with the job that the user's token made, or make it.

        Raises ComplianceError with every finding when admission refuses: the job is stored as refused.
        """
        key = (user.name, request.token)
        coming = self._coming.get(key)
        if coming is None:
            coming = self._coming[key] = asyncio.ensure_future(self._take_in(user, request))
            coming.add_done_callback(lambda _: self._coming.pop(key))
        row = await asyncio.shield(coming)
        if row.state == "refused" and row.error is not None:
            raise error_from_report(row.error)
        findings = await self._house.stored(self._house.store.findings, row.job_id)
        return Accepted(job_id=row.job_id, state=row.state, version=row.version, findings=findings)

    async def admit(self, user: User, job: JobRequest) -> Admitted:
        """Return what admission says of a job today, with what the registry fills into its record."""
        sent = with_salt(job, user, self._house.ledger)
        facts = await admission_facts(self._house, user, sent)
        job, snapshot = facts.job, facts.registry
        async with self._gates:
            findings = await self._gate(facts)
        papers = AdmittedPapers(
            vouched_by=vouching(job, snapshot),
            snapshot=snapshot.digest,
            record=sent.record if sent.record != job.record else None,
        )
        if papers.vouched_by == "authority":
            papers = msgspec.structs.replace(papers, authority=snapshot.authority)
        return Admitted(job, findings, papers)

    async def _take_in(self, user: User, request: Submit) -> JobRow:
        known = await self._house.stored(self._house.store.job_by_token, user.name, request.token)
        if known is not None:
            return known
        job = request.job
        check_may_submit(user, job.output.project)
        admitted = await self.admit(user, job)
        new = await self._house.looked(_new_job, self._house.settings, user, request.token, admitted)
        new = await self._house.recorded(record_new, self._house.ledger, new)
        row, heard = await self._house.stored(self._house.store.accept, new)
        self._audience.tell(heard)
        return row


def _new_job(settings: UserSettings, user: User, token: str, admitted: Admitted) -> NewJob:
    """Return what is stored of a request that admission has judged. Walks over every file: not for the event loop."""
    job, job_id = admitted.job, new_job_id()
    _check_fits(job, settings.vault_quota_bytes)
    refused = refusal(admitted.findings, f"the job on {job.shot.name}")
    return NewJob(
        job_id=job_id,
        user=user.name,
        token=token,
        job=job,
        place=place_for(settings, job_id, job),
        cache_key=cache_key(job, engine_version(job.settings.engine)),
        admission=admitted.findings,
        state="uploading" if refused is None else "refused",
        error=None if refused is None else refused.report(),
        papers=admitted.papers,
    )


def new_job_id() -> str:
    return "".join(secrets.choice(JOB_ID_LETTERS) for _ in range(JOB_ID_LENGTH))


def engine_version(name: str) -> str:
    """Return the version of an engine; empty for one that is not here (admission refuses it)."""
    return next((engine.version for engine in engines() if engine.name == name), "")


def place_for(settings: UserSettings, job_id: str, job: JobRequest) -> Place:
    """Return where the job's versions go. Pure.

    Without a project, under HOME/jobs. With one, as the show's template says: what stands before the component that
    names the version is the folder, what stands behind it the layers' files; only `{version}`, `{layer}` and `{frame}`
    are left open. Raises RequestError for a template or a root that cannot be used.
    """
    if {job.output.project, job.shot.name} & {".", ".."}:
        raise RequestError(
            "a shot or project cannot be named '.' or '..'", remedy="Give it a name of letters and digits."
        )
    if job.output.project is None:
        return Place(str(settings.home / "jobs" / job_id))
    parts = settings.template.split("/")
    at = next((number for number, part in enumerate(parts) if "{version" in part), 0)
    known = {"root": output_root(settings), "project": job.output.project, "shot": job.shot.name, "job": job_id}
    try:
        _check_template(parts, at)
        folder = "/".join(parts[:at]).format(**known)
        names = {name: value.replace("{", "{{").replace("}", "}}") for name, value in known.items()}
        inner = [part.format_map(_Open(names)) for part in parts[at:]]
        place = Place(folder, inner[0], "/".join(inner[1:]))
        place.version_folder.format(version=1)
        place.layer_file.format(version=1, layer="comp", frame=1)
    except (KeyError, ValueError, IndexError, AttributeError) as problem:
        raise RequestError(
            f"the output template '{settings.template}' cannot be used: {problem}",
            remedy="Ask whoever runs the daemon to mend `template` in its settings.",
        ) from None
    return place


def _check_template(parts: list[str], at: int) -> None:
    """Raises ValueError for a template by which two shots, two layers or two frames would get one name."""
    if not 0 < at < len(parts) - 1 or "{frame" not in parts[-1] or not parts[-1].endswith(".exr"):
        raise ValueError("it needs a folder named by {version}, and .exr files named by {frame} in it")
    if "{layer" not in "/".join(parts[at + 1 :]):
        raise ValueError("behind the folder of the version it needs {layer}")
    folder = "/".join(parts[: at + 1])
    if "{job" not in folder and not ("{project" in folder and "{shot" in folder):
        raise ValueError("versions are counted by shot: the folder of one needs {job}, or {project} and {shot}")


def output_root(settings: UserSettings) -> str:
    """Return the folder that `{root}` stands for on this machine. Raises RequestError for a root that is not here."""
    if not settings.output_root:
        return str(settings.home / "jobs")
    for root in settings.roots:
        if root.name == settings.output_root and root.path_on(this_system()):
            return root.path_on(this_system()).rstrip("/")
    raise RequestError(
        f"the daemon's settings name '{settings.output_root}' as output root, but it is not on this machine",
        remedy=f"Roots here: {', '.join(root.name for root in settings.roots) or 'none'}.",
    )


class _OpenField(str):
    """A field that is not known yet: it stays as it stands, format and all."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return "{" + self + (":" + form if form else "") + "}"


class _Open(dict[str, str]):
    def __missing__(self, name: str) -> _OpenField:
        return _OpenField(name)


def cache_key(job: JobRequest, version_of_engine: str) -> str:
    """Return what decides the pixels of a job: the pictures by role, frame and colour, settings, range, engine.

    BLAKE3 of the canonical JSON, then of each picture. Papers, names, file bytes and the output's place are not in it.
    """
    parts: dict[str, Any] = {
        "shot": _pictures_only(job.shot),
        "settings": job.settings,
        "engine": version_of_engine,
        "understudy": version("understudy"),
    }
    if job.redo is not None:
        parts["redo"] = job.redo
    key = blake3(msgspec.json.encode(parts, order="sorted"))
    for role, pictures in job.shot.roles().items():
        for file in pictures.files:
            key.update(msgspec.json.encode((role, file.picture, file.frame)))
    return key.hexdigest()


def _pictures_only(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = (name for name in value.__struct_fields__ if name not in _NOT_OF_THE_PICTURE)
        return {name: _pictures_only(getattr(value, name)) for name in fields}
    return [_pictures_only(inner) for inner in value] if isinstance(value, tuple) else value


def _check_fits(job: JobRequest, quota_bytes: int) -> None:
    """Raises RequestError for a job that could never be held, before anything is sent."""
    size = sum(file.size for file in job.shot.files().values())
    if size > quota_bytes:
        raise RequestError(
            f"the job's files have {size} bytes, the daemon's vault holds {quota_bytes}",
            remedy="Send a shorter range, or have vault_quota_bytes raised.",
            facts={"bytes": str(size), "quota": str(quota_bytes)},
        )


def folder_of(row: JobRow, *, provisional: bool) -> Path:
    """Return the absolute folder of a job's version."""
    base = Path(row.folder)
    return base / ".provisional" / row.version_name if provisional else base / row.version_name
