"""The menu entry: which editions it runs in, what it asks, and a whole job from the press of a button."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from daemon_rig import RunningDaemon
from host_rig import Drawn
from resolve_rig import MakeRig, ResolveRig
from resolve_stand_in.application import Resolve
from resolve_stand_in.dialogs import Fusion, Window
from resolve_stand_in.world import Switches

from understudy.bridge.errors import HostError
from understudy.host_plugins.resolve.choices import Choices, choices_file, load_choices, save_choices
from understudy.host_plugins.resolve.dialog import ask
from understudy.host_plugins.resolve.edition import probe
from understudy.host_plugins.resolve.startup import from_outside, start

FREE = "DaVinci Resolve"
STUDIO = "DaVinci Resolve Studio"


def resolve(product: str, version: tuple[int, int]) -> Resolve:
    return Resolve(Switches(product=product, version=version))


# ---- editions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "version", "dialogs"),
    [
        (STUDIO, (18, 6), True), (STUDIO, (21, 1), True),
        (FREE, (19, 0), True), (FREE, (19, 1), False), (FREE, (21, 0), False),
    ],
)  # fmt: skip
def test_when_an_edition_can_be_scripted_then_it_is_known_whether_it_has_dialogs(
    product: str, version: tuple[int, int], dialogs: bool
) -> None:
    assert probe(resolve(product, version)).has_dialogs == dialogs  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("product", "version", "said"),
    [(FREE, (21, 1), "keeps Python scripting to Studio"), (STUDIO, (18, 5), "older than Understudy knows")],
)
def test_when_an_edition_cannot_be_scripted_then_the_other_way_is_named(
    product: str, version: tuple[int, int], said: str
) -> None:
    with pytest.raises(HostError, match=said) as refusal:
        probe(resolve(product, version))  # type: ignore[arg-type]
    assert "understudy timeline" in refusal.value.remedy


def test_when_nothing_answers_from_outside_then_all_three_causes_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    module = ModuleType("DaVinciResolveScript")
    module.scriptapp = lambda name: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "DaVinciResolveScript", module)
    start({})
    said = capsys.readouterr().out
    for cause in ("not running", "free edition", "external scripting"):
        assert cause in said


def test_when_blackmagic_s_module_replaces_itself_then_the_native_one_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "DaVinciResolveScript.py").write_text(
        "import sys, types\n"
        "native = types.ModuleType('fusionscript')\n"
        "native.scriptapp = lambda name: ('native', name)\n"
        "sys.modules[__name__] = native\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "DaVinciResolveScript", raising=False)
    assert from_outside() == ("native", "Resolve")
    sys.modules.pop("DaVinciResolveScript")


# ---- what is asked --------------------------------------------------------------------------------------------------


def test_when_the_dialog_is_filled_in_then_the_choices_are_what_it_says(make_rig: MakeRig) -> None:
    def artist(window: Window) -> None:
        assert window.items["engine"].Text == "preview"
        window.items["reference"].Text = " /hero.png "
        window.items["matte_from"].choose("track")
        window.items["matte_track"].Text = "3"
        window.items["medium"].choose("prores_4444")
        window.click("recast")

    fusion = Fusion(make_rig().resolve.world, artist)
    asked = ask(fusion, fusion, Choices())
    assert asked is not None
    choices, anew = asked
    assert anew
    assert (choices.options.reference, choices.matte_from, choices.matte_track) == ("/hero.png", "track", 3)
    assert choices.medium == "prores_4444"
    assert not fusion.windows[0].shown


def test_when_the_dialog_is_closed_then_nothing_happens(make_rig: MakeRig) -> None:
    fusion = Fusion(make_rig().resolve.world, lambda window: None)
    assert ask(fusion, fusion, Choices()) is None


def test_when_a_field_cannot_be_then_it_is_named(make_rig: MakeRig) -> None:
    def artist(window: Window) -> None:
        window.items["matte_track"].Text = "the second"
        window.click("recast")

    fusion = Fusion(make_rig().resolve.world, artist)
    with pytest.raises(HostError, match="matte_track"):
        ask(fusion, fusion, Choices())


def test_when_the_free_edition_has_no_dialogs_then_it_is_not_asked_and_a_file_takes_the_answers(
    make_rig: MakeRig, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = make_rig(product=FREE, version=(20, 3))
    fusion = Fusion(rig.resolve.world, lambda window: pytest.fail("no window"))
    start({"resolve": rig.resolve, "fusion": fusion, "bmd": fusion})
    assert not rig.resolve.world.modal, "the sales window was opened"
    assert str(choices_file()) in capsys.readouterr().out
    assert load_choices(choices_file()) == Choices()


def test_when_the_file_of_choices_is_wrong_then_the_field_is_named(
    make_rig: MakeRig, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    home.mkdir()
    choices_file().write_text('{"matte_from": "memory"}')
    start({"resolve": make_rig(product=FREE, version=(20, 3)).resolve})
    said = capsys.readouterr().out
    assert "$.matte_from" in said
    assert "what to do: Correct it" in said


# ---- a whole job ----------------------------------------------------------------------------------------------------


@pytest.fixture
def staged(daemon: RunningDaemon, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResolveRig:
    """Return a free Resolve 20 with a rendered shot, its choices in the daemon's home."""
    from understudy.bridge.frames import FrameRate

    monkeypatch.setenv("UNDERSTUDY_HOME", str(daemon.home))
    rig = ResolveRig(tmp_path / "show", Switches(product=FREE, version=(20, 3)))
    rig.make_shot(drawn, shot="sh010", rate=FrameRate(30000, 1001), untouched=False, start=108_000)
    options = msgspec.structs.replace(rig.host.choices.options, engine="identity", self_attest="a test, to see it work")
    save_choices(choices_file(), msgspec.structs.replace(rig.host.choices, options=options))
    return rig


