"""How a site says which GPUs its slots own and how much of each a job may take. Pure; asks no driver."""

from __future__ import annotations

import re
from typing import NamedTuple

from understudy.bridge.errors import RequestError

UNITS = {"mib": 2**20, "gib": 2**30, "tib": 2**40, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[a-z]+)", re.IGNORECASE)
_GPU = re.compile(r"\d{1,3}|(GPU|MIG)-[0-9A-Za-z/-]{1,80}")
"""A number or an identity as `nvidia-smi -L` prints them: what CUDA_VISIBLE_DEVICES takes."""
SHARES = (1, 2, 4)
"""GPUs a slot: the model has 40 attention heads, and more processes than four exchange more than they compute."""


class MemoryBudget(NamedTuple):
    """The most that one job takes of one GPU: bytes, or a share (0 to 1) of what the card has."""

    size: int = 0
    share: float = 0.0

    def bytes_of(self, total_bytes: int) -> int:
        """Return what a job may take of a card of `total_bytes`."""
        return min(total_bytes, self.size or int(self.share * total_bytes))


def parse_gpu_memory(text: str) -> MemoryBudget | None:
    """Return the budget that `24GiB`, `24 GB` or `80%` states, None for nothing. Raises RequestError."""
    if not text.strip():
        return None
    found = _MEMORY.fullmatch(text.strip())
    number, unit = (float(found[1]), found[2].lower()) if found else (0.0, "")
    if unit == "%" and 0 < number <= 100:
        return MemoryBudget(share=number / 100)
    if unit in UNITS and number > 0:
        return MemoryBudget(size=int(number * UNITS[unit]))
    raise RequestError(
        f"`gpu_memory` is '{text}'",
        remedy="Write a size or a share of the card: 24GiB, 24GB or 80%. Empty = all that is free.",
    )


def parse_gpus(text: str, each: int = 1) -> tuple[tuple[str, ...], ...]:
    """Return the GPUs of every slot that has some. `text`: `0,1,2,3`; `each`: how many a slot. Raises RequestError."""
    if each not in SHARES:
        raise RequestError(f"`gpus_per_slot` is {each}", remedy="A slot owns 1, 2 or 4 GPUs.")
    gpus = [one.strip() for one in text.split(",")] if text.strip() else []
    for gpu in gpus:
        if _GPU.fullmatch(gpu) is None:
            raise RequestError(
                f"`gpus` is '{text}': '{gpu}' names no GPU",
                remedy="Write their numbers as `nvidia-smi -L` prints them, such as 0,1,2,3, or GPU-... each.",
            )
        if gpus.count(gpu) > 1:
            raise RequestError(f"`gpus` is '{text}': {gpu} is there twice", remedy="Name each GPU once.")
    if len(gpus) % each:
        raise RequestError(
            f"`gpus` names {len(gpus)} GPUs, which slots of {each} cannot share out",
            remedy=f"Name a multiple of {each}, or change `gpus_per_slot`.",
        )
    return tuple(tuple(gpus[start : start + each]) for start in range(0, len(gpus), each))
