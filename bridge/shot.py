"""The nouns of a job: what goes in, what comes out. Frozen, checked on decoding, without I/O.

The words are those of the field and of docs/contracts.md: plate, matte, matte_effective, patch, handles.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.record import Record
from understudy.bridge.words import Mode, Name

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z", description="BLAKE3, 64 lower-case hex digits")]
FormatSide = Annotated[int, msgspec.Meta(ge=16, le=8192)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
SegmentNumber = Annotated[int, msgspec.Meta(ge=1, le=100_000, description="segments count from 1")]

MATTE_LAYERS = ("matte", "matte_effective", "matte_used")
SKELETON, FACE, FACE_BOX = "skeleton", "face", "face_box"
DATA_LAYERS = (*MATTE_LAYERS, SKELETON, FACE_BOX)
"""Layers in no colour space: `colorInteropID` says `data`."""
OWN_SIZES = {FACE: (512, 512)}
"""Layers that do not lie over the plate, with their own width and height."""

SIGNED_LAYERS = ("difference",)
"""Layers that go below zero, which no movie holds."""


class PictureFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that crosses to the daemon: a frame of a sequence, a movie, or a still."""

    file: Digest
    """BLAKE3 of the bytes: transfer and provenance."""
    picture: Digest
    """BLAKE3 of what the picture is, without volatile header fields; equals `file` where we cannot walk a format."""
    size: Annotated[int, msgspec.Meta(ge=1)]
    typed: str
    """The path as the user or the host named it; used in messages only, never opened by the daemon."""
    frame: int | None = None
    """The frame number this file is; None for a movie, whose frames count from `Pictures.movie_first`."""


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one role and how to read them. An option left None means: what the file itself says."""

    files: Annotated[tuple[PictureFile, ...], msgspec.Meta(min_length=1)]
    kind: Literal["sequence", "movie", "still"]
    typed: str
    movie_first: int = 0
    """The frame number of a movie's first picture."""
    colour: str | None = None
    """A name, alias or role of the OCIO config; None = the file's own tags, then the stated assumption."""
    layer: str | None = None
    view: str | None = None


class Plate(msgspec.Struct, frozen=True, kw_only=True):
    """The shot's pictures."""

    pictures: Pictures
    window: Literal["plate", "display"] = "plate"
    """`plate` keeps the plate's data window (overscan); `display` crops or pads layers to the display window."""
    pixel_aspect: float | None = None


class Matte(msgspec.Struct, frozen=True, kw_only=True):
    """Soft coverage, 0 to 1, white = replace here. Data: no curve is ever applied."""

    pictures: Pictures
    channel: str | None = None
    invert: bool = False


class Character(msgspec.Struct, frozen=True, kw_only=True):
    """The image of who comes in: one still, with optional alpha."""

    pictures: Pictures


class Performer(msgspec.Struct, frozen=True, kw_only=True):
    """One person to recast: where they are, who replaces them."""

    character: Character
    matte: Matte | None = None
    name: str = "performer"
    talents: tuple[str, ...] = ()
    """Whose papers in the record this performer needs: the one seen, the one who drives, the one painted out."""


class Keypoints(msgspec.Struct, frozen=True, kw_only=True):
    """133 COCO-WholeBody points a frame from a rig or a tracker, as one JSON file (see docs/keypoints.md)."""

    pictures: Pictures


