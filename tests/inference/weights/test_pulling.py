"""A model comes from a hub on this machine's loopback: only what lacks, gone on with where it stopped, checked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="the hub's client: pip install 'understudy[weights]'")

from hub_server import COMMIT, Hub, folder_files, serving

from understudy.bridge.errors import RequestError, WeightsError
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.digests import DigestCache
from understudy.inference.weights.layout import check_layout
from understudy.inference.weights.manifest import Manifest, read_manifest
from understudy.inference.weights.pulling import _alone, pull

MODEL, ORIGINAL = "Wan-AI/Wan2.2-Animate-14B-Diffusers", "Wan-AI/Wan2.2-Animate-14B"
LARGE = "transformer/diffusion_pytorch_model.safetensors"
DETECTOR = "process_checkpoint/det/yolov10m.onnx"


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    model = {**folder_files(checkpoint), "README.md": b"---\nlicense: apache-2.0\n---\n", "LICENSE.txt": b"Apache\n"}
    original = {
        DETECTOR: b"onnx" * 999,
        "relighting_lora.ckpt": b"lora",
        "Wan2.1_VAE.pth": b"no",
        "assets/a.png": b"no",
    }
    with serving({MODEL: model, ORIGINAL: original}) as serves:
        yield serves


def bring(hub: Hub, folder: Path, cache: DigestCache | None = None) -> Manifest:
    return pull(WAN_ANIMATE, folder, cache=cache or DigestCache(None), endpoint=hub.url)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_when_a_model_is_pulled_then_its_folder_is_whole_and_its_manifest_true(hub: Hub, tmp_path: Path) -> None:
    manifest = bring(hub, tmp_path)
    assert check_layout(tmp_path, WAN_ANIMATE).files
    assert {file.path: file.sha256 for file in manifest.files} == {
        file.path: sha256(tmp_path / file.path) for file in manifest.files
    }
    assert read_manifest(tmp_path) == manifest
    assert manifest.licence == "apache-2.0"
    assert manifest.licence_sha256 == hashlib.sha256(b"Apache\n").hexdigest()
    assert [(origin.repository, origin.revision) for origin in manifest.origins] == [
        (MODEL, COMMIT),
        (ORIGINAL, COMMIT),
    ]


def test_when_a_model_is_pulled_then_only_what_belongs_to_it_comes(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    assert (tmp_path / DETECTOR).is_file()
    assert (tmp_path / "relighting_lora.ckpt").is_file()
    assert not (tmp_path / "Wan2.1_VAE.pth").exists()
    assert not (tmp_path / "assets").exists()
    assert not list(tmp_path.rglob("*.incomplete"))


def test_when_it_is_pulled_again_then_no_file_is_fetched(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    hub.asked.clear()
    bring(hub, tmp_path)
    assert hub.asked == []


def test_when_the_connection_breaks_then_the_same_pull_goes_on_from_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)  # bytes that it writes at once: 10 MB
    hub.cut_after[LARGE] = [55_000]
    bring(hub, tmp_path)
    assert hub.ranges_of(LARGE) == ["", "bytes=50000-"]
    assert sha256(tmp_path / LARGE) == hashlib.sha256(hub.files[MODEL][LARGE]).hexdigest()


def test_when_a_half_file_is_here_then_only_the_rest_is_fetched(hub: Hub, tmp_path: Path) -> None:
    half = tmp_path / f"{LARGE}.incomplete"
    half.parent.mkdir(parents=True)
    half.write_bytes(hub.files[MODEL][LARGE][:100_000])
    bring(hub, tmp_path)
    assert hub.ranges_of(LARGE) == ["bytes=100000-"]
    assert not half.exists()


def test_when_the_hub_ignores_ranges_then_the_half_is_begun_anew_and_the_file_is_right(
    hub: Hub, tmp_path: Path
) -> None:
    half = tmp_path / f"{LARGE}.incomplete"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"\0" * 100_000)
    hub.ignores_ranges = True
    bring(hub, tmp_path)
    assert sha256(tmp_path / LARGE) == hashlib.sha256(hub.files[MODEL][LARGE]).hexdigest()


def test_when_a_half_file_is_longer_than_the_whole_then_it_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    half = tmp_path / f"{LARGE}.incomplete"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"\0" * (len(hub.files[MODEL][LARGE]) + 1))
    bring(hub, tmp_path)
    assert hub.ranges_of(LARGE) == [""]


def test_when_a_half_file_was_another_then_it_is_named_removed_and_the_next_pull_is_right(
    hub: Hub, tmp_path: Path
) -> None:
    half = tmp_path / f"{LARGE}.incomplete"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"\0" * 100_000)
    with pytest.raises(WeightsError, match="did not arrive as the hub lists it"):
        bring(hub, tmp_path)
    assert not half.exists()
    assert not (tmp_path / LARGE).exists()
    bring(hub, tmp_path)


def test_when_a_file_arrives_changed_then_file_expected_and_found_are_told(hub: Hub, tmp_path: Path) -> None:
    hub.spoilt.add(LARGE)
    with pytest.raises(WeightsError) as raised:
        bring(hub, tmp_path)
    assert str(tmp_path / LARGE) in raised.value.message
    content = hub.files[MODEL][LARGE]
    assert f"SHA-256 {hashlib.sha256(content).hexdigest()} expected" in raised.value.message
    assert hashlib.sha256(content[:-1] + bytes([content[-1] ^ 1])).hexdigest() in raised.value.message
    assert "HF_ENDPOINT" in raised.value.remedy
    assert not (tmp_path / LARGE).exists()
    assert read_manifest(tmp_path) is None


def test_when_a_small_file_arrives_changed_then_it_is_refused_by_its_git_object(hub: Hub, tmp_path: Path) -> None:
    hub.spoilt.add("vae/config.json")
    with pytest.raises(WeightsError, match=r"vae/config\.json did not arrive as the hub lists it: git object"):
        bring(hub, tmp_path)


def test_when_a_file_here_was_changed_then_the_next_pull_mends_it(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    content = bytearray((tmp_path / LARGE).read_bytes())
    content[-1] ^= 1
    (tmp_path / LARGE).write_bytes(content)
    hub.asked.clear()
    bring(hub, tmp_path)
    assert hub.ranges_of(LARGE) == [""]
    assert {path for _, path, _ in hub.asked} == {LARGE}


def test_when_there_is_no_room_then_both_numbers_are_told_before_anything_comes(hub: Hub, tmp_path: Path) -> None:
    hub.lists[LARGE] = 2**60
    with pytest.raises(WeightsError, match=r"GiB free; 1073741824\.0 GiB are to come"):
        bring(hub, tmp_path)
    assert hub.asked == []


def test_when_another_pull_writes_the_folder_then_the_second_says_so(hub: Hub, tmp_path: Path) -> None:
    with _alone(tmp_path), pytest.raises(RequestError, match="another pull is writing"):
        bring(hub, tmp_path)


def test_when_the_hub_has_no_such_repository_then_it_is_named(tmp_path: Path) -> None:
    with serving({}) as hub, pytest.raises(WeightsError, match=f"{MODEL} cannot be listed") as raised:
        bring(hub, tmp_path)
    assert "HF_TOKEN" in raised.value.remedy


def test_when_nobody_answers_then_the_remedy_speaks_of_the_network(tmp_path: Path) -> None:
    with serving({}) as hub:
        pass
    with pytest.raises(WeightsError, match="cannot be listed") as raised:
        bring(hub, tmp_path)
    assert "network" in raised.value.remedy


@pytest.mark.parametrize(
    "path", ["../outside.safetensors", "/etc/outside.safetensors", "transformer/../../outside.json"]
)
def test_when_a_hub_lists_a_path_that_leads_elsewhere_then_nothing_is_written(
    hub: Hub, tmp_path: Path, path: str
) -> None:
    hub.files[MODEL][path] = b"outside"
    with pytest.raises(WeightsError, match="leads elsewhere"):
        bring(hub, tmp_path / "models")
    assert not (tmp_path / "outside.safetensors").exists()
    assert hub.asked == []


def command(hub: Hub, *words: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "understudy.bridge.cli", "weights", *map(str, words)],
        env={**os.environ, "HF_ENDPOINT": hub.url, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_when_a_pull_is_killed_then_the_next_goes_on_from_its_half(hub: Hub, tmp_path: Path, home: Path) -> None:
    hub.files[MODEL][LARGE] += b"\0" * 2**25  # no safetensors any more, but long enough to be killed under way
    hub.seconds_a_chunk = 0.05
    half = tmp_path / f"{LARGE}.incomplete"
    first = command(hub, "pull", "--to", tmp_path)
    ends = time.monotonic() + 60
    while not (half.is_file() and half.stat().st_size) and time.monotonic() < ends and first.poll() is None:
        time.sleep(0.02)
    first.kill()
    first.communicate()
    here = half.stat().st_size
    assert 0 < here < len(hub.files[MODEL][LARGE])
    hub.seconds_a_chunk = 0.0
    hub.asked.clear()
    second = command(hub, "pull", "--to", tmp_path, "--json")
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert hub.ranges_of(LARGE) == [f"bytes={here}-"]
    assert sha256(tmp_path / LARGE) == hashlib.sha256(hub.files[MODEL][LARGE]).hexdigest()
    assert json.loads(out)["folder"] == str(tmp_path)


def test_when_the_hub_is_switched_off_then_pull_says_which_variable_does_it(
    hub: Hub, tmp_path: Path, home: Path
) -> None:
    pull = command(hub, "pull", "--to", tmp_path, HF_HUB_OFFLINE="1")
    _, err = pull.communicate(timeout=120)
    assert pull.returncode == 3
    assert "offline mode is on" in err
    assert "HF_HUB_OFFLINE" in err
    assert hub.asked == []
