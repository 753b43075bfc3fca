"""A checked folder becomes modules: the same numbers as the stock pipeline's, in the type and place asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("diffusers", reason="the model's libraries: pip install 'understudy[wan]'")

from understudy.bridge.errors import WeightsError  # noqa: E402
from understudy.inference.weights.catalogue import WAN_ANIMATE  # noqa: E402
from understudy.inference.weights.layout import check_layout  # noqa: E402
from understudy.inference.weights.loading import (  # noqa: E402
    Parts,
    _place_around_the_blocks,
    awake,
    bytes_of,
    encoders_awake,
    load_parts,
)
from understudy.inference.weights.placement import ON_CPU, Placement, on_gpu  # noqa: E402

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


def load(folder: Path, placement: Placement = ON_CPU, **allowed: tuple[Path, ...]) -> Parts:
    return load_parts(check_layout(folder, WAN_ANIMATE, **allowed), placement)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_when_a_folder_is_loaded_then_every_weight_is_the_stock_pipelines(checkpoint: Path) -> None:
    from tiny_wan import open_tiny_pipeline

    parts, stock = load(checkpoint), open_tiny_pipeline(checkpoint)
    for name in ("transformer", "vae", "text_encoder", "image_encoder"):
        assert same(getattr(parts, name), getattr(stock, name)), name
    assert parts.scheduler.config["flow_shift"] == stock.scheduler.config["flow_shift"] == 5.0
    assert parts.tokenizer("a man at night").input_ids == stock.tokenizer("a man at night").input_ids


def test_when_parts_are_loaded_then_they_neither_learn_nor_drop(checkpoint: Path) -> None:
    parts = load(checkpoint)
    for module in (parts.transformer, parts.vae, parts.text_encoder, parts.image_encoder):
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_when_bfloat16_is_asked_for_then_what_the_model_keeps_in_float32_stays_so(checkpoint: Path) -> None:
    parts = load(checkpoint, Placement(transformer="bfloat16", vae="float32", encoders="bfloat16"))
    numbers = {name: parameter.dtype for name, parameter in parts.transformer.named_parameters()}
    assert numbers["blocks.0.attn1.to_q.weight"] is torch.bfloat16
    assert numbers["blocks.0.scale_shift_table"] is torch.float32
    assert {parameter.dtype for parameter in parts.vae.parameters()} == {torch.float32}
    assert parts.text_encoder.dtype is torch.bfloat16
    assert bytes_of(parts.transformer) < bytes_of(load(checkpoint).transformer)


def test_when_a_gpu_is_planned_for_then_the_encoders_may_stay_on_the_cpu() -> None:
    assert on_gpu(1).encoders_device == "cuda:1"
    assert on_gpu(1, encoders_on_cpu=True, encoders_in_turn=True).encoders_device == "cpu"
    assert not on_gpu(1, encoders_on_cpu=True, encoders_in_turn=True).encoders_in_turn
    assert "in turn with the transformer" in on_gpu(1, encoders_in_turn=True).words()
    assert "bfloat16 on cuda:1" in on_gpu(1).words()


class Traveller(torch.nn.Linear):
    """Writes down where it is sent: no second device is here to go to."""

    def __init__(self, name: str = "", sent: list[str] | None = None) -> None:
        super().__init__(1, 1)
        self.name = name
        self.sent: list[str] = [] if sent is None else sent

    def to(self, device: object) -> Traveller:
        self.sent.append(f"{self.name}{device}")
        return self


class TravellingTransformer(Traveller):
    def __init__(self, sent: list[str]) -> None:
        super().__init__("transformer ", sent)
        self.blocks = Traveller("blocks ", sent)
        self.face_adapter = Traveller("faces ", sent)


ENCODERS = ["text mps", "image mps", "image cpu", "text cpu"]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, [*ENCODERS, "transformer cuda:0"]),
        ({"encoders_in_turn": True}, ["blocks cpu", "faces cpu", *ENCODERS, "transformer cuda:0"]),
        ({"encoders_in_turn": True, "blocks_rest": True}, ["blocks cpu", "faces cpu", *ENCODERS]),
        ({"blocks_rest": True}, ENCODERS),
    ],
)
def test_when_encoders_work_in_turn_then_the_blocks_make_room_and_come_back(
    checkpoint: Path, said: dict[str, bool], wanted: list[str]
) -> None:
    sent: list[str] = []
    parts = replace(
        load(checkpoint),
        placement=Placement(device="cuda:0", encoders_device="mps", **said),
        transformer=TravellingTransformer(sent),
        text_encoder=Traveller("text ", sent),
        image_encoder=Traveller("image ", sent),
    )
    with encoders_awake(parts):
        pass
    assert sent == wanted


def test_when_blocks_rest_then_everything_else_is_where_text_and_reference_go_through(checkpoint: Path) -> None:
    transformer = load(checkpoint).transformer
    _place_around_the_blocks(transformer, "meta")
    places = {name: parameter.device.type for name, parameter in transformer.named_parameters()}
    resting = {name for name, place in places.items() if place == "cpu"}
    assert resting == {name for name in places if name.startswith(("blocks.", "face_adapter."))}
    assert places["scale_shift_table"] == places["condition_embedder.text_embedder.linear_1.weight"] == "meta"


def fail_while_awake(module: Traveller) -> None:
    with awake(module, "mps"):
        raise KeyError("the encoder met a fault")


def test_when_a_fault_ends_an_encoders_work_then_it_rests_on_the_cpu_again() -> None:
    module = Traveller()
    with pytest.raises(KeyError):
        fail_while_awake(module)
    assert module.sent == ["mps", "cpu"]


def test_when_loading_is_watched_then_every_part_is_told(checkpoint: Path) -> None:
    told: list[tuple[str, int, int]] = []
    load_parts(check_layout(checkpoint, WAN_ANIMATE), ON_CPU, lambda *said: told.append(said))
    assert [what for what, _, _ in told] == ["tokenizer", "text encoder", "image encoder", "VAE", "transformer"]
    assert told[-1][1:] == (5, 5)


def test_when_a_weight_is_missing_then_it_is_named_and_not_made_up(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / WEIGHTS)
    del tensors["proj_out.weight"]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack proj_out\.weight of WanAnimateTransformer3DModel"):
        load(folder)


def test_when_a_text_encoder_lacks_a_weight_then_it_is_named(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "text_encoder/model.safetensors"
    tensors = load_file(path)
    del tensors["encoder.final_layer_norm.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack encoder\.final_layer_norm\.weight of UMT5EncoderModel"):
        load(folder)


def test_when_an_image_encoder_is_as_older_libraries_wrote_it_then_it_is_the_same(
    folder: Path, checkpoint: Path
) -> None:
    """Published folders are: their keys have a prefix, a counter of positions, and CLIP's projection."""
    from safetensors.torch import load_file, save_file

    path = folder / "image_encoder/model.safetensors"
    tensors = {f"vision_model.{key}": tensor for key, tensor in load_file(path).items()}
    tensors["vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    tensors["visual_projection.weight"] = torch.ones(4, 4)
    save_file(tensors, path, metadata={"format": "pt"})
    assert same(load(folder).image_encoder, load(checkpoint).image_encoder)


@pytest.mark.parametrize("names", [("encoder.embed_tokens.weight",), ("shared.weight", "encoder.embed_tokens.weight")])
def test_when_a_text_encoder_names_its_words_otherwise_then_it_is_the_same(
    folder: Path, checkpoint: Path, names: tuple[str, ...]
) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "text_encoder/model.safetensors"
    tensors = load_file(path)
    words = tensors.pop("shared.weight")
    save_file({**tensors, **{name: words.clone() for name in names}}, path, metadata={"format": "pt"})
    assert same(load(folder).text_encoder, load(checkpoint).text_encoder)


@pytest.mark.parametrize(("field", "value"), [("ffn_dim", 48), ("num_layers", 3), ("num_layers", 1)])
def test_when_the_config_is_of_another_model_then_the_folder_is_named(folder: Path, field: str, value: int) -> None:
    config = folder / "transformer/config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), field: value}))
    with pytest.raises(WeightsError) as raised:
        load(folder)
    assert str(folder / "transformer") in raised.value.message
    assert raised.value.remedy


def test_when_a_pickled_file_is_allowed_then_its_tensors_are_loaded(folder: Path, checkpoint: Path) -> None:
    from safetensors.torch import load_file

    path = folder / "transformer/diffusion_pytorch_model.bin"
    torch.save(load_file(folder / WEIGHTS), path)
    (folder / WEIGHTS).unlink()
    assert same(load(folder, allowed_pickled=(path,)).transformer, load(checkpoint).transformer)


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return open, (str(self.path), "w")  # type: ignore[return-value]


def test_when_an_allowed_pickled_file_would_run_code_then_it_is_refused_and_nothing_ran(folder: Path) -> None:
    path, trace = folder / "transformer/diffusion_pytorch_model.bin", folder / "ran"
    torch.save({"proj_out.weight": Hostile(trace)}, path)
    (folder / WEIGHTS).unlink()
    with pytest.raises(WeightsError):
        load(folder, allowed_pickled=(path,))
    assert not trace.exists()
