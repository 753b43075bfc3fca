"""The process of another GPU that runs out of memory at its first look: the real one, but for one call of the model."""

from __future__ import annotations

from typing import Any

import torch

from understudy.inference.engines.wan import loop, peer


def out_of_memory(*_: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.50 GiB")


if __name__ == "__main__":
    loop.predict = out_of_memory
    peer.main()
