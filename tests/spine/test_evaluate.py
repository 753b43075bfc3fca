"""`understudy evaluate` as a user runs it, on a take that was really made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spine_rig import gathered, order_of
from terminal_rig import Terminal

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")
pytest.importorskip("matplotlib", reason="the plot needs matplotlib: pip install 'understudy[evaluate]'")

from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import DrawnShot, draw_shot
from understudy.inference.worker import Reporter, perform

SEAM = 1018
"""The engine identity takes 32 frames at most, so 34 are cut into two halves."""


@pytest.fixture(scope="module")
def long_shot(tmp_path_factory: pytest.TempPathFactory) -> DrawnShot:
    return draw_shot(tmp_path_factory.mktemp("long"), frames=34, width=128, height=72)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, long_shot: DrawnShot) -> Path:
    """Return a delivered take of two segments, to be looked at only."""
    folder = tmp_path_factory.mktemp("take")
    options = JobOptions(
        plate=long_shot.plate, matte=long_shot.matte, reference=long_shot.reference, engine="identity", rate="24",
        self_attest="a test, to be measured",
    )  # fmt: skip
    end = perform(order_of(gathered(options), folder), Reporter(lambda message: None))
    assert end.state == "delivered"
    return folder / "v001"


@pytest.fixture
def take(tmp_path: Path, delivered: Path) -> Path:
    """Return a copy of the take that may be harmed."""
    folder = tmp_path / "take"
    shutil.copytree(delivered, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def change_manifest(take: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = take / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_when_the_libraries_are_missing_then_the_extra_is_named(delivered: Path, long_shot: DrawnShot) -> None:
    script = (
        "import sys; sys.modules['skimage'] = None; from understudy.bridge.cli import main; "
        f"sys.argv = ['understudy', 'evaluate', {str(delivered)!r}, '--against', {long_shot.plate!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "skimage" in done.stderr
    assert "pip install 'understudy[evaluate]'" in done.stderr


def test_when_another_command_runs_then_nothing_is_loaded_for_this_one() -> None:
    script = (
        "import sys, typer; from understudy.inference.evaluation_commands import register; register(typer.Typer()); "
        "print([name for name in ('skimage', 'matplotlib', 'numpy', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_when_the_folder_is_no_take_then_it_says_what_to_name(
    tmp_path: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    end = terminal("evaluate", tmp_path, "--against", long_shot.plate)
    assert end.code == 2
    assert "manifest.json" in end.err
    assert "name.####.exr" in end.err


def test_when_out_lies_in_the_take_then_the_take_is_left_alone(
    take: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    end = terminal("evaluate", take, "--against", long_shot.plate, "--out", take / "numbers")
    assert end.code == 2
    assert "inside the take" in end.err
    assert not (take / "numbers").exists()


def test_when_a_manifest_leads_out_of_its_take_then_nothing_there_is_read(
    take: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    secret = take.parent / "secret.1001.exr"
    shutil.copy(take / "comp" / "comp.1001.exr", secret)

    def lead_out(manifest: dict[str, Any]) -> None:
        next(file for file in manifest["files"] if file["layer"] == "comp")["path"] = "../secret.1001.exr"

    change_manifest(take, lead_out)
    end = terminal("evaluate", take, "--against", long_shot.plate)
    assert end.code == 3
    assert "outside of the take" in end.err


def test_when_the_takes_engine_has_changed_since_then_its_seams_are_those_listed_and_else_not_guessed(
    take: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    def of_another_engine(manifest: dict[str, Any]) -> None:
        manifest["marks"]["understudy/engine_version"] = "0"

    change_manifest(take, of_another_engine)
    end = terminal("evaluate", take, "--against", long_shot.plate, "--json")
    assert [seam["frame"] for seam in end.json["seams"]] == [SEAM], "the manifest lists its segments"
    change_manifest(take, lambda manifest: manifest.pop("segments"))
    end = terminal("evaluate", take, "--against", long_shot.plate, "--json")
    assert end.json["seams"] == [], "one of before does not"
    assert [found["rule"] for found in end.json["findings"]] == ["segments_unknown"]


@pytest.mark.parametrize(
    "settings", ["", "{}{", '{"engine": "wan-animate", "engine_options": {"segment_frames": "?"}}']
)
def test_when_the_takes_settings_cannot_be_read_then_its_seams_are_not_guessed(
    take: Path, terminal: Terminal, long_shot: DrawnShot, settings: str
) -> None:
    change_manifest(take, lambda manifest: manifest.pop("segments"))  # one of before
    change_manifest(take, lambda manifest: manifest["marks"].update({"understudy/settings": settings}))
    end = terminal("evaluate", take, "--against", long_shot.plate, "--frames", "1001-1002", "--json")
    assert [found["rule"] for found in end.json["findings"]] == ["segments_unknown"]


def test_when_the_takes_settings_chose_the_segments_then_the_seams_are_theirs(
    take: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    options = {"segment_frames": "17", "carried_frames": "1"}
    settings = json.dumps({"engine": "wan-animate", "engine_options": options})
    wan = {"engine": "wan-animate", "engine_version": "1", "settings": settings}
    change_manifest(take, lambda manifest: manifest.pop("segments"))  # one of before
    change_manifest(take, lambda manifest: manifest["marks"].update({f"understudy/{n}": v for n, v in wan.items()}))
    end = terminal("evaluate", take, "--against", long_shot.plate, "--json")
    assert [seam["frame"] for seam in end.json["seams"]] == [1013, 1024]  # 12 frames, then 11 fresh ones twice


def test_when_a_file_of_the_take_is_gone_then_its_frame_is_named(
    take: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    (take / "comp" / "comp.1005.exr").unlink()
    end = terminal("evaluate", take, "--against", long_shot.plate)
    assert end.code == 0
    assert "result lacks 1 frames, which were not compared: 1005" in end.err


def test_when_a_take_is_held_against_its_plate_then_table_file_and_plot_tell_the_same(
    delivered: Path, terminal: Terminal, long_shot: DrawnShot, tmp_path: Path
) -> None:
    end = terminal("evaluate", delivered, "--against", long_shot.plate, "--out", tmp_path / "numbers")
    assert end.code == 0
    assert "warn:" not in end.err
    told = json.loads((tmp_path / "numbers" / "evaluation.json").read_bytes())
    assert [row["frame"] for row in told["rows"]] == list(range(1001, 1035))
    assert {row["psnr_outside"] for row in told["rows"]} == {"inf"}
    assert told["summary"]["ssim"]["worst"] > 0.9999
    assert told["summary"]["colour_inside"]["worst"] < 0.05
    assert [seam["frame"] for seam in told["seams"]] == [SEAM]
    assert told["seams"][0]["ratio"] == pytest.approx(1, abs=1e-3)
    assert "the take's manifest: identity 1" in end.out
    assert "PSNR outside, dB" in end.out
    assert "34 identical" in end.out
    assert (tmp_path / "numbers" / "evaluation.png").read_bytes().startswith(b"\x89PNG")


def test_when_a_script_asks_then_standard_output_is_json_and_nothing_else(
    delivered: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    end = terminal("evaluate", delivered, "--against", long_shot.plate, "--frames", "1010-1012", "--json")
    assert end.code == 0
    assert (end.json["schema"], end.json["frames"], end.json["kind"]) == (1, 3, "plate")
    assert end.json["matte"].endswith("matte_effective")


def test_when_typed_segments_differ_from_the_takes_then_the_typed_ones_count(
    delivered: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    words = ("--segment-length", 12, "--overlap", 1, "--json")
    end = terminal("evaluate", delivered, "--against", long_shot.plate, *words)
    assert [seam["frame"] for seam in end.json["seams"]] == [1013, 1024]


def test_when_a_take_is_held_against_itself_then_it_is_identical(delivered: Path, terminal: Terminal) -> None:
    end = terminal("evaluate", delivered, "--against", delivered, "--frames", "1001-1003", "--json")
    assert end.json["summary"]["psnr"]["mean"] == "inf"


def test_when_a_still_is_given_then_appearance_is_measured_inside_the_coverage(
    delivered: Path, terminal: Terminal, long_shot: DrawnShot
) -> None:
    end = terminal("evaluate", delivered, "--against", long_shot.reference, "--frames", "1001-1004", "--json")
    assert end.code == 0
    assert end.json["kind"] == "reference"
    assert end.json["matte"].endswith("/matte")
    assert end.json["summary"].keys() == {"colour", "lightness_distance", "chroma_distance"}
    assert all(row["coverage_pixels"] > 50 for row in end.json["rows"])
