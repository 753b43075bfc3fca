"""What is loaded is verified once, stands in the marks by digest, and is refused when it is not what was pinned."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.digests import DigestCache, set_digest
from understudy.inference.weights.layout import check_layout
from understudy.inference.weights.manifest import Origin, pin, write_manifest
from understudy.inference.weights.used import WeightsUsed, weights_used

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
NAME = WAN_ANIMATE.name


@pytest.fixture
def pinned(folder: Path) -> Path:
    origins = (Origin(repository="Wan-AI/Some", revision="c0ffee"),)
    write_manifest(folder, pin(folder, NAME, by="ana", licence="apache-2.0", origins=origins))
    return folder


def used(folder: Path, *loras: tuple[Path, float], cache: DigestCache | None = None) -> WeightsUsed:
    layout = check_layout(folder, WAN_ANIMATE)
    return weights_used(layout, NAME, loras=loras, cache=cache or DigestCache(None))


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_when_a_pinned_folder_is_loaded_then_every_file_and_where_it_came_from_is_stated(pinned: Path) -> None:
    found = used(pinned)
    assert found.held_to == "pinned"
    assert found.revision == "Wan-AI/Some@c0ffee"
    assert found.licence == "apache-2.0"
    assert set(found.files) == set(check_layout(pinned, WAN_ANIMATE).files)
    assert found.files[TRANSFORMER] == hashlib.sha256((pinned / TRANSFORMER).read_bytes()).hexdigest()


def test_when_a_pinned_file_changed_by_one_bit_then_it_is_refused_with_both_digests(pinned: Path) -> None:
    expected = hashlib.sha256((pinned / TRANSFORMER).read_bytes()).hexdigest()
    spoil(pinned / TRANSFORMER)
    with pytest.raises(WeightsError) as raised:
        used(pinned)
    found = hashlib.sha256((pinned / TRANSFORMER).read_bytes()).hexdigest()
    assert raised.value.message == (
        f"{pinned / TRANSFORMER} is not what was pinned: SHA-256 {expected} expected, {found} found"
    )
    assert "understudy weights p" in raised.value.remedy


def test_when_a_file_changed_after_it_was_verified_then_it_is_noticed(pinned: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    used(pinned, cache=cache)
    spoil(pinned / TRANSFORMER)
    with pytest.raises(WeightsError, match="is not what was pinned"):
        used(pinned, cache=cache)


def test_when_a_config_was_added_that_would_be_read_then_it_is_refused(pinned: Path) -> None:
    (pinned / "tokenizer/special_tokens_map.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"special_tokens_map\.json is not in understudy-weights\.json"):
        used(pinned)


def test_when_a_folder_is_not_pinned_then_what_was_found_is_stated_as_such(checkpoint: Path) -> None:
    found = used(checkpoint)
    assert (found.held_to, found.revision, found.licence) == ("unpinned", "", "unknown")
    assert found.files[TRANSFORMER] == hashlib.sha256((checkpoint / TRANSFORMER).read_bytes()).hexdigest()


def cached(checkpoint: Path, cache: Path) -> Path:
    """Lay the checkpoint out as the Hugging Face cache does: links to blobs named by digest. Returns the snapshot."""
    snapshot, blobs = cache / "snapshots" / ("a" * 40), cache / "blobs"
    blobs.mkdir(parents=True)
    for path in (path for path in checkpoint.rglob("*") if path.is_file()):
        blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copy(path, blob)
        link = snapshot / path.relative_to(checkpoint)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


def test_when_the_folder_is_the_hubs_cache_then_its_files_are_held_to_their_names(
    checkpoint: Path, tmp_path: Path
) -> None:
    snapshot = cached(checkpoint, tmp_path)
    found = used(snapshot)
    assert (found.held_to, found.revision) == ("hub cache", "a" * 40)
    spoil((snapshot / TRANSFORMER).resolve())
    with pytest.raises(WeightsError, match=r"SHA-256 \w+ expected"):
        used(snapshot)


def test_when_loras_are_laid_on_then_name_digest_and_weight_are_stated_and_no_folder(
    checkpoint: Path, tmp_path: Path
) -> None:
    lora = tmp_path / "relighting.safetensors"
    lora.write_bytes(b"a lora")
    found = used(checkpoint, (lora, 0.8), (lora, 0.0))
    digest = hashlib.sha256(b"a lora").hexdigest()
    assert found.digests() == {NAME: set_digest(found.files), "relighting.safetensors x 0.8": digest}
    assert [one.weight for one in found.loras] == [0.8, 0.0]
    assert str(tmp_path) not in msgspec.json.encode(found).decode()


def test_when_a_lora_that_was_pinned_with_the_model_changed_then_it_is_refused(folder: Path) -> None:
    lora = folder / "relighting_lora.safetensors"
    lora.write_bytes(b"a lora")
    write_manifest(folder, pin(folder, NAME, by="ana"))
    assert used(folder, (lora, 1.0)).loras[0].sha256 == hashlib.sha256(b"a lora").hexdigest()
    lora.write_bytes(b"A LORA")
    with pytest.raises(WeightsError, match=r"relighting_lora\.safetensors is not what was pinned"):
        used(folder, (lora, 1.0))


def test_when_two_loras_share_name_and_weight_then_both_are_stated(checkpoint: Path, tmp_path: Path) -> None:
    loras = [tmp_path / folder / "adapter_model.safetensors" for folder in ("one", "other")]
    for path in loras:
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode())
    digests = used(checkpoint, *((path, 1.0) for path in loras)).digests()
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in loras} <= set(digests.values())


def test_when_one_file_of_the_model_is_another_then_its_digest_in_the_marks_is(checkpoint: Path, folder: Path) -> None:
    spoil(folder / TRANSFORMER)
    assert used(folder).digests() != used(checkpoint).digests()


def test_when_it_crosses_a_process_then_it_arrives_as_it_was(checkpoint: Path) -> None:
    found = used(checkpoint)
    assert msgspec.json.decode(msgspec.json.encode(found), type=WeightsUsed) == found
