"""A folder is looked over before anything is loaded; what is wrong is told by file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.catalogue import WAN_ANIMATE, WAN_ANIMATE_2, WAN_ANIMATE_2_DISTILLED
from understudy.inference.weights.layout import check_layout

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"


def refused(folder: Path, **allowed: Any) -> WeightsError:
    with pytest.raises(WeightsError) as raised:
        check_layout(folder, WAN_ANIMATE, **allowed)
    assert raised.value.remedy
    return raised.value


def edit(path: Path, **changed: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def shard(folder: Path) -> tuple[Path, Path]:
    """Cut the transformer into two shards; return them."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / TRANSFORMER)
    names = sorted(tensors)
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    shards = tuple(folder / f"transformer/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2))
    for path, half in zip(shards, halves, strict=True):
        save_file({name: tensors[name] for name in half}, path, metadata={"format": "pt"})
    weight_map = {name: path.name for path, half in zip(shards, halves, strict=True) for name in half}
    (folder / f"{TRANSFORMER}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / TRANSFORMER).unlink()
    return shards[0], shards[1]


def pickled(folder: Path, name: str = "diffusion_pytorch_model.bin") -> Path:
    """Put a pickled file in the place of the transformer's safetensors; return it."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / TRANSFORMER), folder / "transformer" / name)
    (folder / TRANSFORMER).unlink()
    return folder / "transformer" / name


def test_when_the_folder_is_whole_then_what_loading_opens_is_listed(checkpoint: Path) -> None:
    layout = check_layout(checkpoint, WAN_ANIMATE)
    assert TRANSFORMER in layout.files
    assert "tokenizer/tokenizer.json" in layout.files
    assert not layout.pickled
    assert layout.size_bytes() == sum((checkpoint / file).stat().st_size for file in layout.files)


def test_when_there_is_no_folder_then_it_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refused(tmp_path / "nowhere").message


def test_when_the_folder_is_of_the_original_layout_then_the_right_repository_is_told(tmp_path: Path) -> None:
    (tmp_path / "Wan2.1_VAE.pth").write_bytes(b"weights")
    problem = refused(tmp_path)
    assert "model_index.json" in problem.message
    assert "Wan2.2-Animate-14B-Diffusers" in problem.remedy


def test_when_the_folder_is_of_another_pipeline_then_both_are_named(folder: Path) -> None:
    edit(folder / "model_index.json", _class_name="WanImageToVideoPipeline")
    problem = refused(folder)
    assert "WanImageToVideoPipeline" in problem.message
    assert "WanAnimatePipeline" in problem.message


def test_when_a_part_is_of_another_class_then_it_is_named(folder: Path) -> None:
    edit(folder / "model_index.json", transformer=["diffusers", "WanTransformer3DModel"])
    assert "transformer is WanTransformer3DModel; WanAnimateTransformer3DModel is wanted" in refused(folder).message


@pytest.mark.parametrize(
    "file", [TRANSFORMER, "vae/config.json", "text_encoder/model.safetensors", "tokenizer/tokenizer.json"]
)
def test_when_a_file_is_missing_then_it_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert refused(folder).message == f"{folder / file} is missing"


@pytest.mark.parametrize("file", ["tokenizer/tokenizer.json", "vae/config.json", "model_index.json"])
def test_when_a_config_is_cut_short_then_it_is_named(folder: Path, file: str) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    assert refused(folder).message.startswith(f"{folder / file} cannot be read")


def test_when_a_file_is_half_downloaded_then_its_half_is_named_and_never_used(folder: Path) -> None:
    (folder / TRANSFORMER).rename(folder / f"{TRANSFORMER}.incomplete")
    problem = refused(folder)
    assert "is only half here" in problem.message
    assert "goes on where it stopped" in problem.remedy


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_when_a_safetensors_file_is_cut_short_then_it_is_named(folder: Path, kept: int) -> None:
    content = (folder / TRANSFORMER).read_bytes()
    (folder / TRANSFORMER).write_bytes(content[:kept])
    assert str(folder / TRANSFORMER) in refused(folder).message


def test_when_the_weights_are_in_shards_then_each_is_listed(folder: Path) -> None:
    shards = shard(folder)
    files = check_layout(folder, WAN_ANIMATE).files
    assert [file for file in files if "-of-" in file] == [f"transformer/{path.name}" for path in shards]


def test_when_a_shard_is_missing_then_it_is_named(folder: Path) -> None:
    _, second = shard(folder)
    second.unlink()
    assert refused(folder).message == f"{second} is missing"


def test_when_an_index_leads_out_of_the_folder_then_it_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / TRANSFORMER, tmp_path / "elsewhere.safetensors")
    (folder / f"{TRANSFORMER}.index.json").write_text(json.dumps({"weight_map": {"a": "../../elsewhere.safetensors"}}))
    assert "../../elsewhere.safetensors" in refused(folder).message


def test_when_there_are_pickled_weights_alone_then_they_are_refused_by_name(folder: Path) -> None:
    file = pickled(folder)
    problem = refused(folder)
    assert f"{file} is a pickled file" in problem.message
    assert f'`allow_pickled_weights` to ["{file}"]' in problem.remedy


def test_when_another_pickled_file_is_allowed_then_this_one_is_still_refused(folder: Path, tmp_path: Path) -> None:
    file = pickled(folder)
    assert f"{file} is a pickled file" in refused(folder, allowed_pickled=(tmp_path / "other.bin",)).message


def test_when_this_very_pickled_file_is_allowed_then_it_is_listed_as_such(folder: Path) -> None:
    file = pickled(folder)
    layout = check_layout(folder, WAN_ANIMATE, allowed_pickled=(file,))
    assert layout.pickled == (("transformer", "transformer/diffusion_pytorch_model.bin"),)


def test_when_safetensors_lie_beside_a_pickled_file_then_it_is_not_looked_at(folder: Path) -> None:
    (folder / "transformer/diffusion_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    layout = check_layout(folder, WAN_ANIMATE)
    assert not [file for file in layout.files if file.endswith(".bin")]


@pytest.fixture(scope="module")
def modular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole checkpoint in the layout of a modular pipeline. Read only."""
    from tiny_wan2 import make_tiny_checkpoint_2

    return make_tiny_checkpoint_2(tmp_path_factory.mktemp("modular"), seed=1)


@pytest.fixture
def modular_folder(modular: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(modular, tmp_path / "modular", copy_function=os.link))


def replaced(folder: Path, **changed: Any) -> Path:
    """Change the index of a folder whose files are links: a new file in the place of the old one."""
    index = folder / "modular_model_index.json"
    said = {**json.loads(index.read_text()), **changed}
    index.unlink()
    index.write_text(json.dumps(said))
    return folder


def test_a_modular_folder_is_looked_over_by_its_own_index(modular: Path) -> None:
    layout = check_layout(modular, WAN_ANIMATE_2)
    assert {"modular_model_index.json", "scheduler/scheduler_config.json", TRANSFORMER} <= set(layout.files)
    assert layout.part("image_processor") is None


def test_when_a_part_was_not_loaded_when_the_index_was_written_then_its_hint_names_it(modular_folder: Path) -> None:
    hinted = [None, None, {"type_hint": ["diffusers", "WanAnimate2Transformer3DModel"]}]
    assert check_layout(replaced(modular_folder, transformer=hinted), WAN_ANIMATE_2).files


@pytest.mark.parametrize(
    "said", [None, "text", [], [None], [None, None, None], [None, None, {"type_hint": [1, 2]}], ["diffusers", {}, {}]]
)
def test_when_the_index_names_no_class_then_it_is_told(modular_folder: Path, said: Any) -> None:
    with pytest.raises(WeightsError, match="transformer is not named"):
        check_layout(replaced(modular_folder, transformer=said), WAN_ANIMATE_2)


def test_when_a_folder_is_of_the_distilled_model_then_the_base_is_not_taken_from_it(modular_folder: Path) -> None:
    replaced(modular_folder, _blocks_class_name="WanAnimate2DistilledBlocks")
    with pytest.raises(WeightsError, match="says WanAnimate2DistilledBlocks; Wan-Animate-2 14B is a WanAnimate2Blocks"):
        check_layout(modular_folder, WAN_ANIMATE_2)
    assert check_layout(modular_folder, WAN_ANIMATE_2_DISTILLED).files


def test_a_config_with_the_infinity_that_diffusers_writes_is_read(modular: Path) -> None:
    assert "-Infinity" in (modular / "scheduler/scheduler_config.json").read_text()
    assert check_layout(modular, WAN_ANIMATE_2).files
