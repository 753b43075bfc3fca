"""The relighting LoRA as a switch: `relighting` is short for the LoRA of that name among `loras`.

Wan-Animate's makers lay it on in their own command for mode replace, so `auto` does too where it can be read, and says
so where it cannot. It has no meaning in mode animate: nothing lights the character there.
"""

from __future__ import annotations

from typing import Literal

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.settings import UserSettings
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.finding import find_weights
from understudy.inference.weights.lora_shelf import RELIGHTING, Named, parse_loras, shelf_of
from understudy.inference.weights.standing import allowed_pickled

FULL = 1.0
"""The weight at which it was trained: alpha equals rank."""
Standing = Literal["readable", "pickled", "absent"]


def loras_of(options: WanOptions, settings: UserSettings) -> tuple[Named, ...]:
    """Return the LoRAs of a job, the relighting one last where it is on.

    Raises RequestError where it is named twice, or in mode animate, WeightsError where the model, on whose shelf `auto`
    looks, is not here. Admission refuses both in the same sense before.
    """
    named = parse_loras(options.loras)
    weight = options.relighting
    if weight not in ("auto", 0.0) and not options.replaces:
        raise RequestError(
            "relighting is for the mode replace: in mode animate there is no scene whose light it could take",
            remedy="Leave the option relighting out.",
        )
    if any(lora.name == RELIGHTING for lora in named):
        if weight != "auto":
            raise RequestError(
                "the relighting LoRA is named twice: by the option relighting and among loras",
                remedy="Leave one of the two out.",
            )
        return named
    if weight == "auto":
        weight = FULL if options.replaces and standing(settings) == "readable" else 0.0
    return named if weight == 0 else (*named, Named(RELIGHTING, weight))


def standing(settings: UserSettings) -> Standing:
    """Return whether the LoRA lies where the model does, and in a form that is read. Raises WeightsError."""
    folder = find_weights(WAN_ANIMATE, settings).folder
    file = shelf_of(folder, settings).get(RELIGHTING)
    if file is None:
        return "absent"
    safe = file.suffix == ".safetensors" or file.resolve() in (path.resolve() for path in allowed_pickled(settings))
    return "readable" if safe else "pickled"


def relighting_finding(options: WanOptions, settings: UserSettings) -> Finding | None:
    """Return what an artist should know of it; None where it was decided by hand, and in mode animate."""
    if options.relighting != "auto" or not options.replaces:
        return None
    if any(lora.name == RELIGHTING for lora in parse_loras(options.loras)):
        return None
    said = {
        "readable": (
            "note",
            f"the relighting LoRA is on, at weight {FULL:g}",
            "`--option relighting=off` leaves it out.",
        ),
        "pickled": (
            "warn",
            "the relighting LoRA lies here as a pickled file, which is not read: the character is lit as in its image",
            "`understudy weights unpickle` makes it safetensors once; `--option relighting=off` wants none.",
        ),
        "absent": (
            "warn",
            "the relighting LoRA is not here: the character is lit as in its image",
            f"`understudy weights pull {WAN_ANIMATE.name}` brings it; `--option relighting=off` wants none.",
        ),
    }
    outcome, message, remedy = said[standing(settings)]
    return Finding(rule="relighting", outcome="note" if outcome == "note" else "warn", message=message, remedy=remedy)