class ColourArchive(msgspec.Struct, frozen=True, kw_only=True):
    """A studio's own OCIO config with its LUTs as one `.ocioz`; the settings name it by its digest."""

    pictures: Pictures


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is seen: inputs by role, frames and rate."""

    name: Name
    range: FrameRange
    rate: FrameRate | None
    """None only where neither the user nor a header states one; admission refuses that for a sequence."""
    performers: Annotated[tuple[Performer, ...], msgspec.Meta(min_length=1)]
    plate: Plate | None = None
    """In mode animate the driver: looked at, never seen in a layer."""
    clean_plate: Plate | None = None
    """In mode animate the backdrop: the beauty is over it."""
    holdout: Matte | None = None
    keypoints: Keypoints | None = None
    colour_archive: ColourArchive | None = None

    def roles(self) -> dict[str, Pictures]:
        """Return every input by its role name, in the order in which a report lists them."""
        roles: dict[str, Pictures] = {}
        if self.plate is not None:
            roles["plate"] = self.plate.pictures
        for number, performer in enumerate(self.performers, start=1):
            which = "" if number == 1 else f".{number}"
            if performer.matte is not None:
                roles[f"matte{which}"] = performer.matte.pictures
            roles[f"reference{which}"] = performer.character.pictures
        if self.clean_plate is not None:
            roles["clean_plate"] = self.clean_plate.pictures
        if self.holdout is not None:
            roles["holdout"] = self.holdout.pictures
        if self.keypoints is not None:
            roles["keypoints"] = self.keypoints.pictures
        if self.colour_archive is not None:
            roles["colour_archive"] = self.colour_archive.pictures
        return roles

    def files(self) -> dict[str, PictureFile]:
        """Return every file by its digest: what the vault must hold before the job can run."""
        return {file.file: file for pictures in self.roles().values() for file in pictures.files}


class SegmentSeed(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that starts from noise of its own."""

    segment: SegmentNumber
    seed: Seed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user chose about the making of the picture. Every field stands in the marks of every file."""

    engine: str = "preview"
    mode: Mode = "replace"
    seed: Seed = 0
    segment_seeds: tuple[SegmentSeed, ...] = ()
    """Segments that were made again with a seed of their own, in order; the others keep what `seed` gave them."""
    prompt: str = ""
    negative_prompt: str = ""
    colour_config: str = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
    """A built-in OCIO config, or the digest of the shot's colour archive."""
    colour_context: Annotated[dict[str, str], msgspec.Meta(max_length=64)] = {}
    """What the context variables of that config stand for in the host ($SHOT, $SEQ); others have their defaults."""
    exposure_stops: float | None = None
    """None = measured inside the matte over the shot and recorded."""
    matte_grow_pixels: Annotated[float, msgspec.Meta(ge=0, le=256)] = 6.0
    matte_feather_pixels: Annotated[float, msgspec.Meta(ge=0, le=256)] = 4.0
    allow_large_matte: bool = False
    """The answer to the question asked when a matte covers more than 60 % of the picture."""
    format: tuple[FormatSide, FormatSide] | None = None
    """Mode animate: width and height of the picture; None = the backdrop's, else the reference's shape."""
    engine_options: dict[str, str] = {}
    """What only one engine knows; its description lists the names."""

    def with_segment_seed(self, segment: int, seed: int) -> Settings:
        """Return these settings with a seed of its own for a segment, in the place of one that it had."""
        others = [own for own in self.segment_seeds if own.segment != segment]
        seeds = sorted((*others, SegmentSeed(segment=segment, seed=seed)), key=lambda own: own.segment)
        return msgspec.structs.replace(self, segment_seeds=tuple(seeds))


class RequestedMovie(msgspec.Struct, frozen=True, kw_only=True):
    """A movie of one layer, handles included: pictures through the review's view, data as it is stored.

    `difference` has none: no movie holds what is below zero.
    """

    layer: str
    kind: Literal["prores_4444", "prores_422_hq", "dnxhr_hqx"]
    alpha: Literal["straight", "premultiplied"] = "straight"
    """What the host expects of ProRes 4444; the file's name says which it is."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Where a take belongs. `project` None = the artist's own folder, which the client fills by fetching."""

    project: Name | None = None
    series: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    """Without a project: takes of one series (a host's folder) are numbered together; empty = this job's own."""
    movies: tuple[RequestedMovie, ...] = ()
    multipart: bool = False
    """One multi-part EXR a frame beside the layers: part 1 `rgba` is the comp, then patch, character, matte."""


class Redo(msgspec.Struct, frozen=True, kw_only=True):
    """Which segment of a delivered version is made again, and what is kept. Written by the daemon alone."""

    job_id: str
    """The job whose version this one goes on from."""
    version: int
    first_job_id: str
    """The job that the first version of this line was: without a project or a series, versions count on from it."""
    segment: SegmentNumber
    alone: bool = False
    """False = the segment and all after it are made again; True = this one only, and the later ones are kept."""
    dissolve: bool = False
    """With `alone`: the segment's last pictures dissolve into those that the next one goes on from."""
    seed: Seed | None = None
    """The segment's own seed; None = the one that it had."""
    options: dict[str, str] = {}
    """Engine options that are not those of the version before; they hold for what is made again."""
    repeatable: bool = True
    """Whether the segments before, made again with these settings, would be those that were delivered."""
    unrepeatable: str = ""
    """Why not, in words."""


class JobRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All that the daemon needs to know; who asks is the key's, never a field."""

    shot: Shot
    settings: Settings
    record: Record
    output: Output = Output()
    priority: Annotated[int, msgspec.Meta(ge=-100, le=100)] = 0
    redo: Redo | None = None
    """Never in a client's request: it says `RedoSegment`."""


class OutputFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a job made. `path` is relative to the version's folder, with forward slashes."""

    path: str
    size: int
    file: Digest
    layer: str | None = None
    frame: int | None = None
    """None for what is not a frame of a layer: review.mp4, report.html, manifest.json and its seal."""
    in_between: str = ""
    """`held` or `interpolated` for a frame between two made pictures, `none` for a made one of such a take; empty where
    a picture was made for every frame, or the file is no frame."""
