"""The doctor finds what is wrong, says what to do, and lets nothing through that it did not try."""

from __future__ import annotations

from pathlib import Path

import pytest
from show_config import TEXT, write_show

from understudy.bridge.settings import load_settings
from understudy.inference import doctor
from understudy.inference.doctor import examine


def test_when_a_machine_is_sound_then_every_check_says_so_and_no_daemon_pose_or_model_is_only_a_note(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(tmp_path / "no model"))
    found = {finding.rule: finding for finding in examine()}
    notes = ("daemon", "pose", "weights")
    assert {found[rule].outcome for rule in notes} == {"note"}
    assert "pose install" in found["pose"].remedy
    assert {finding.outcome for rule, finding in found.items() if rule not in (*notes, "disk")} == {"pass"}
    assert set(found) == {
        "python", "libraries", "home", "disk", "port", "daemon", "pose", "exr", "colour", "colour_config", "movie",
        "gate", "weights",
    }  # fmt: skip


def test_a_studios_own_config_is_tried_with_the_chart_and_its_error_told(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    config = write_show(tmp_path / "show")
    found = doctor.check_own_colour(load_settings(), str(config))
    assert found.outcome == "pass"
    assert f"through {config}: worst error" in found.message
    assert found.message.endswith("0 bits touched outside")


def test_when_a_studios_own_config_cannot_serve_then_the_doctor_says_what_a_job_would_hear(
    home: Path, tmp_path: Path
) -> None:
    config = write_show(tmp_path / "show", TEXT.replace("ocio_profile_version: 2.1", "ocio_profile_version: 3.1"))
    found = {finding.rule: finding for finding in examine(str(config))}["colour_config"]
    assert found.refuses
    assert "has profile 3.1" in found.message
    assert found.remedy


def test_when_others_can_read_the_keys_then_the_doctor_refuses_and_says_how_to_close_them(home: Path) -> None:
    list(examine())
    (home / "server_keys.json").chmod(0o644)
    found = {finding.rule: finding for finding in examine()}["home"]
    assert found.refuses
    assert "chmod" in found.remedy


def test_when_a_studios_own_pack_does_not_read_then_the_doctor_names_it_before_a_job_does(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "our-show.toml").write_text("id = ")
    found = doctor.check_gate(load_settings({"packs_folder": str(tmp_path)}))
    assert found.outcome == "broken"
    assert "the policy pack our-show is not TOML" in found.message
    assert "Mend a pack of your own" in found.remedy


def test_when_the_address_is_not_of_this_machine_then_the_doctor_names_it(home: Path) -> None:
    home.mkdir()
    found = doctor.check_port(load_settings({"host": "192.0.2.1"}))  # TEST-NET-1: no machine has it
    assert found.refuses
    assert "192.0.2.1" in found.message


def test_when_a_library_is_missing_then_the_doctor_names_it_and_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", (*doctor.LIBRARIES, "a-library-that-nobody-has"))
    found = doctor.check_libraries(load_settings())
    assert found.refuses
    assert "a-library-that-nobody-has" in found.message
    assert "pip install" in found.remedy
