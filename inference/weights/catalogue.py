"""The models that Understudy knows by name, and where each is published. Data; no digest is stated here.

What a file must digest to comes from the hub's own list at the moment of pulling, or from a studio's pinned manifest.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy.bridge.errors import RequestError


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
    """What `model_index.json` must say."""
    note: str = ""

    @property
    def folder_names(self) -> tuple[str, ...]:
        """Names under which a folder of models may hold this one."""
        return (self.name, self.sources[0].repository.rpartition("/")[2])


PARTS = ("model_index.json", "*.json", "*.safetensors", "*.model", "LICENSE*", "README.md")

WAN_ANIMATE = Model(
    name="wan2.2-animate-14b",
    label="Wan2.2-Animate 14B",
    pipeline_class="WanAnimatePipeline",
    sources=(
        Source("Wan-AI/Wan2.2-Animate-14B-Diffusers", PARTS),
        # The detectors and the relighting LoRA are published with the original layout alone. The LoRA is a pickled
        # file there: it is pulled, and used only by one who allows that very file (docs/weights.md).
        Source(
            "Wan-AI/Wan2.2-Animate-14B",
            ("process_checkpoint/det/*", "process_checkpoint/pose2d/*", "relighting_lora*"),
        ),
    ),
    note="17 B parameters in the transformer; about 60 GB on disk with its text encoder",
)

MODELS = (WAN_ANIMATE,)


def find_model(name: str) -> Model:
    """Return the model of that name. Raises RequestError."""
    for model in MODELS:
        if name in (model.name, model.sources[0].repository):
            return model
    raise RequestError(
        f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(model.name for model in MODELS)}."
    )
