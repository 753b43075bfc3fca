"""Whether the inputs that are clips of the registry may be used for this job. Pure; rules of two stages share it.

A clip is approved per use, never once for all. An input that is no clip of the registry is not this module's.
"""

from __future__ import annotations

from collections.abc import Iterator

from understudy.bridge.errors import Finding, Fix
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.papers import Clip, Snapshot
from understudy.inference.compliance.coverage import matches_any
from understudy.inference.compliance.phrases import write_list

FIELDS = {"plate": "performed_by", "reference": "on_screen"}
"""Where a record must name the performers of a clip that has this role: whose performance drives the character, whose
likeness is seen. In any other role they must be named somewhere."""


def judge_clips(job: JobRequest, snapshot: Snapshot, today: str) -> Finding:
    """Return the finding on every input of `job` that is a clip of the registry, as it stands on `today`.

    The daemon asks this in its own process: no rule, and none of their library, is imported here.
    """
    used = [(role, clip) for clip in snapshot.clips for role in _roles_of(job, clip)]
    if not used:
        return Finding(rule="", outcome="not_applicable", message="no input is a clip of the registry")
    facts = {"today": today, "clips": ", ".join(dict.fromkeys(clip.id for _, clip in used))}
    missing = [(clip, talent, role) for role, clip in used for talent in _unnamed(job, role, clip)]
    problems = [why for role, clip in used for why in _against(job, role, clip, today)]
    problems += [
        f"{talent} performs in clip {clip.id}, and `{FIELDS.get(role, 'performed_by')}` does not name them"
        for clip, talent, role in missing
    ]
    if not problems:
        return Finding(rule="", outcome="pass", message=f"approved for this use: clips {facts['clips']}", facts=facts)
    fixes = [
        Fix(kind="name_performer", values={"field": FIELDS.get(role, "performed_by"), "talent": talent})
        for _, talent, role in missing
    ]
    return Finding(
        rule="",
        outcome="refuse",
        message=f"a clip may not be used so: {' | '.join(dict.fromkeys(problems))}",
        remedy="Take another clip, state the use that this one is approved for and name who performs in it, or ask the "
        "production: `understudy clip show ID` says what is on file.",
        facts=facts,
        fixes=tuple(fixes),
        fields=tuple(dict.fromkeys((*(fix.values["field"] for fix in fixes), *_stating(job, used)))),
    )


def _roles_of(job: JobRequest, clip: Clip) -> Iterator[str]:
    files = set(clip.files)
    for role, pictures in job.shot.roles().items():
        if any(file.file in files or file.picture in files for file in pictures.files):
            yield role.partition(".")[0]


def _against(job: JobRequest, role: str, clip: Clip, today: str) -> Iterator[str]:
    """Yield why a clip may not be used. What a record would have to say is asked of a record alone."""
    if clip.withdrawn_on and clip.withdrawn_on <= today:
        yield f"clip {clip.id}, the {role}, was withdrawn on {clip.withdrawn_on}"
    if clip.expires_on and clip.expires_on < today:
        yield f"clip {clip.id}, the {role}, expired on {clip.expires_on}"
    if clip.projects and not matches_any(job.output.project or "", clip.projects):
        project = job.output.project or "a job without a project"
        yield f"clip {clip.id} is for the projects {write_list(clip.projects)}, not {project}"
    if clip.shots and not matches_any(job.shot.name, clip.shots):
        yield f"clip {clip.id} is for the shots {write_list(clip.shots)}, not {job.shot.name}"
    if clip.uses and job.record.ground == "record":
        yield from _beyond(job, clip)


def _beyond(job: JobRequest, clip: Clip) -> Iterator[str]:
    use = job.record.use
    stated = {"advertising": use.is_advertising, "endorsement": use.endorsement, "training": use.training}
    more = [*(word for word, holds in stated.items() if holds), *use.media]
    beyond = [word for word in more if word not in clip.uses]
    if beyond:
        yield f"clip {clip.id} is for {write_list(clip.uses)}, not {write_list(beyond)}"
    elif not use.media:
        yield f"clip {clip.id} is for {write_list(clip.uses)}, and the record's `use.media` states none"


def _stating(job: JobRequest, used: list[tuple[str, Clip]]) -> tuple[str, ...]:
    """Return the fields that state a use for which a clip is not approved."""
    beyond = job.record.ground == "record" and any(why for _, clip in used if clip.uses for why in _beyond(job, clip))
    return ("use.media", "use.is_advertising", "use.endorsement", "use.training") if beyond else ()


def _unnamed(job: JobRequest, role: str, clip: Clip) -> tuple[str, ...]:
    record = job.record
    if record.ground != "record":
        return ()
    named = {"plate": record.performed_by, "reference": record.on_screen}.get(role, record.talents)
    return tuple(talent for talent in clip.performers if talent not in named)
