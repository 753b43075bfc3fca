"""The models that Understudy knows by name, and where each is published. Data; no digest is stated here.

What a file must digest to comes from the hub's own list at the moment of pulling, or from a studio's pinned manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy.bridge.errors import RequestError
from understudy.inference.weights.parts import WAN_ANIMATE_2_PARTS, WAN_ANIMATE_PARTS, Part


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one repository of the Hugging Face hub that belong to a model's folder."""

    repository: str
    patterns: tuple[str, ...]
    """Which of its files, as `fnmatch` reads them; a star crosses folders."""
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    label: str
    sources: tuple[Source, ...]
    """The first is the model itself, in the diffusers layout; others lay files beside it."""
    pipeline_class: str
    """What the index must say under `index_key`."""
    parts: tuple[Part, ...]
    note: str = ""
    index: str = "model_index.json"
    index_key: str = "_class_name"

    @property
    def folder_names(self) -> tuple[str, ...]:
        """Names under which a folder of models may hold this one."""
        return (self.name, self.sources[0].repository.rpartition("/")[2])


FILES = ("*.json", "*.safetensors", "*.model", "LICENSE*", "README.md")

WAN_ANIMATE = Model(
    name="wan2.2-animate-14b",
    label="Wan2.2-Animate 14B",
    pipeline_class="WanAnimatePipeline",
    parts=WAN_ANIMATE_PARTS,
    sources=(
        Source("Wan-AI/Wan2.2-Animate-14B-Diffusers", FILES),
        # The detectors and the relighting LoRA are published with the original layout alone. The LoRA is a pickled
        # file there: it is pulled, and used only by one who allows that very file (docs/weights.md).
        Source(
            "Wan-AI/Wan2.2-Animate-14B",
            ("process_checkpoint/det/*", "process_checkpoint/pose2d/*", "relighting_lora*"),
        ),
    ),
    note="17 B parameters in the transformer; about 60 GB on disk with its text encoder",
)

MODULAR_INDEX, MODULAR_KEY = "modular_model_index.json", "_blocks_class_name"

# Both repositories are named by the page of diffusers' own documentation on Wan-Animate-2.
WAN_ANIMATE_2 = Model(
    name="wan2.2-animate-2-14b",
    label="Wan-Animate-2 14B",
    pipeline_class="WanAnimate2Blocks",
    parts=WAN_ANIMATE_2_PARTS,
    sources=(Source("Wan-AI/Wan2.2-Animate-2-14B-Diffusers", FILES),),
    note="16 B parameters in the transformer; about 43 GB on disk with its text encoder",
    index=MODULAR_INDEX,
    index_key=MODULAR_KEY,
)

WAN_ANIMATE_2_DISTILLED = Model(
    name="wan2.2-animate-2-14b-distilled",
    label="Wan-Animate-2 14B, distilled",
    pipeline_class="WanAnimate2DistilledBlocks",
    parts=WAN_ANIMATE_2_PARTS,
    sources=(Source("Wan-AI/Wan2.2-Animate-2-14B-Distilled-Diffusers", FILES),),
    note="10 steps without guidance instead of 40 with it; as large as the other",
    index=MODULAR_INDEX,
    index_key=MODULAR_KEY,
)

MODELS = (WAN_ANIMATE, WAN_ANIMATE_2, WAN_ANIMATE_2_DISTILLED)


def find_model(name: str) -> Model:
    """Return the model of that name. Raises RequestError."""
    for model in MODELS:
        if name in (model.name, model.sources[0].repository):
            return model
    raise RequestError(
        f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(model.name for model in MODELS)}."
    )
