"""The whole way from a setting to a loaded model, in order: find, look over, verify, load, lay on the LoRAs.

For engines, in a worker. What an artist should know comes back as findings; what must not be goes up as WeightsError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from understudy.bridge.errors import Finding
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.digests import DigestCache
from understudy.inference.weights.finding import DIGESTS_FOLDER, find_weights
from understudy.inference.weights.layout import Layout, check_layout
from understudy.inference.weights.loading import Parts, load_parts
from understudy.inference.weights.lora_files import LoraFile, bytes_laid_on, read_lora
from understudy.inference.weights.lora_shelf import Named, find_lora
from understudy.inference.weights.loras import WeightedLora, lay_on
from understudy.inference.weights.placement import Placement
from understudy.inference.weights.standing import allowed_pickled
from understudy.inference.weights.used import UNPINNED, WeightsUsed, weights_used

RULE = "weights_are_known"

Told = Callable[[str, int, int], None]
"""Stage, how much is done, of how much."""


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Opened:
    parts: Parts
    used: WeightsUsed
    findings: tuple[Finding, ...]


def open_model(
    model: Model,
    settings: UserSettings,
    placement: Placement,
    *,
    loras: Sequence[Named] = (),
    told: Told = _silent,
) -> Opened:
    """Return the model, loaded and verified, with its LoRAs on. Raises WeightsError."""
    allowed = allowed_pickled(settings)
    layout = check_layout(find_weights(model, settings).folder, model, allowed_pickled=allowed)
    paths = [(find_lora(lora.name, layout.folder, settings), lora.weight) for lora in loras]
    files = [read_lora(path, allowed_pickled=allowed) for path, _ in paths]
    used = weights_used(
        layout,
        model.name,
        loras=tuple(paths),
        cache=DigestCache(settings.home / DIGESTS_FOLDER),
        told=lambda done, total: told("checking the weights", done, total),
    )
    parts = load_parts(layout, placement, lambda what, done, total: told(f"loading the {what}", done, total))
    if files:
        lay_on(parts.transformer, [WeightedLora(file, lora.weight) for file, lora in zip(files, loras, strict=True)])
    return Opened(parts, used, _findings(layout, used, files))


def bytes_of_loras(model: Model, settings: UserSettings, loras: Sequence[Named]) -> int:
    """Return about what `open_model` lays beside the weights, in bfloat16, without loading it. Raises WeightsError."""
    if not loras:
        return 0
    folder = find_weights(model, settings).folder
    return sum(bytes_laid_on(find_lora(lora.name, folder, settings)) for lora in loras if lora.weight)


def digests(model: Model, settings: UserSettings, loras: Sequence[Named] = (), told: Told = _silent) -> WeightsUsed:
    """Return what `open_model` would load, verified, and load nothing. Raises WeightsError."""
    layout = check_layout(find_weights(model, settings).folder, model, allowed_pickled=allowed_pickled(settings))
    return weights_used(
        layout,
        model.name,
        loras=tuple((find_lora(lora.name, layout.folder, settings), lora.weight) for lora in loras),
        cache=DigestCache(settings.home / DIGESTS_FOLDER),
        told=lambda done, total: told("checking the weights", done, total),
    )


def _findings(layout: Layout, used: WeightsUsed, files: Sequence[LoraFile]) -> tuple[Finding, ...]:
    found = []
    if used.held_to == UNPINNED:
        found.append(
            Finding(
                rule=RULE,
                outcome="note",
                message=f"the weights of {used.model} are not pinned: their digests are stated, not compared with any",
                remedy=f"`understudy weights pin {layout.folder}` pins them.",
            )
        )
    for part, file in layout.pickled:
        found.append(
            Finding(
                rule=RULE,
                outcome="warn",
                message=f"the {part} was read from {file}, which is not safetensors, as was allowed",
                remedy="Take the safetensors where the maker publishes them.",
            )
        )
    found += [_left_out(lora) for lora in files if lora.ignored]
    return tuple(found)


def _left_out(lora: LoraFile) -> Finding:
    return Finding(
        rule=RULE,
        outcome="note",
        message=f"{lora.path.name} changes {len(lora.ignored)} norms and the like; left out: {lora.ignored[0]}",
        facts={"left_out": ", ".join(lora.ignored)[:2000]},
    )
