"""Where each part of a model stands, and in which numbers it computes. Data alone: no library of tensors is loaded.

A CPU gets float32: most compute bfloat16 slower than that. A GPU gets bfloat16, the numbers in which the model was
published; time embedding, modulation, norms and rotary tables stay float32 either way, as the model's own class states.
The VAE is bfloat16 on a GPU too unless float32 is asked for, which takes twice the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Number = Literal["float32", "bfloat16"]
BYTES: dict[Number, int] = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Placement:
    """`device` and `encoders_device` are torch's names: `cpu`, `cuda:0`."""

    device: str = "cpu"
    """Where the transformer and the VAE stand for the whole job."""
    transformer: Number = "float32"
    vae: Number = "float32"
    encoders: Number = "float32"
    encoders_device: str = "cpu"
    """Where text and image encoder compute; they are needed once a job, so they rest on the CPU before and after."""
    encoders_in_turn: bool = False
    """The transformer's blocks rest on the CPU while the encoders are awake: for a card that cannot hold both."""
    blocks_rest: bool = False
    """The blocks stay on the CPU, before the encoders' turn and after: for a card that they fit into only in float8 or
    one after the other. Whoever makes them so takes them there. What is not in a block is small and never waits."""

    def words(self) -> str:
        """Return the placement as it stands in a report."""
        turn = ", in turn with the transformer" if self.encoders_in_turn else ""
        return (
            f"transformer {self.transformer} and VAE {self.vae} on {self.device}, "
            f"encoders {self.encoders} on {self.encoders_device}{turn}"
        )


ON_CPU = Placement()


def on_gpu(
    index: int = 0, *, vae: Number = "bfloat16", encoders_on_cpu: bool = False, encoders_in_turn: bool = False
) -> Placement:
    """Return the placement for one GPU. `encoders_on_cpu` for a card that cannot hold them even alone."""
    device = f"cuda:{index}"
    return Placement(
        device=device,
        transformer="bfloat16",
        vae=vae,
        encoders="bfloat16",
        encoders_device="cpu" if encoders_on_cpu else device,
        encoders_in_turn=encoders_in_turn and not encoders_on_cpu,
    )
