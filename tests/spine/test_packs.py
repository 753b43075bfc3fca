"""Policy packs end to end: a record in TOML, the command line, daemon and worker, and what lies beside the layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from pack_rig import CAMERA, pack_text
from terminal_rig import Terminal
from typed_rig import HERE, Submit

from understudy.bridge.keys import issue_key, write_connection
from understudy.inference.picture.movies import MovieReader

RECORD = """
schema = 2
record_id = "r-1"
likeness = "digital_replica"
on_screen = ["Velez"]
performed_by = ["Velez"]
salt = "00112233445566778899aabbccddeeff"

[[consents]]
consent_id = "c-1"
talent = "Velez"
document = "DOCUMENT"
signed_on = 2020-01-05

[use]
media = ["streaming"]
is_advertising = false
""".replace("DOCUMENT", "a" * 64)
IN_GERMANY = 'territories = ["DE"]\n'


def recast(terminal: Terminal, shot: Path, record: str, out: Path) -> tuple[int, str]:
    (shot / "papers.toml").write_text(record)
    ended = terminal("submit", *HERE, "--record", "papers.toml", "--wait", "--out", out)
    return ended.code, ended.err


def test_when_what_a_pack_wants_is_not_stated_then_the_artist_hears_it_first_and_nothing_is_delivered(
    terminal: Terminal, submit: Submit, shot: Path, tmp_path: Path
) -> None:
    code, said = recast(terminal, shot, RECORD + IN_GERMANY, tmp_path / "out")
    assert code == 3, said
    assert "whether the picture is a deep fake" in said
    assert "State `eu.deepfake` as yes or no." in said
    assert not list((tmp_path / "out").rglob("*.exr"))


def test_a_delivered_take_says_which_packs_were_asked_on_which_facts_and_names_nobody(
    terminal: Terminal, submit: Submit, shot: Path, tmp_path: Path
) -> None:
    code, said = recast(terminal, shot, RECORD, tmp_path / "out")
    assert code == 0, said
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    text = manifest.read_text()
    found = {one["rule"]: one for one in json.loads(text)["findings"]}
    assert found["pack_rules_still_hold"]["message"].startswith("these rules of base@1.0.0")
    assert found["base.use-stated"]["outcome"] == "pass"
    assert found["base.use-stated"]["facts"]["use.media"] == "streaming"
    assert "not asked: eu-art50@1.0.0" in found["pack_rules_still_hold"]["facts"]
    report = next((tmp_path / "out").rglob("report.html")).read_text()
    for said in ("base.use-stated", ", use.media = streaming", "consent c-1", "not verified, by its own words"):
        assert said in report
    for private in ("Velez", "a" * 64, "00112233445566778899aabbccddeeff"):
        assert private not in text
        assert private not in report


OUR_SHOW = pack_text("our-show.camera", "delivery", "producer", CAMERA)


def test_a_studios_own_rule_of_delivery_warns_the_artist_first_and_is_asked_again_by_the_worker(
    terminal: Terminal, home: Path, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "our-show.toml").write_text(OUR_SHOW)
    monkeypatch.setenv("UNDERSTUDY_PACKS_FOLDER", str(tmp_path / "packs"))
    daemon = RunningDaemon(home)
    try:
        code, said = recast(terminal, shot, RECORD, tmp_path / "out")
        assert code == 3, said
        assert "logged with its camera move" in said
        assert "Delivery will refuse." in said
        code, said = recast(terminal, shot, RECORD + '\n[context]\ncamera_move = "dolly in"\n', tmp_path / "out")
        assert code == 0, said
    finally:
        daemon.stop()
    assert '"our-show.camera"' in next((tmp_path / "out").rglob("manifest.json")).read_text()


def test_a_waived_rule_is_waived_in_report_and_manifest_and_never_a_pass(
    terminal: Terminal, home: Path, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "our-show.toml").write_text(OUR_SHOW.replace('["producer"]', '["legal"]'))
    monkeypatch.setenv("UNDERSTUDY_PACKS_FOLDER", str(tmp_path / "packs"))
    unsalted = "\n".join(line for line in RECORD.splitlines() if not line.startswith("salt"))
    daemon = RunningDaemon(home)
    try:
        lea = issue_key(home, "lea", roles=("legal",), projects=(), host="127.0.0.1")
        write_connection(tmp_path / "lea.json", lea)
        assert recast(terminal, shot, unsalted, tmp_path / "out")[0] == 3
        asked = terminal("waiver", "request", "r-1", "our-show.camera", "--reason", WHY, "--id", "w-1")
        assert asked.code == 0, asked.err
        granted = terminal("waiver", "grant", "w-1", "--until", "2099-01-01", "--as", tmp_path / "lea.json")
        assert granted.code == 0, granted.err
        code, said = recast(terminal, shot, unsalted, tmp_path / "out")
        assert code == 0, said
    finally:
        daemon.stop()
    manifest = json.loads(next((tmp_path / "out").rglob("manifest.json")).read_text())
    found = [one for one in manifest["findings"] if one["rule"] == "our-show.camera"]
    assert {one["outcome"] for one in found} == {"waived"}
    assert found[0]["facts"]["waiver"] == "w-1"
    report = next((tmp_path / "out").rglob("report.html")).read_text()
    assert "<h3>Waived</h3>" in report
    assert "Waived by legal, w-1, until 2099-01-01." in report
    assert f"Reason: {WHY}" in report


WHY = "The camera log of that day was lost in the flood."

IN_CHINA = """territories = ["CN"]

[cn]
label = 1
producer_code = "P-001"
produce_id = "C-001"
explicit = "burned_in"
"""


def test_a_take_for_china_carries_label_and_metadata_because_the_pack_asks_and_no_setting_does(
    terminal: Terminal, submit: Submit, shot: Path, tmp_path: Path
) -> None:
    code, said = recast(terminal, shot, RECORD + IN_CHINA, tmp_path / "out")
    assert code == 0, said
    manifest = json.loads(next((tmp_path / "out").rglob("manifest.json")).read_text())
    found = {one["rule"]: one for one in manifest["findings"]}
    assert found["label_is_shown"]["message"] == "1 movies open with the label '由人工智能生成'"
    assert found["aigc_is_in_every_movie"]["outcome"] == "pass"
    assert found["cn-gb45438.explicit"]["facts"]["asks label_text"] == "由人工智能生成"
    with MovieReader(next((tmp_path / "out").rglob("review.mp4"))) as movie:
        assert json.loads(str(movie.header.attributes["movie/AIGC"]))["ContentProducer"] == "P-001"
