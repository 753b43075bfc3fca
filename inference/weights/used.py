"""Which weights made a picture: what the marks and the manifest of a delivery say of them, and how it is found."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.digests import DigestCache, Told, set_digest, sha256_of, sha256_of_all
from understudy.inference.weights.layout import Layout
from understudy.inference.weights.manifest import UNKNOWN, Difference, Manifest, compare, read_manifest, with_licence

PINNED, HUB_CACHE, UNPINNED = "pinned", "hub cache", "unpinned"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LoraUsed(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """The file's name; never the folder that it lay in."""
    sha256: str
    weight: float


class WeightsUsed(msgspec.Struct, frozen=True, kw_only=True):
    """What was loaded, by digest."""

    model: str
    revision: str = ""
    """`repository@commit` where the folder was pulled, several joined by a comma; empty = not known."""
    licence: str = UNKNOWN
    licence_sha256: str = ""
    held_to: str = UNPINNED
    """`pinned` = every file was compared with the folder's manifest; `hub cache` = there is none, but the folder is the
    Hugging Face cache, which names each large file by its digest; `unpinned` = the digests are what was found."""
    files: dict[str, str]
    """Path in the folder to SHA-256, of everything that was opened."""
    loras: tuple[LoraUsed, ...] = ()

    def digests(self) -> dict[str, str]:
        """Return one digest a name, as `compliance.marks` takes them: the model by all of its files, each LoRA."""
        found = {self.model: set_digest(self.files)}
        for lora in self.loras:
            if lora.weight:
                name = f"{lora.name} x {lora.weight:g}"
                found[name if name not in found else f"{name} ({lora.sha256[:8]})"] = lora.sha256
        return found


def weights_used(
    layout: Layout,
    model: str,
    *,
    loras: tuple[tuple[Path, float], ...] = (),
    cache: DigestCache,
    told: Told = lambda done, total: None,
) -> WeightsUsed:
    """Return what is about to be loaded, verified against the folder's manifest where it has one.

    The first time every byte is read; after that the cache answers until a file changes. Raises WeightsError naming the
    first file that differs, what was expected and what was found.
    """
    manifest = read_manifest(layout.folder)
    if manifest is None:
        return _without_manifest(layout, model, loras, cache, told)
    pinned = manifest.by_path()
    files = [*layout.files, *(file for file in _inside(layout.folder, loras) if file in pinned)]
    differences = compare(layout.folder, manifest, files=files, cache=cache, told=told)
    if differences:
        raise refusal(layout.folder, differences)
    return WeightsUsed(
        model=model,
        revision=", ".join(f"{origin.repository}@{origin.revision}" for origin in manifest.origins),
        licence=manifest.licence,
        licence_sha256=manifest.licence_sha256,
        held_to=PINNED,
        files={file: pinned[file].sha256 for file in layout.files},
        loras=_loras_used(loras, cache),
    )


def _without_manifest(
    layout: Layout, model: str, loras: tuple[tuple[Path, float], ...], cache: DigestCache, told: Told
) -> WeightsUsed:
    found = sha256_of_all([layout.folder / file for file in layout.files], cache, told)
    files = {path.relative_to(layout.folder).as_posix(): sha256 for path, sha256 in found.items()}
    named = named_by_the_hub_cache(layout)
    wrong = [Difference(file, "digest", named[file], files[file]) for file in named if files[file] != named[file]]
    if wrong:
        raise refusal(layout.folder, wrong)
    card = with_licence(layout.folder, Manifest(model=model))
    return WeightsUsed(
        model=model,
        revision=layout.folder.name if named else "",
        licence=card.licence,
        held_to=HUB_CACHE if named else UNPINNED,
        files=files,
        loras=_loras_used(loras, cache),
    )


def named_by_the_hub_cache(layout: Layout) -> dict[str, str]:
    """Return the digest of each file that the Hugging Face cache keeps under it; empty for any other folder."""
    if layout.folder.parent.name != "snapshots":
        return {}
    targets = {file: (layout.folder / file).resolve() for file in layout.files}
    return {
        file: target.name
        for file, target in targets.items()
        if target.parent.name == "blobs" and _SHA256.fullmatch(target.name)
    }


def refusal(folder: Path, differences: list[Difference]) -> WeightsError:
    """Return the error for files that are not as pinned: the first in full, how many more."""
    more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
    first = differences[0]
    remedy = (
        "If the file is meant to be loaded, pin the folder again: `understudy weights pin`; else remove it."
        if first.what == "unpinned"
        else "Remove the file and `understudy weights pull`, or bring it back from where the folder was copied; "
        "if the change is meant, pin the folder again: `understudy weights pin`."
    )
    facts = {difference.path: difference.words(folder) for difference in differences}
    return WeightsError(first.words(folder) + more, remedy=remedy, facts=facts)


def _inside(folder: Path, loras: tuple[tuple[Path, float], ...]) -> list[str]:
    """Return the LoRAs that lie in the model's own folder, by their place there."""
    return [path.relative_to(folder).as_posix() for path, _ in loras if path.is_relative_to(folder)]


def _loras_used(loras: tuple[tuple[Path, float], ...], cache: DigestCache) -> tuple[LoraUsed, ...]:
    return tuple(LoraUsed(name=path.name, sha256=sha256_of(path, cache), weight=weight) for path, weight in loras)
