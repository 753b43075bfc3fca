"""How a model stands on this machine: found, whole, pinned; and whether its files are what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.digests import DigestCache, Told
from understudy.inference.weights.finding import find_weights
from understudy.inference.weights.hub import list_files
from understudy.inference.weights.layout import check_layout
from understudy.inference.weights.lora_shelf import shelf_of
from understudy.inference.weights.manifest import (
    MANIFEST,
    UNKNOWN,
    Difference,
    Manifest,
    PinnedFile,
    compare,
    files_in,
    read_manifest,
)
from understudy.inference.weights.segmenter_shelf import segmenters_here

SHOWN_FILES = 8
WHOLE, NOT_WHOLE, ABSENT = "whole", "not whole", "absent"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as `understudy weights list` shows it."""

    model: str
    state: str
    """`whole`, `not whole` or `absent`."""
    folder: str = ""
    where: str = ""
    size_bytes: int = 0
    pinned_by: str = ""
    """Empty = the folder has no manifest."""
    licence: str = UNKNOWN
    loras: tuple[str, ...] = ()
    """Names that a job may say."""
    segmenters: tuple[str, ...] = ()
    """Likewise, of networks that tell people from ground."""
    problem: str = ""
    remedy: str = ""

    def lines(self) -> list[str]:
        """Return what is said below the model's own line."""
        if self.problem:
            return [self.problem, f"what to do: {self.remedy}"]
        pinned = f"pinned by {self.pinned_by}" if self.pinned_by else "not pinned: `understudy weights pin` pins it"
        loras = [f"LoRAs: {', '.join(self.loras)}"] if self.loras else []
        networks = [f"segmenters: {', '.join(self.segmenters)}"] if self.segmenters else []
        return [f"{self.size_bytes / 1e9:.1f} GB, licence {self.licence}, {pinned}", *loras, *networks]

    def finding(self) -> Finding:
        """Return what `understudy doctor` says: a model that is absent is no fault, one that is not whole may be."""
        where = f"{self.model} is {self.state}{f' in {self.folder}' if self.folder else ''}"
        if self.state == WHOLE:
            return Finding(rule="weights", outcome="pass", message=f"{where}: {'; '.join(self.lines())}")
        outcome = "note" if self.state == ABSENT else "warn"
        return Finding(rule="weights", outcome=outcome, message=f"{where}: {self.problem}", remedy=self.remedy)


def standing(model: Model, settings: UserSettings) -> Standing:
    """Return how the model stands. Reads headers and sizes, no weights."""
    try:
        found = find_weights(model, settings)
    except WeightsError as problem:
        return Standing(model=model.name, state=ABSENT, problem=problem.message, remedy=problem.remedy)
    folder, where = str(found.folder), found.where
    try:
        layout = check_layout(found.folder, model, allowed_pickled=allowed_pickled(settings))
        manifest = read_manifest(found.folder)
    except WeightsError as problem:
        return Standing(
            model=model.name,
            state=NOT_WHOLE,
            folder=folder,
            where=where,
            problem=problem.message,
            remedy=problem.remedy,
        )
    return Standing(
        model=model.name,
        state=WHOLE,
        folder=folder,
        where=where,
        size_bytes=layout.size_bytes(),
        pinned_by=manifest.pinned_by if manifest else "",
        licence=manifest.licence if manifest else UNKNOWN,
        loras=tuple(sorted(shelf_of(found.folder, settings))),
        segmenters=tuple(sorted(segmenters_here(found.folder, settings))),
    )


def allowed_pickled(settings: UserSettings) -> tuple[Path, ...]:
    """Return the files that are no safetensors and may be opened all the same."""
    return tuple(Path(file).expanduser() for file in settings.allow_pickled_weights)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What `understudy weights verify` found."""

    model: str
    folder: str
    held_to: str
    """What the files were compared with, in words."""
    files: int
    differences: tuple[Difference, ...] = ()
    further: tuple[str, ...] = ()
    """Files in the folder that nothing speaks of; they are never loaded."""

    def lines(self) -> list[str]:
        head = f"{self.model}: {self.files} files in {self.folder} compared with {self.held_to}"
        told = [difference.words(Path(self.folder)) for difference in self.differences]
        further = f"{len(self.further)} files are not listed: {', '.join(self.further[:SHOWN_FILES])}"
        return [
            head,
            *told,
            *([further] if self.further else []),
            "they differ" if told else "all are as they should be",
        ]


def verify(
    model: Model,
    settings: UserSettings,
    *,
    with_hub: bool = False,
    endpoint: str | None = None,
    told: Told = lambda done, total: None,
) -> Verified:
    """Read every file anew and compare. Raises WeightsError where there is nothing to compare with."""
    folder = find_weights(model, settings).folder
    manifest = _hub_manifest(model, folder, endpoint) if with_hub else read_manifest(folder)
    if manifest is None:
        raise WeightsError(
            f"{folder} has no {MANIFEST}: there is nothing to compare it with",
            remedy="Compare it with the hub: `understudy weights verify --hub`; or, if you know the folder to be good, "
            "`understudy weights pin` it.",
        )
    differences = compare(folder, manifest, cache=DigestCache(None), told=told)
    return Verified(
        model=model.name,
        folder=str(folder),
        held_to="the hub's list of large files" if with_hub else MANIFEST,
        files=len(manifest.files),
        differences=tuple(differences),
        further=tuple(sorted(set(files_in(folder)) - {file.path for file in manifest.files})),
    )


def _hub_manifest(model: Model, folder: Path, endpoint: str | None) -> Manifest:
    """Return what the hub lists with a SHA-256, its large files, at the commits that the folder was pulled from."""
    pulled = read_manifest(folder)
    commits = {origin.repository: origin.revision for origin in pulled.origins} if pulled is not None else {}
    sources = tuple(replace(one, revision=commits.get(one.repository, one.revision)) for one in model.sources)
    files = [file for file in list_files(replace(model, sources=sources), endpoint).files if file.sha256]
    pinned = tuple(PinnedFile(path=file.path, size=file.size, sha256=file.sha256) for file in files)
    return Manifest(model=model.name, files=pinned)