def test_when_the_menu_entry_is_started_then_the_take_is_in_place_when_it_ends(
    staged: ResolveRig, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    start({"resolve": staged.resolve})
    said = capsys.readouterr().out
    assert "version 1 is in place" in said, said
    assert staged.takes() == (1,)
    assert [item.start for item in staged.timeline.tracks[2].items] == [108_000]
    assert [one for one in set(threading.enumerate()) - before if one.name.startswith("understudy-")] == []


def test_when_every_guess_is_the_other_way_round_then_a_whole_job_ends_the_same(
    staged: ResolveRig, capsys: pytest.CaptureFixture[str]
) -> None:
    switches = staged.resolve.world.switches
    switches.end_frame_inclusive = switches.marks_from_start = switches.tracks_obey_on_edit_only = True
    switches.sub_folder, switches.first_number, switches.polls_before_start = True, 0, 2
    switches.marks_lost_on_page, switches.unknown_settings_refused = False, False
    switches.occupied, switches.percent_in_paths, switches.language = "phantom", "doubled", "Abgeschlossen"
    staged.timeline.marks = {"video": {"in": 108_001, "out": 108_002}}
    before = staged.surroundings()
    start({"resolve": staged.resolve})
    assert "version 1 is in place" in capsys.readouterr().out
    (placed,) = staged.timeline.tracks[2].items
    assert (placed.start, placed.duration) == (108_001, 2)
    after = staged.surroundings()
    for kept in ("page", "current", "render", "presets", "queue", "open bin"):
        assert after[kept] == before[kept], kept  # type: ignore[index]


def test_when_the_menu_entry_is_started_again_then_what_is_under_way_is_collected_instead(
    staged: ResolveRig, capsys: pytest.CaptureFixture[str]
) -> None:
    staged.resolve.world.fail_next("AddTrack", 1)
    start({"resolve": staged.resolve})
    assert "refused to add a video track" in capsys.readouterr().out
    assert staged.takes() == ()
    start({"resolve": staged.resolve})
    assert "Jobs still under way in this project: 1" in capsys.readouterr().out
    assert staged.takes() == (1,)


def test_when_cancel_is_pressed_in_the_dialog_then_the_job_ends_cancelled(
    staged: ResolveRig, capsys: pytest.CaptureFixture[str]
) -> None:
    staged.resolve.world.switches.product = STUDIO
    staged.resolve.world.switches.frames_a_poll = 1
    fusion = Fusion(staged.resolve.world, lambda window: window.click("recast"))

    def cancel_once_shown() -> None:
        fusion.steps += 1
        fusion.windows[-1].click("cancel")

    fusion.StepLoop = cancel_once_shown  # type: ignore[method-assign]
    start({"resolve": staged.resolve, "fusion": fusion, "bmd": fusion})
    assert "cancelled" in capsys.readouterr().out
    assert staged.takes() == ()
    assert not fusion.windows[-1].shown
