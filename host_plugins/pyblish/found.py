"""Everything of Understudy that goes into a publish: the collector's answer, on which every rule then speaks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import file_digest
from understudy.host_plugins.pyblish.layers import Sight, look_at
from understudy.host_plugins.pyblish.papers import Papers, Standing
from understudy.host_plugins.pyblish.walk import Use


class UsedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of ours, with what it should be and what it is."""

    sight: Sight
    digest: str
    """As its bytes are now; empty for a layer that a final was made of: it need not be here any more."""
    expected: str
    """As it was delivered: the daemon's word before the manifest's; empty when neither lists it."""


class UsedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of one take, at every place where it is used."""

    job: str
    version: int
    layer: str
    shot: str
    files: tuple[UsedFile, ...]
    where: tuple[str, ...]
    standing: Standing

    @property
    def words(self) -> str:
        """Return the layer as an artist knows it."""
        name = f"{self.shot or 'a shot'} {self.layer} v{self.version:03}" if self.version else f"{self.layer}"
        return f"{name} (job {self.job or 'unknown'}) at {', '.join(self.where)}"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be looked at."""

    where: str
    what: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    layers: tuple[UsedLayer, ...]
    missing: tuple[Gap, ...] = ()
    unseen: tuple[Gap, ...] = ()
    unasked: tuple[str, ...] = ()
    """Movies and stills that only the daemon could have known, where it did not answer."""
    looked_at: int = 0
    """Files."""


def find_layers(uses: Iterable[Use], papers: Papers) -> Found:
    """Return every layer among the files that are used. Reads each file's header, and each of ours as a whole."""
    seen: dict[Path, list[Sight]] = {}
    where: dict[Path, list[str]] = {}
    missing: list[Gap] = []
    unseen: list[Gap] = []
    unasked: list[str] = []
    for use in uses:
        if use.unseen:
            unseen.append(Gap(where=use.where, what=use.unseen))
            continue
        for path in use.files().values():
            where.setdefault(path, []).append(use.where)
            if path in seen:
                continue
            seen[path] = []
            if not path.is_file():
                missing.append(Gap(where=use.where, what=str(path)))
                continue
            try:
                seen[path] = list(look_at(path)) or _by_digest(path, papers, unasked)
            except PlateError as problem:
                unseen.append(Gap(where=use.where, what=problem.message))
    return Found(
        layers=_layers(seen, where, papers), missing=tuple(missing), unseen=tuple(unseen), unasked=tuple(unasked),
        looked_at=len(seen),
    )  # fmt: skip


def _by_digest(path: Path, papers: Papers, unasked: list[str]) -> list[Sight]:
    """Find a movie or still of ours by its bytes. A frame of ours that has no attributes has other bytes by that."""
    if path.suffix.lower() == ".exr":
        return []
    job = papers.job_of(path)
    if job is None:
        unasked.append(str(path))
    return [Sight(path=path, job=job, layer=path.name, found_by="digest")] if job else []


def _layers(seen: dict[Path, list[Sight]], where: dict[Path, list[str]], papers: Papers) -> tuple[UsedLayer, ...]:
    grouped: dict[tuple[str, int, str], list[tuple[Sight, list[str]]]] = {}
    for path, sights in seen.items():
        for sight in sights:
            grouped.setdefault((sight.job, sight.version, sight.layer), []).append((sight, where[path]))
    return tuple(_layer(key, members, papers) for key, members in grouped.items())


def _layer(key: tuple[str, int, str], members: list[tuple[Sight, list[str]]], papers: Papers) -> UsedLayer:
    job, version, layer = key
    standing = papers.standing(job) if job else Standing(known=False, why="the file names no job")
    return UsedLayer(
        job=job,
        version=version,
        layer=layer,
        shot=members[0][0].shot,
        files=tuple(_file(sight, standing) for sight, _ in members),
        where=tuple(dict.fromkeys(place for _, places in members for place in places)),
        standing=standing,
    )


def _file(sight: Sight, standing: Standing) -> UsedFile:
    here = sight.found_by != "ingredients"
    digest = file_digest(sight.path) if here else ""
    delivered = standing.outputs.get(sight.relative, "") if sight.relative else ""
    if not delivered and digest in standing.outputs.values():
        delivered = digest
    return UsedFile(sight=sight, digest=digest, expected=delivered or sight.listed)
