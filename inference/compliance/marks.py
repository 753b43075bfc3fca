"""What every file says of itself from its first byte: state, clearance, disclosure, and how it was made.

String attributes of each EXR header, and the metadata of each movie. No talent's name and no consent stands here: those
stay in the record; a file carries the record's id and digest.

understudy/state                `provisional`, then `final_state` once the delivery gate passed; padded to 16 characters
understudy/clearance            `cleared`, `uncleared`, or `demonstration, not for delivery`
understudy/not_final            for a take that is never part of a final: why
understudy/in_between           of such a take's frames: `none`, `held` or `interpolated`
understudy/in_between_of        the made frames whose pictures a frame shows
understudy/disclosure           the record's disclosure text
understudy/digital_source_type  an IPTC digital source type, as a URI
understudy/previz               for an engine of previz: what its pictures are for, and what it cannot do
understudy/driver               in mode animate: what drives the character, and what that cannot show
understudy/engine, engine_version, mode, settings, seed, prompt, weights    how it was made
understudy/redo                 for a version that makes a segment again: which, with what, of which version
AIGC                            where asked for: the metadata of GB 45438, as JSON
understudy/approximate          for a frame that was made with less than its settings say, for want of memory: how
understudy/pixels_from, pixels_settings     for a frame kept from another version: which made it, with which settings
understudy/pixels_by            for a frame that an earlier run of the job made by other code than is here now: by which
understudy/face                 where an engine is shown a face: which box of the frame, and how it was found
understudy/colour_config        the OCIO config: a built-in one's name, or the studio's own file and digest
understudy/inputs, record, record_id                                        of what, and on which papers
understudy/actor, project, shot, job, version, accepted_at                  whose and when
understudy/software, commit                                                 by which code
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import PureWindowsPath

import msgspec
from blake3 import blake3

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.record import Record
from understudy.bridge.shot import JobRequest, Settings
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.aigc import AIGC, aigc_json
from understudy.inference.work_order import WorkOrder

STATE = "understudy/state"
CLEARANCE = "understudy/clearance"
DISCLOSURE = "understudy/disclosure"
SOURCE_TYPE = "understudy/digital_source_type"
PREVIZ = "understudy/previz"
NOT_FINAL = "understudy/not_final"
IN_BETWEEN = "understudy/in_between"
IN_BETWEEN_OF = "understudy/in_between_of"
SETTINGS = "understudy/settings"
WEIGHTS = "understudy/weights"
PIXELS_FROM = "understudy/pixels_from"
PIXELS_SETTINGS = "understudy/pixels_settings"
PIXELS_BY = "understudy/pixels_by"
FACE_SHOWN = "understudy/face"
APPROXIMATE = "understudy/approximate"
FRAME_MARKS = (PIXELS_FROM, PIXELS_SETTINGS, PIXELS_BY, IN_BETWEEN, IN_BETWEEN_OF, FACE_SHOWN, APPROXIMATE)
"""Of single frames: they stay with the pixels where another version takes them over. The first two are only in files
whose pixels another version made, the third in those that other code made; the last is what the engine said that made
them.
"""
PROVENANCE = tuple(
    f"understudy/{name}"
    for name in (
        "engine", "engine_version", "mode", "settings", "seed", "prompt", "weights", "colour_config", "inputs",
        "record", "record_id", "actor", "project", "shot", "job", "version", "accepted_at", "software", "commit",
    )
)  # fmt: skip
"""Without these a file does not prove how it was made."""
CODE = ("understudy/software", "understudy/commit")
MAKING = tuple(
    f"understudy/{name}"
    for name in (
        "engine", "engine_version", "mode", "settings", "seed", "prompt", "weights", "colour_config", "inputs", "job",
        "version",
    )
)  # fmt: skip
"""What a frame is a picture of, and by what. One that says otherwise is not this version's; code is not among them, as
it is not for the pixels of an identical job: where other code makes other pixels, the engine has another version."""

PROVISIONAL = "provisional"
FOR_REVIEW = "for_review"
"""The last state of a take on good papers that is never part of a final."""
STATE_LENGTH = 16  # the state is overwritten in place, so its room never changes
NONE = "none"
"""Stated rather than left out: an absent attribute could also be a lost one."""
UNKNOWN = "unknown"

_CLEARANCE_WORDS = {
    "cleared": "cleared",
    "uncleared": "uncleared",
    "demonstration": "demonstration, not for delivery",
}
_FINAL_STATE = {"cleared": "delivered", "uncleared": "uncleared", "demonstration": "demonstration"}
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def marks(
    order: WorkOrder, description: EngineDescription, *, weights: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the attributes of every file of `order`, all but the state in their last words. Pure but for the version.

    `weights` gives each weight file's digest by name; an engine that names weights must give them all (ValueError).
    The same order makes the same marks, on any day and any machine with the same code.
    """
    weights = weights or {}
    lacking = [name for name in description.weights if name not in weights]
    if lacking:
        raise ValueError(f"no digest for the weights {', '.join(lacking)}")
    job, settings, record = order.job, order.job.settings, order.job.record
    values = {
        "state": PROVISIONAL,
        "clearance": clearance_words(record),
        "disclosure": record.disclosure.text,
        "digital_source_type": source_type(job, description),
        "engine": description.name,
        "engine_version": description.version,
        "mode": settings.mode,
        "settings": msgspec.json.encode(settings, order="deterministic").decode(),
        "seed": str(settings.seed),
        "prompt": settings.prompt or NONE,
        "weights": weights_words(weights),
        "colour_config": colour_config_words(job),
        "inputs": inputs_digest(job),
        "record": record_digest(record),
        "record_id": record.record_id or NONE,
        "actor": order.actor,
        "project": job.output.project or NONE,
        "shot": job.shot.name,
        "job": order.job_id,
        "version": str(order.version),
        "accepted_at": order.accepted_at,
        "software": f"understudy {software_version()}",
        "commit": software_commit(),
    }
    if job.redo is not None:
        values["redo"] = msgspec.json.encode(job.redo, order="deterministic").decode()
    if settings.mode == "animate":
        values["driver"] = driver_words(job)
    if description.previz:
        values["previz"] = "; ".join(("previz for blocking, not a finished picture", *description.limits))
    if description.not_final:
        values["not_final"] = description.not_final
    named = {f"understudy/{name}": value for name, value in values.items()}
    if order.aigc_producer:
        named[AIGC] = aigc_json(order.aigc_producer, f"{order.job_id}_v{order.version:03}")
    return named


