"""One look of the transformer at a segment: compiled as it is written, with LoRAs and in float8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_lora import random_pairs, save_diffusers
from tiny_wan import TEXT_WIDTH
from tiny_wan2 import BLOCKS, CLIP_WIDTH, tiny_transformer_2

from understudy.inference.engines.wan.attention import shape_of_heads, time_kernels
from understudy.inference.engines.wan.float8 import Float8Linear, quantise_blocks
from understudy.inference.engines.wan.offload import offload_blocks
from understudy.inference.engines.wan2.attention import BlockReference
from understudy.inference.engines.wan2.model import (
    SKIPPED_UNGUIDED,
    encode,
    encode_guide,
    extract,
    predict,
    use_our_attention,
)
from understudy.inference.weights.loading import block_lists
from understudy.inference.weights.lora_files import read_lora
from understudy.inference.weights.loras import WeightedLora, lay_on

CPU = torch.device("cpu")
TIME = torch.tensor([500.0])


@pytest.fixture
def transformer() -> Any:
    torch.manual_seed(1)
    transformer = tiny_transformer_2().requires_grad_(False)
    use_our_attention(transformer)
    return transformer


def look(transformer: Any, skipped: int | None = None) -> torch.Tensor:
    """Return what the model says of one step, after a look at a driver of two latent frames."""
    torch.manual_seed(2)
    guide = encode_guide(transformer, torch.randn(1, 512, TEXT_WIDTH), torch.randn(1, 257, CLIP_WIDTH))
    reference = extract(transformer, torch.randn(36, 2, 4, 6), guide, CPU)
    return predict(transformer, torch.randn(36, 3, 4, 6), TIME, encode(guide, reference, skipped))


def test_a_compiled_block_is_one_graph_with_loras_on_and_the_reference_pass_compiles_nothing(
    transformer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = read_lora(save_diffusers(tmp_path / "a.safetensors", random_pairs(transformer, seed=3)))
    lay_on(transformer, [WeightedLora(file, 0.5)])
    wanted, graphs = look(transformer), []
    kept: list[int] = []
    keep = BlockReference.keep

    def noted(self: BlockReference, *made: torch.Tensor) -> None:
        kept.append(len(graphs))
        keep(self, *made)

    monkeypatch.setattr(BlockReference, "keep", noted)

    def counted(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    transformer.compile_repeated_blocks(fullgraph=True, dynamic=False, backend=counted)
    torch.testing.assert_close(look(transformer), wanted, rtol=0, atol=1e-5)
    assert kept == [0] * BLOCKS
    assert len(graphs) == 1, "one for all blocks"


def test_blocks_in_float8_give_nearly_what_they_gave(transformer: Any) -> None:
    exact = look(transformer)
    head = transformer.head.head.weight.clone()
    quantise_blocks(transformer)
    made = look(transformer)
    assert 0 < (made - exact).norm() / exact.norm() < 0.1
    assert not any(isinstance(part, torch.nn.Linear) for part in transformer.blocks.modules())
    assert sum(isinstance(part, Float8Linear) for part in transformer.blocks.modules()) == 12 * BLOCKS
    assert torch.equal(transformer.head.head.weight, head)


def test_blocks_that_come_and_go_give_the_same(transformer: Any) -> None:
    """On a processor: that they come to another device is for a GPU to show."""
    exact = look(transformer)
    offload_blocks(transformer, CPU)
    assert torch.equal(look(transformer), exact)
    assert len(block_lists(transformer)) == 1


def test_the_pass_without_guidance_leaves_a_block_out(transformer: Any) -> None:
    skipped = look(transformer, SKIPPED_UNGUIDED)
    assert not torch.equal(skipped, look(transformer))
    transformer.blocks[SKIPPED_UNGUIDED].register_forward_pre_hook(_refuse)
    with pytest.raises(RuntimeError, match="the reference pass sees all blocks"):
        look(transformer, SKIPPED_UNGUIDED)


def _refuse(*_: Any) -> None:
    raise RuntimeError("the reference pass sees all blocks")


def test_kernels_are_timed_on_heads_of_the_models_own_shape(transformer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    assert shape_of_heads(transformer.config) == (2, 12)
    assert list(time_kernels(transformer, 10)) == ["torch"]
