"""Admission: every line a user can meet before a file is sent. One change to a sound job, one rule asked."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.shot import ColourArchive, Keypoints, Matte, Output, Performer, Settings
from understudy.inference.compliance.phrases import missing_spans, spans_of, write_frames
from understudy.inference.engines.descriptions import WAN_ANIMATE, WAN_ANIMATE_2


def refused(found: Any) -> str:
    assert found.outcome == "refuse", found
    assert found.remedy
    return str(found.message)


# ---- names and numbers


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "end.", " a", "a ", "~root", "-rf", "a:b", "NUL", "com1.exr", "{version}"]
)
def test_when_a_name_could_lead_elsewhere_then_it_is_refused(say: Any, make: Any, name: str) -> None:
    assert f"shot '{name}'" in refused(say("names_are_safe", make.admission(make.with_shot(make.job(), name=name))))


@pytest.mark.parametrize("name", ["SH010", "sh 010 (b)", "Ärger_v2", "a.b", "contra"])
def test_usual_names_pass(say: Any, make: Any, name: str) -> None:
    assert say("names_are_safe", make.admission(make.job(output=Output(project=name)))).outcome == "pass"


def test_when_the_engine_is_unknown_then_those_that_are_here_are_listed(say: Any, make: Any) -> None:
    found = say("engine_is_here", make.admission(make.job(settings=Settings(engine="wan")), engine=None))
    assert refused(found) == "there is no engine 'wan' here"
    assert "identity, preview" in found.remedy


def test_when_the_engine_lacks_the_mode_then_the_job_is_refused(say: Any, make: Any) -> None:
    engine = msgspec.structs.replace(make.PREVIEW, modes=("animate",))
    assert "no mode replace" in refused(say("engine_is_here", make.admission(make.job(), engine=engine)))


def test_when_a_job_names_two_performers_then_it_is_refused_by_their_names(say: Any, make: Any) -> None:
    job = make.job()
    two = tuple(msgspec.structs.replace(job.shot.performers[0], name=name) for name in ("left", "right"))
    assert "2 performers (left, right)" in refused(
        say("one_performer", make.admission(make.with_shot(job, performers=two)))
    )


def test_when_the_matte_is_not_named_then_replace_is_refused_with_the_option(say: Any, make: Any) -> None:
    job = make.job()
    bare = Performer(character=job.shot.performers[0].character)
    found = say("inputs_are_named", make.admission(make.with_shot(job, performers=(bare,))))
    assert refused(found) == "the mode replace needs matte"
    assert "--matte" in found.remedy


def test_when_nothing_drives_the_character_then_animate_is_refused(say: Any, make: Any) -> None:
    job = make.with_shot(make.job(settings=Settings(mode="animate")), plate=None)
    assert "needs driver" in refused(say("inputs_are_named", make.admission(job)))


def test_keypoints_can_drive_the_character_instead_of_a_plate(say: Any, make: Any) -> None:
    keypoints = Keypoints(pictures=make.single("walk.json"))
    job = make.with_shot(make.job(settings=Settings(mode="animate")), plate=None, keypoints=keypoints)
    assert say("inputs_are_named", make.admission(job)).outcome == "pass"


def test_when_keypoints_alone_drive_then_the_neutral_face_is_listed(say: Any, make: Any) -> None:
    keypoints = Keypoints(pictures=make.single("walk.json"))
    animate = make.job(settings=Settings(mode="animate"))
    found = say("driver_shows_a_face", make.admission(make.with_shot(animate, plate=None, keypoints=keypoints)))
    assert (found.outcome, found.files) == ("warn", ("walk.json",))
    assert "its face stays neutral" in found.message
    assert say("driver_shows_a_face", make.admission(make.with_shot(animate, keypoints=keypoints))).outcome == "pass"
    assert say("driver_shows_a_face", make.admission(make.job())).outcome == "not_applicable"


def test_when_keypoints_alone_drive_then_the_rate_must_be_said(say: Any, make: Any) -> None:
    keypoints = Keypoints(pictures=make.single("walk.json"))
    job = make.with_shot(make.job(settings=Settings(mode="animate")), plate=None, keypoints=keypoints, rate=None)
    found = say("rate_is_stated", make.admission(job))
    assert "keypoints have none" in refused(found)
    assert "--rate" in found.remedy


def test_when_what_is_made_is_no_final_then_that_is_told_before_it_runs(say: Any, make: Any) -> None:
    engine = msgspec.structs.replace(make.PREVIEW, previz=False, not_final="made with the preset std")
    found = say("engine_is_here", make.admission(make.job(), engine=engine))
    assert (found.outcome, found.message) == (
        "warn", "the take is made with the preset std; every file says so, and it is never part of a final",
    )  # fmt: skip


def test_when_an_engine_reads_no_prompt_then_one_that_is_given_is_listed(say: Any, make: Any) -> None:
    job = make.job(settings=Settings(prompt="a knight"))
    found = say("settings_are_in_range", make.admission(job))
    assert (found.outcome, found.message) == (
        "warn", "the engine preview reads no prompt: it is recorded, nothing more",
    )  # fmt: skip
    assert say("settings_are_in_range", make.admission(make.job())).outcome == "pass"


def test_an_input_that_the_engine_does_not_read_is_listed(say: Any, make: Any) -> None:
    engine = msgspec.structs.replace(make.PREVIEW, optional_inputs={})
    job = make.with_shot(make.job(), keypoints=Keypoints(pictures=make.single("walk.json")))
    found = say("inputs_are_named", make.admission(job, engine=engine))
    assert (found.outcome, found.message) == ("warn", "the engine preview does not read keypoints")


def test_when_ranges_disagree_then_both_inputs_are_named(say: Any, make: Any) -> None:
    job = make.job()
    frames = [frame for frame in range(1, 11) if frame not in (4, 7)]
    matte = Matte(pictures=make.sequence("m.####.png", frames))
    performer = msgspec.structs.replace(job.shot.performers[0], matte=matte)
    found = say("ranges_agree", make.admission(make.with_shot(job, performers=(performer,))))
    assert refused(found) == "plate plate.####.exr has frames 1-10, matte m.####.png lacks 4, 7 (the shot is 1-10)"
    assert found.frames == (4, 7)


def test_when_a_frame_is_missing_in_mid_range_then_it_is_named(say: Any, make: Any) -> None:
    job = make.with_shot(make.job(), range=FrameRange(1, 12))
    words = refused(say("ranges_agree", make.admission(job)))
    assert words == "plate plate.####.exr lacks 11-12, matte m.####.png lacks 11-12 (the shot is 1-12)"


def test_when_a_range_is_absurd_then_it_is_refused_at_once_and_not_counted_out(say: Any, make: Any) -> None:
    job = make.with_shot(make.job(), range=FrameRange(1, 10**9))
    facts = make.admission(job)
    assert "are the limit" in refused(say("files_are_sane", facts))
    assert "lacks 11-1000000000" in refused(say("ranges_agree", facts))


def test_when_a_frame_is_named_twice_then_it_is_refused(say: Any, make: Any) -> None:
    job = make.job()
    once = job.shot.plate.pictures
    twice = msgspec.structs.replace(once, files=(*once.files, once.files[3]))
    plate = msgspec.structs.replace(job.shot.plate, pictures=twice)
    assert "names frame 4 more than once" in refused(
        say("files_are_sane", make.admission(make.with_shot(job, plate=plate)))
    )


def test_when_a_file_has_a_size_that_none_has_then_it_is_refused(say: Any, make: Any) -> None:
    job = make.job()
    pictures = make.single("huge.mov", "movie")
    huge = msgspec.structs.replace(pictures, files=(msgspec.structs.replace(pictures.files[0], size=2**41),))
    plate = msgspec.structs.replace(job.shot.plate, pictures=huge)
    assert "huge.mov of 2199023255552 bytes" in refused(
        say("files_are_sane", make.admission(make.with_shot(job, plate=plate)))
    )


def test_when_a_sequence_has_no_rate_then_it_is_refused_and_not_guessed(say: Any, make: Any) -> None:
    found = say("rate_is_stated", make.admission(make.with_shot(make.job(), rate=None)))
    assert "plate plate.####.exr has no frame rate" in refused(found)
    assert "--rate" in found.remedy


def test_a_movie_plate_brings_its_own_rate(say: Any, make: Any) -> None:
    job = make.job()
    plate = msgspec.structs.replace(job.shot.plate, pictures=make.single("plate.mov", "movie"))
    assert say("rate_is_stated", make.admission(make.with_shot(job, rate=None, plate=plate))).outcome == "pass"


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(100_000)])
def test_when_a_rate_is_no_shots_rate_then_it_is_refused(say: Any, make: Any, rate: Fraction) -> None:
    job = make.with_shot(make.job(), rate=FrameRate.from_fraction(rate))
    assert "no frame rate of a shot" in refused(say("rate_is_stated", make.admission(job)))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(exposure_stops=99.0), "exposure_stops is 99.0"),
        (Settings(exposure_stops=float("nan")), "exposure_stops is nan"),
        (Settings(prompt="x" * 10_001), "prompt is 10001"),
        (Settings(engine_options={"lihgt": "1"}), "engine_options has lihgt"),
        (Settings(format=(640, 360)), "format is for the mode animate"),
    ],
)
def test_when_a_setting_is_out_of_range_then_it_is_named(say: Any, make: Any, settings: Settings, named: str) -> None:
    assert named in refused(say("settings_are_in_range", make.admission(make.job(settings=settings))))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"steps": "0"}, "steps is '0'; 1 to 100 is the range"),
        ({"steps": "many"}, "steps is 'many'; 1 to 100 is the range"),
        ({"steps": "nan"}, "steps is 'nan'; 1 to 100 is the range"),
        ({"steps": "2.5"}, "steps is '2.5'; a whole number is wanted"),
        ({"preset": "best"}, "preset is 'best'; it is one of pro, std, draft"),
        ({"carried_frames": "3"}, "carried_frames is '3'; it is one of 1, 5"),
        ({"relighting": "2.5"}, "relighting is '2.5'; 0 to 2 is the range, or one of auto, on, off"),
        ({"relighting": "bright"}, "relighting is 'bright'; 0 to 2 is the range, or one of auto, on, off"),
        (
            {"relighting": "on", "loras": "step4, relighting:0.5"},
            "relighting is said twice: by relighting=on and in loras=step4, relighting:0.5",
        ),
        ({"relighting": "off", "loras": "relighting"}, "relighting is said twice"),
    ],
)
def test_when_an_engine_s_option_is_out_of_its_range_then_it_is_named(
    say: Any, make: Any, options: dict[str, str], named: str
) -> None:
    job = make.job(settings=Settings(engine="wan-animate", engine_options=options))
    assert named in refused(say("settings_are_in_range", make.admission(job, engine=WAN_ANIMATE)))


@pytest.mark.parametrize("option", sorted(set(WAN_ANIMATE.options) - set(WAN_ANIMATE_2.options)))
def test_when_an_option_is_the_other_wan_engine_s_alone_then_it_is_refused_and_never_ignored(
    say: Any, make: Any, option: str
) -> None:
    job = make.job(settings=Settings(engine="wan-animate-2", engine_options={option: "on"}))
    found = say("settings_are_in_range", make.admission(job, engine=WAN_ANIMATE_2))
    assert f"engine_options has {option}, which wan-animate-2 does not read" in refused(found)


@pytest.mark.parametrize(("option", "value"), [("attention", "fast"), ("float8", "yes"), ("step_cache", "2")])
def test_what_both_wan_engines_read_has_the_same_values_in_both(say: Any, make: Any, option: str, value: str) -> None:
    said = []
    for engine in (WAN_ANIMATE, WAN_ANIMATE_2):
        job = make.job(settings=Settings(engine=engine.name, engine_options={option: value}))
        found = refused(say("settings_are_in_range", make.admission(job, engine=engine)))
        said.append(found.split(";")[1])
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"relighting": "0.8", "loras": "step4"},
        {"relighting": "on"},
        {"relighting": "auto", "loras": "relighting"},
    ],
)
def test_when_an_engine_s_options_are_in_range_then_nothing_is_said(say: Any, make: Any, more: dict[str, str]) -> None:
    options = {"steps": "8", "guidance": "1.5", "preset": "draft", "carried_frames": "5"} | more
    job = make.job(settings=Settings(engine="wan-animate", engine_options=options))
    assert say("settings_are_in_range", make.admission(job, engine=WAN_ANIMATE)).outcome == "pass"


@pytest.mark.parametrize(("value", "refuses"), [("on", True), ("0.5", True), ("off", False), ("auto", False)])
def test_when_an_option_means_nothing_in_the_mode_then_it_is_refused_unless_it_asks_for_nothing(
    say: Any, make: Any, value: str, refuses: bool
) -> None:
    settings = Settings(engine="wan-animate", mode="animate", engine_options={"relighting": value})
    found = say("settings_are_in_range", make.admission(make.job(settings=settings), engine=WAN_ANIMATE))
    assert found.refuses is refuses
    assert ("relighting is for the mode replace, and this is animate" in found.message) is refuses


# ---- words


def test_frames_are_written_as_runs_and_counted_when_there_are_many() -> None:
    assert write_frames([9, 4, 10, 7, 11, 12]) == "4, 7, 9-12"
    assert write_frames(range(0, 40, 2)) == "0, 2, 4, 6, 8, 10, 12, 14 and 12 more"


def test_missing_frames_are_those_of_the_range_alone() -> None:
    assert missing_spans([0, 2, 3, 9], FrameRange(1, 6)) == ((1, 1), (4, 6))
    assert spans_of([]) == ()


# ---- the studio's own colour config


def own_config(make: Any, **settings: Any) -> Any:
    archive = ColourArchive(pictures=make.single("/show/config.ocio"))
    named = {"colour_config": archive.pictures.files[0].file, **settings}
    return make.with_shot(make.job(settings=Settings(**named)), colour_archive=archive)


def test_a_config_of_the_jobs_own_is_told_with_its_context(say: Any, make: Any) -> None:
    found = say("colour_config_is_named", make.admission(own_config(make, colour_context={"SHOT": "010"})))
    assert found.outcome == "pass"
    assert found.message == "the colour config is /show/config.ocio, with SHOT=010"
    assert say("inputs_are_named", make.admission(own_config(make))).outcome == "pass"


def test_a_config_that_is_not_the_one_the_job_brings_is_refused(say: Any, make: Any) -> None:
    job = own_config(make, colour_config="studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    assert "brings the colour config /show/config.ocio, but its settings name studio" in refused(
        say("colour_config_is_named", make.admission(job))
    )


def test_an_archive_that_nobody_brings_is_refused(say: Any, make: Any) -> None:
    job = make.job(settings=Settings(colour_config="ab" * 32))
    assert "an archive that the job does not bring" in refused(say("colour_config_is_named", make.admission(job)))


@pytest.mark.parametrize("context", [{"A B": "x"}, {"": "x"}, {"SHOT": "a\nb"}, {"SHOT": "x" * 1025}])
def test_a_context_variable_that_is_no_plain_text_is_refused(say: Any, make: Any, context: dict[str, str]) -> None:
    job = own_config(make, colour_context=context)
    assert "is not plain text" in refused(say("colour_config_is_named", make.admission(job)))
