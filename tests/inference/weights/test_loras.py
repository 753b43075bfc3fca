"""A LoRA of weight w over the model is the model with w * up @ down added to its weights; of weight 0, it is none."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("peft", reason="the model's libraries: pip install 'understudy[wan]'")

from tiny_lora import random_pairs, save_comfy, save_diffusers, save_relighting  # noqa: E402
from tiny_wan import FACE_SIZE, IMAGE_WIDTH, TEXT_WIDTH, tiny_transformer  # noqa: E402

from understudy.bridge.errors import WeightsError  # noqa: E402
from understudy.inference.engines.wan.float8 import quantise_blocks  # noqa: E402
from understudy.inference.weights.lora_files import Pair, read_lora  # noqa: E402
from understudy.inference.weights.loras import WeightedLora, lay_on, take_off  # noqa: E402

TOLERANCE = 2e-5
"""Of an output of about 1: two orders of the same float32 sums."""


@pytest.fixture
def transformer() -> Any:
    torch.manual_seed(1)
    return tiny_transformer().requires_grad_(False)


def answer(transformer: Any) -> Any:
    random = torch.Generator().manual_seed(2)
    number = transformer.dtype

    def noise(*shape: int) -> Any:
        return torch.randn(*shape, generator=random).to(number)

    with torch.inference_mode():
        return transformer(
            hidden_states=noise(1, 36, 3, 4, 4),
            timestep=torch.tensor([500.0]),
            encoder_hidden_states=noise(1, 12, TEXT_WIDTH),
            encoder_hidden_states_image=noise(1, 17, IMAGE_WIDTH),
            pose_hidden_states=noise(1, 16, 2, 4, 4),
            face_pixel_values=noise(1, 3, 5, FACE_SIZE, FACE_SIZE),
            return_dict=False,
        )[0]


def added(transformer: Any, *changes: tuple[dict[str, Pair], float]) -> Any:
    """Return a copy of the model with the LoRAs added to its weights, in float32 and stored in its own numbers."""
    changed = copy.deepcopy(transformer)
    layers = dict(changed.named_modules())
    for pairs, weight in changes:
        for name, pair in pairs.items():
            layer = layers[name]
            layer.weight.data = (layer.weight.float() + weight * pair.up @ pair.down).to(layer.weight.dtype)
            if pair.bias is not None:
                layer.bias.data = (layer.bias.float() + weight * pair.bias).to(layer.bias.dtype)
    return changed


def written(path: Path, pairs: dict[str, Pair], weight: float) -> WeightedLora:
    return WeightedLora(read_lora(save_diffusers(path, pairs)), weight)


def difference(one: Any, other: Any) -> float:
    return float((one.float() - other.float()).abs().max())


@pytest.mark.parametrize("weight", [1.0, 0.4, -0.5])
def test_when_a_lora_has_a_weight_then_the_model_answers_as_if_it_were_added(
    transformer: Any, tmp_path: Path, weight: float
) -> None:
    pairs = random_pairs(transformer, seed=3)
    wanted = answer(added(transformer, (pairs, weight)))
    before = answer(transformer)
    lay_on(transformer, [written(tmp_path / "a.safetensors", pairs, weight)])
    assert difference(answer(transformer), wanted) < TOLERANCE
    assert difference(before, wanted) > 100 * TOLERANCE


def test_when_a_lora_has_weight_zero_then_every_bit_is_that_of_none(transformer: Any, tmp_path: Path) -> None:
    before = answer(transformer)
    lay_on(transformer, [written(tmp_path / "a.safetensors", random_pairs(transformer, seed=3), 0.0)])
    assert torch.equal(answer(transformer), before)


def test_when_two_loras_of_different_ranks_are_laid_on_then_they_add_up(transformer: Any, tmp_path: Path) -> None:
    relight, step = random_pairs(transformer, seed=3, rank=2), random_pairs(transformer, seed=4, rank=6)
    wanted = answer(added(transformer, (relight, 0.8), (step, -0.3)))
    lay_on(transformer, [
        WeightedLora(read_lora(save_relighting(tmp_path / "a.safetensors", relight)), 0.8),
        WeightedLora(read_lora(save_comfy(tmp_path / "b.safetensors", step, alpha=1.0)), -0.3),
    ])  # fmt: skip
    assert difference(answer(transformer), wanted) < TOLERANCE


def test_when_layers_have_ranks_of_their_own_then_each_keeps_its_scale(transformer: Any, tmp_path: Path) -> None:
    few, many = random_pairs(transformer, seed=3, rank=2), random_pairs(transformer, seed=4, rank=6)
    mixed = {name: few[name] if "attn1" in name else many[name] for name in few}
    wanted = answer(added(transformer, (mixed, 1.0)))
    lay_on(transformer, [written(tmp_path / "a.safetensors", mixed, 1.0)])
    assert difference(answer(transformer), wanted) < TOLERANCE


def test_when_some_layers_have_a_bias_then_it_is_added_by_the_weight(transformer: Any, tmp_path: Path) -> None:
    further = {"diffusion_model.blocks.0.self_attn.q.diff_b": torch.full((24,), 0.3)}
    file = read_lora(save_comfy(tmp_path / "a.safetensors", random_pairs(transformer, seed=3), **further))
    wanted = answer(added(transformer, (file.pairs, 0.5)))
    without = {name: Pair(pair.down, pair.up) for name, pair in file.pairs.items()}
    assert difference(answer(added(transformer, (without, 0.5))), wanted) > 10 * TOLERANCE
    lay_on(transformer, [WeightedLora(file, 0.5)])
    assert difference(answer(transformer), wanted) < TOLERANCE


def test_when_loras_are_taken_off_or_replaced_then_every_bit_below_is_as_loaded(
    transformer: Any, tmp_path: Path
) -> None:
    before, weights = answer(transformer), copy.deepcopy(transformer.state_dict())
    one, other = random_pairs(transformer, seed=3), random_pairs(transformer, seed=4)
    lay_on(transformer, [written(tmp_path / "a.safetensors", one, 1.0)])
    lay_on(transformer, [written(tmp_path / "b.safetensors", other, 0.7)])
    assert difference(answer(transformer), answer(added(tiny_of(weights), (other, 0.7)))) < TOLERANCE
    take_off(transformer)
    assert torch.equal(answer(transformer), before)
    assert transformer.state_dict().keys() == weights.keys()


def tiny_of(weights: dict[str, Any]) -> Any:
    transformer = tiny_transformer()
    transformer.load_state_dict(weights)
    return transformer


def test_when_a_change_is_below_half_a_step_of_bfloat16_then_it_still_tells(tmp_path: Path) -> None:
    torch.manual_seed(1)
    transformer = tiny_transformer().to(torch.bfloat16).requires_grad_(False)
    pairs = random_pairs(transformer, seed=3, rank=1)
    layers = dict(transformer.named_modules())
    for name, pair in pairs.items():  # each change a third of half a step of its layer's smallest weight
        smallest = layers[name].weight.float().abs().min().clamp(min=1e-6)
        step = (pair.up @ pair.down).abs().max()
        pairs[name] = Pair(pair.down, pair.up * (smallest * 2**-8 / step / 3))
    fused = added(transformer, (pairs, 1.0))
    name = "blocks.0.ffn.net.2"
    assert torch.equal(dict(fused.named_modules())[name].weight, layers[name].weight)  # rounded away
    lay_on(transformer, [written(tmp_path / "a.safetensors", pairs, 1.0)])
    layer = dict(transformer.named_modules())[name]
    unit = torch.eye(layer.in_features, dtype=torch.bfloat16)
    delta = layer.lora_B["lora_0"](layer.lora_A["lora_0"](unit)).float().T
    wanted = pairs[name].up @ pairs[name].down
    assert difference(delta, wanted) < 0.02 * float(wanted.abs().max())


def test_when_the_blocks_are_compiled_after_loras_are_on_then_the_whole_block_still_is_one_graph(
    transformer: Any, tmp_path: Path
) -> None:
    pairs = random_pairs(transformer, seed=3)
    lay_on(transformer, [
        written(tmp_path / "a.safetensors", pairs, 0.5), written(tmp_path / "b.safetensors", pairs, 0.2),
    ])  # fmt: skip
    wanted = answer(transformer)
    transformer.compile_repeated_blocks(fullgraph=True, dynamic=False, backend="eager")
    assert difference(answer(transformer), wanted) < TOLERANCE


def test_when_the_blocks_become_float8_then_loras_that_are_on_stay_as_exact_as_they_were(
    transformer: Any, tmp_path: Path
) -> None:
    pairs = random_pairs(transformer, seed=3)
    coarse = copy.deepcopy(transformer)
    quantise_blocks(coarse)
    loss = difference(answer(coarse), answer(transformer))
    lay_on(transformer, [written(tmp_path / "a.safetensors", pairs, 1.0)])
    wanted = answer(transformer)
    quantise_blocks(transformer)
    assert difference(answer(transformer), wanted) < 3 * loss
    layer = transformer.blocks[0].attn1.to_q
    assert torch.equal(layer.lora_A["lora_0"].weight, pairs["blocks.0.attn1.to_q"].down)


def test_when_the_blocks_are_in_float8_already_then_it_is_said_that_loras_come_first(
    transformer: Any, tmp_path: Path
) -> None:
    lora = written(tmp_path / "a.safetensors", random_pairs(transformer, seed=3), 1.0)
    quantise_blocks(transformer)
    with pytest.raises(ValueError, match="before the blocks become Float8Linear"):
        lay_on(transformer, [lora])


def refused(transformer: Any, file: Path, weight: float = 1.0) -> str:
    before = answer(transformer)
    with pytest.raises(WeightsError) as raised:
        lay_on(transformer, [WeightedLora(read_lora(file), weight)])
    assert torch.equal(answer(transformer), before)
    assert raised.value.remedy
    return raised.value.message


def test_when_a_lora_is_for_a_wider_model_then_the_first_key_and_both_shapes_are_told(
    transformer: Any, tmp_path: Path
) -> None:
    wide = {"blocks.0.attn1.to_q": Pair(torch.zeros(4, 5120), torch.zeros(5120, 4))}
    message = refused(transformer, save_comfy(tmp_path / "a.safetensors", wide))
    assert "diffusion_model.blocks.0.self_attn.q.lora_down.weight is made for a layer of 5120 to 5120" in message
    assert "blocks.0.attn1.to_q has 24 to 24" in message


def test_when_a_lora_is_for_a_deeper_model_then_the_layer_that_is_lacking_is_named(
    transformer: Any, tmp_path: Path
) -> None:
    deep = {"blocks.30.attn1.to_q": Pair(torch.zeros(4, 24), torch.zeros(24, 4))}
    message = refused(transformer, save_comfy(tmp_path / "a.safetensors", deep))
    assert "would change blocks.30.attn1.to_q, which is no linear layer of this model" in message


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 40.0])
def test_when_a_weight_makes_no_sense_then_it_is_told(transformer: Any, tmp_path: Path, weight: float) -> None:
    path = save_diffusers(tmp_path / "a.safetensors", random_pairs(transformer, seed=3))
    assert "the weight of a.safetensors is" in refused(transformer, path, weight)