def told_anew(said: Mapping[str, str], todays: Mapping[str, str]) -> dict[str, str] | None:
    """Return the marks that a frame on disk must be told anew to be of today's version; None = it was made otherwise.

    said: the frame's own marks, as `read_attributes` gives them; todays: as `marks` does. A frame of earlier code is
    told which that was, unless another version made its pixels.
    """
    changed = {name: value for name, value in todays.items() if name != STATE and said.get(name) != value.rstrip(" \0")}
    made_otherwise = changed.keys() & set(MAKING)
    if made_otherwise and (made_otherwise != {SETTINGS} or not _alike(said.get(SETTINGS, ""), todays[SETTINGS])):
        return None
    if not changed.keys().isdisjoint(CODE) and PIXELS_BY not in said and PIXELS_FROM not in said:
        software, commit = (said.get(name, UNKNOWN) for name in CODE)
        changed[PIXELS_BY] = f"{software}, commit {commit}"
    return changed


def _alike(said: str, todays: str) -> bool:
    """Say whether two texts mean the same settings: one of before lacks what can be set since."""
    try:
        return msgspec.json.decode(said, type=Settings) == msgspec.json.decode(todays, type=Settings)
    except msgspec.MsgspecError:
        return False


def iptc_fields(order: WorkOrder, description: EngineDescription) -> dict[str, str]:
    """Return IPTC's properties on AI (Photo Metadata 2025.1, Video Metadata Hub 1.7) by name, each one stated.

    The writer of a prompt is who asked for the job, which is not the picture's creator.
    """
    prompt = order.job.settings.prompt
    return {
        "DigitalSourceType": source_type(order.job, description),
        "AISystemUsed": description.label if description.weights else NONE,
        "AISystemVersionUsed": description.version if description.weights else NONE,
        "AIPromptInformation": prompt or NONE,
        "AIPromptWriterName": order.actor if prompt else NONE,
    }


