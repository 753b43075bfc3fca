"""What the rules of each stage may read: plain values, measured elsewhere, sent to the gate's process as JSON.

Facts measure and never judge. A damaged file is a reading with a `problem`, not an error.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.papers import Snapshot
from understudy.inference.provenance.readings import InputCredentials

Stage = Literal["admission", "inspection", "delivery", "sealing"]

FRAMES_LIMIT = 20_000
"""Most frames of one job: fourteen minutes at 24; its request is still under the wire's message limit."""
FILES_LIMIT = 100_000


class AdmissionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon knows before any file is sent. No pixel is behind any of it."""

    job: JobRequest
    actor: str
    """The user that the key belongs to; never a field of the request."""
    today: str
    """The daemon's day in UTC, as 2026-11-20."""
    roles: tuple[str, ...] = ()
    """The user's roles: artist, producer, legal, admin."""
    projects: tuple[str, ...] = ()
    """Projects that the key belongs to; empty = every project."""
    engine: EngineDescription | None = None
    """None = this daemon has no engine of the name that the job states."""
    engines: tuple[str, ...] = ()
    """Names of the engines that are here."""
    packs: dict[str, str] = {}
    """The studio's own policy packs, name to TOML text; those that ship are the gate's by itself."""
    registry: Snapshot = Snapshot()
    """What the daemon's registry knows of what the job names: people, consents, waivers of its record."""


class PictureReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One picture, decoded whole. Sizes are pixels of the display window."""

    frame: int | None
    typed: str
    problem: str = ""
    """Empty = the picture is whole. Else what is wrong, with the file named as the user typed it."""
    remedy: str = ""
    width: int = 0
    height: int = 0
    data_window: tuple[int, int, int, int] = (0, 0, 0, 0)
    """x, y, width, height."""
    channels: tuple[str, ...] = ()
    pixel_type: str = ""
    non_finite: int = 0
    """Values that are NaN or infinite."""
    coverage: float | None = None
    """Mattes only: mean coverage of the picture, 0 to 1."""
    peak: float | None = None
    """Mattes only: the greatest coverage; 0 = the matte is empty."""
    box: tuple[int, int, int, int] | None = None
    """Mattes only: left, top, right, bottom edge of what is seen of it, in the display window; None = nothing is."""


class MovieReading(msgspec.Struct, frozen=True, kw_only=True):
    """One movie as its container tells it."""

    typed: str
    problem: str = ""
    """Why it cannot be read frame by frame: damaged, interlaced, of variable rate."""
    remedy: str = ""
    count: int = 0
    first: int = 0
    """Frame number of its first picture."""
    rate: FrameRate | None = None
    width: int = 0
    height: int = 0


class ColourReading(msgspec.Struct, frozen=True, kw_only=True):
    """How a role's colour space was found."""

    declared: str | None = None
    space: str = ""
    """The config's own name for it; empty = not found."""
    assumed: str = ""
    """The words for an assumption, which name the role and the file; empty = the user or the file says so."""
    problem: str = ""
    remedy: str = ""


class RoleReading(msgspec.Struct, frozen=True, kw_only=True):
    """One input role: every picture of it that was read."""

    role: str
    typed: str
    kind: str
    pictures: tuple[PictureReading, ...] = ()
    movie: MovieReading | None = None
    colour: ColourReading | None = None


class InspectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker read from the inputs. `frames` None = the whole shot was read; else only these frames."""

    job: JobRequest
    roles: tuple[RoleReading, ...]
    frames: tuple[int, ...] | None = None
    credentials: tuple[InputCredentials, ...] = ()
    """Of every input file that carries Content Credentials."""

    @property
    def whole(self) -> bool:
        return self.frames is None

    def role(self, name: str) -> RoleReading | None:
        """Return the readings of the role `name`, None where the job has no such input."""
        return next((reading for reading in self.roles if reading.role == name), None)

    def mattes(self) -> tuple[RoleReading, ...]:
        """Return the performers' mattes; a holdout is none of them."""
        return tuple(r for r in self.roles if r.role == "matte" or r.role.startswith("matte."))


class LayerReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One file that was made, opened again. Sizes are pixels of the display window."""

    layer: str
    frame: int
    path: str
    """Relative to the version's folder."""
    problem: str = ""
    width: int = 0
    height: int = 0
    state: str = ""
    disclosure: str = ""
    clearance: str = ""
    in_between: tuple[str, str] = ("", "")
    """What it says of itself as a frame between two made pictures: the word, and the frames whose pictures it shows."""
    wrong_marks: tuple[str, ...] = ()
    """Attributes that are absent or say otherwise than the job's marks."""
    non_finite: int = 0
    """NaN or infinite values, apart from those the plate itself has outside the effective matte."""


class PictureProof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One frame's layers held against the plate and against each other."""

    frame: int
    touched: int | None = None
    """Pixels outside the effective matte whose bits are not the plate's; None = there is nothing to compare."""
    patch_error: float | None = None
    """Greatest difference between patch over plate and comp, relative to the larger value; None as above."""


MOST_CHANCE = 1e-6
"""The mark counts as read when it would be read by chance at most so often."""


class MarkReading(msgspec.Struct, frozen=True, kw_only=True):
    """The invisible mark, read from the review movie as it lies on the disk."""

    content_id: str
    """Empty = no word of the code was read."""
    chance: float
    """The most that the chance is of reading any id so surely where there is no mark."""
    frames: int

    @property
    def is_sure(self) -> bool:
        return self.content_id != "" and self.chance <= MOST_CHANCE


class ReviewReading(msgspec.Struct, frozen=True, kw_only=True):
    """The review movie, opened again."""

    count: int = 0
    rate: FrameRate | None = None
    problem: str = ""
    mark: MarkReading | None = None
    """None = the job has no mark, or its pictures are too small to carry one."""


class MovieProof(msgspec.Struct, frozen=True, kw_only=True):
    """A movie that was made, opened again for what it must show and carry."""

    path: str
    """Relative to the version's folder."""
    problem: str = ""
    seconds: float = 0.0
    aigc: str = ""
    """The metadata under `AIGC`, as it stands there."""
    label: str = ""
    """The label that it must show; empty = none: it is a layer, or none was asked for."""
    shown_seconds: float = 0.0
    """How long its opening shows that label without a break."""
    height: float = 0.0
    """Of the label's letters, in parts of the picture's shortest side: the least of those frames."""


class DeliveryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker read back from the files that it made."""

    job: JobRequest
    today: str
    """The worker's day in UTC: papers must still stand when the pictures leave."""
    layers: tuple[str, ...]
    """The layers that this job must have."""
    state: str
    """The state that every file must carry while the gate looks at it."""
    readings: tuple[LayerReading, ...]
    unexpected: tuple[str, ...] = ()
    """Files in the version's folder that belong to no layer and no list."""
    proofs: tuple[PictureProof, ...] = ()
    plate_size: tuple[int, int] | None = None
    """Width and height that layers must have: the plate's, in mode animate the format's; None = their first file's."""
    marks: dict[str, str] = {}
    """The attributes that every file must carry."""
    made: tuple[int, ...] | None = None
    """The frames that must have a picture of their own, where the engine makes fewer pictures than a fast shot has
    frames; None = all of them, and no file says anything of it."""
    rate: FrameRate | None = None
    """The shot's rate as the worker resolved it."""
    review: ReviewReading | None = None
    movies: tuple[MovieProof, ...] = ()
    """The review and the movies that were asked for, where a label or metadata was asked for too; else none."""
    watermark: str = ""
    """The content id that the review's invisible mark must say; empty = no mark was asked for."""
    packs: dict[str, str] = {}
    """As in `AdmissionFacts`."""
    registry: Snapshot = Snapshot()
    """The same as at admission, as it is when the pictures are to leave."""

    @property
    def range(self) -> FrameRange:
        return self.job.shot.range


class SignatureReading(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one delivered file, read back."""

    path: str
    state: str
    """`Trusted`, `Valid` (its signer is not known here), `Invalid`, `Unreadable`, `unsigned`."""
    failures: tuple[str, ...] = ()
    ingredient_failures: tuple[str, ...] = ()
    """What is wrong with what it was made of; that a signer of theirs is not known here is no failure."""
    signer: str = ""


class SealFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker read back from a version that is signed and not yet released."""

    job: JobRequest
    movies: tuple[str, ...]
    """The files that must carry credentials in themselves."""
    signatures: tuple[SignatureReading, ...]
    development: bool
    """Whether a certificate signed that stands for nobody."""
    listed: int
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    altered: tuple[str, ...] = ()