def weights_words(weights: Mapping[str, str]) -> str:
    """Return what files say of the weights that made them: their digests by name."""
    return json.dumps(dict(sorted(weights.items()))) if weights else NONE


def final_state(order: WorkOrder, not_final: str) -> str:
    """Return the state that every file carries once the delivery gate passed: at most 16 characters.

    not_final: why the take is never part of a final; empty where nothing stands against it. What its papers forbid is
    said before that: an uncleared take stays `uncleared`.
    """
    state = _FINAL_STATE[order.job.record.clearance]
    return FOR_REVIEW if not_final and state == "delivered" else state


def in_between_marks(cadence: Cadence, frame: int) -> dict[str, str]:
    """Return the marks of one frame where an engine makes fewer pictures than there are frames; else none."""
    word = cadence.word(frame)
    if not word:
        return {}
    return {IN_BETWEEN: word, IN_BETWEEN_OF: " ".join(str(number) for number in cadence.pictures_of(frame))}


def clearance_words(record: Record) -> str:
    return _CLEARANCE_WORDS[record.clearance]


def colour_config_words(job: JobRequest) -> str:
    """Return the config's name, and the digest of one that the job brings; never the folder that it lay in."""
    own = job.shot.colour_archive
    if own is None:
        return job.settings.colour_config
    return f"{PureWindowsPath(own.pictures.typed).name} {job.settings.colour_config}"


def driver_words(job: JobRequest) -> str:
    """Return what drives the character: a rig's keypoints alone say nothing of a face."""
    if job.shot.plate is None:
        return "keypoints alone: the face stays neutral"
    return "pictures" if job.shot.keypoints is None else "pictures and keypoints"


def source_type(job: JobRequest, description: EngineDescription) -> str:
    """Return the IPTC digital source type of the layers and the comp.

    With a trained model: a person generated into a captured plate is `compositeWithTrainedAlgorithmicMedia`, a picture
    generated whole is `trainedAlgorithmicMedia`. Without one (previz), nothing is derived from sampled content, so the
    trained terms would be false; yet it is no capture either: the character is made to move by an algorithm and set
    among other elements, which is IPTC's `compositeSynthetic` (several elements, at least one of them synthetic).
    `algorithmicMedia` is for pictures made purely by an algorithm; ours start from a plate and a character's picture.
    """
    if not description.weights:
        return _IPTC + "compositeSynthetic"
    if job.settings.mode == "replace" or job.shot.clean_plate is not None:
        return _IPTC + "compositeWithTrainedAlgorithmicMedia"
    return _IPTC + "trainedAlgorithmicMedia"


def inputs_digest(job: JobRequest) -> str:
    """Return one BLAKE3 over role, frame and digest of every input, in the order of roles and files."""
    lines = (
        f"{role}\t{'' if file.frame is None else file.frame}\t{file.file}\n"
        for role, pictures in job.shot.roles().items()
        for file in pictures.files
    )
    return blake3("".join(lines).encode()).hexdigest()


def record_digest(record: Record) -> str:
    """Return the BLAKE3 of the record's JSON: which papers, without their words."""
    return blake3(msgspec.json.encode(record, order="deterministic")).hexdigest()


@functools.cache
def software_version() -> str:
    """Return the version that is installed, read once a process; `unknown` where none is."""
    from importlib import metadata  # 50 ms that the gate's process, which reads these names alone, need not pay

    try:
        return metadata.version("understudy")
    except metadata.PackageNotFoundError:
        return UNKNOWN


def software_commit() -> str:
    """Return the commit this code was built from: `UNDERSTUDY_COMMIT`, else what the installer wrote down, else
    `unknown`. Git is never asked: a farm node has none, and a checkout's state is not the installed code's."""
    from importlib import metadata

    stated = os.environ.get("UNDERSTUDY_COMMIT", "").strip()
    if stated:
        return stated[:64]
    try:
        origin = json.loads(metadata.distribution("understudy").read_text("direct_url.json") or "{}")
        return str(origin.get("vcs_info", {}).get("commit_id", UNKNOWN))
    except (metadata.PackageNotFoundError, ValueError, AttributeError):
        return UNKNOWN
