from __future__ import annotations

import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from terminal_rig import Terminal, started

from understudy.bridge import cli, errors
from understudy.bridge.exit_codes import code_of_error, code_of_state
from understudy.bridge.keys import AllowList, load_connection
from understudy.bridge.messages import (
    AskStatus,
    Control,
    Event,
    Jobs,
    JobSummary,
    ListJobs,
    StateChanged,
    Status,
    Watch,
    Watching,
)
from understudy.bridge.words import State

SUMMARY = {
    "job_id": "abcd2345", "shot": "SH010", "project": None, "user": "jo", "engine": "identity", "mode": "replace",
    "state": "running", "version": 1, "priority": 0, "created_at": "2026-11-20T10:00:00Z",
    "changed_at": "2026-11-20T10:00:00Z", "clearance": "uncleared",
}  # fmt: skip


def summary(**changed: Any) -> JobSummary:
    return JobSummary(**{**SUMMARY, **changed})


# ---- exit codes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (errors.RequestError("x"), 2),
        (errors.ComplianceError("x"), 3),
        (errors.PlateError("x"), 3),
        (errors.WeightsError("x"), 3),
        (errors.KeyRefused("x"), 3),
        (errors.EngineError("x"), 4),
        (errors.DaemonError("x"), 4),
        (errors.DaemonUnreachable("x"), 5),
        (errors.ProtocolError("x"), 5),
        (errors.JobCancelled("x"), 6),
    ],
)
def test_every_kind_of_error_has_its_exit_code(problem: errors.UnderstudyError, code: int) -> None:
    assert code_of_error(problem) == code


def test_every_state_in_which_a_job_ends_has_its_exit_code() -> None:
    ends = {"delivered": 0, "refused": 3, "quarantined": 3, "failed": 4, "cancelled": 6}
    assert {state: code_of_state(state) for state in get_args(State) if state in ends} == ends


@pytest.mark.parametrize("words", [("jobs",), ("show", "abcd2345"), ("status",), ("watch", "abcd2345"), ("stop",)])
def test_when_no_daemon_has_listened_here_then_the_code_is_5_and_the_remedy_starts_one(
    terminal: Terminal, home: Path, words: tuple[str, ...]
) -> None:
    ended = terminal(*words)
    assert ended.code == 5
    assert ended.out == ""
    assert "understudy serve" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dance",), "No such command"),
        (("fetch", "abcd2345"), "--out"),
        (("jobs", "--state", "bored"), "bored: not a state of a job"),
        (("submit",), "there is no reference"),
        (("submit", "--reference", "a.png"), "mode replace needs --plate"),
        (
            ("submit", "--reference", "a.png", "--plate", "p.exr", "--matte", "m.exr", "--handles", "8-12"),
            "'8-12' are no handles",
        ),
        (("run", "no_such_order.json"), "no_such_order.json is no work order: No such file"),
    ],
)
def test_when_a_command_is_used_wrongly_then_the_code_is_2_and_the_word_is_named(
    terminal: Terminal, home: Path, words: tuple[str, ...], said: str
) -> None:
    load_home(home)
    ended = terminal(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def load_home(home: Path) -> None:
    """Make keys, so that what is tested is not the lack of them."""
    from understudy.bridge.keys import ensure_local_keys

    ensure_local_keys(home)


def test_when_the_key_is_taken_off_the_list_then_the_code_is_3(terminal: Terminal, daemon: Any) -> None:
    AllowList(daemon.home / "users.json").remove_user(daemon.connection.user)
    ended = terminal("jobs")
    assert ended.code == 3
    assert "does not know the key" in ended.err


# ---- what is printed, and where ----------------------------------------------------------------------------


def test_when_json_is_asked_for_then_an_error_is_json_too_and_people_still_read_it(
    terminal: Terminal, home: Path
) -> None:
    ended = terminal("jobs", "--json")
    assert ended.json["code"] == "daemon_unreachable"
    assert ended.json["remedy"]
    assert "daemon_unreachable" in ended.err


def test_a_name_that_looks_like_markup_is_printed_as_it_is(terminal: Terminal, daemon: Any) -> None:
    name = "[red]x[/] " + "a long name that no column of eighty letters has room for, and yet all of it is told"
    daemon.answers[ListJobs] = Jobs(jobs=(summary(shot=name),))
    assert name in terminal("jobs").out
    assert terminal("jobs", "--json").json[0]["shot"] == name


def test_when_output_goes_to_a_file_then_it_holds_no_bars_and_no_colours(terminal: Terminal, daemon: Any) -> None:
    daemon.answers[AskStatus] = Status(
        version="0", started_at="", draining=False, slots=(), queued=0, vault_bytes=0, vault_quota_bytes=0,
        disk_free_bytes=0, home="/mnt/[x]",
    )  # fmt: skip
    ended = terminal("status")
    assert "/mnt/[x]" in ended.err
    assert "\x1b" not in ended.err
    assert "━" not in ended.err


def test_when_a_job_is_paused_while_it_runs_then_it_is_said_that_it_has_not_stopped_yet(
    terminal: Terminal, daemon: Any
) -> None:
    daemon.answers[Control] = lambda request: summary(state="running" if request.action == "pause" else "queued")
    assert "running until it has stopped" in terminal("pause", "abcd2345").err
    assert "queued, priority" in terminal("retry", "abcd2345").err
    assert terminal("cancel", "abcd2345", "--json").json["job_id"] == "abcd2345"


@pytest.mark.parametrize("word", ["101", "-101", "high"])
def test_a_priority_out_of_range_is_a_wrong_use(terminal: Terminal, daemon: Any, word: str) -> None:
    assert terminal("priority", "abcd2345", "--", word).code == 2


def test_when_the_disk_says_no_then_it_is_put_into_words_without_a_traceback(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ended = terminal("draw", tmp_path / "file", "--frames", "1")
    assert ended.code == 4
    assert "Not a directory" in ended.err
    assert "what to do" in ended.err
    assert "Traceback" not in ended.err
    with pytest.raises(NotADirectoryError):
        terminal("draw", tmp_path / "file", "--frames", "1", "--debug")


def test_when_the_reader_of_a_pipe_goes_away_then_nothing_is_complained_of(
    start_daemon: Callable[..., Any], home: Path
) -> None:
    daemon = start_daemon()
    daemon.answers[ListJobs] = Jobs(jobs=(summary(),) * 2000)
    process = started("jobs", "--json")
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=20)
    assert "Traceback" not in said


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Let what is started here hear Ctrl-C: a suite that runs in the background was told to ignore it, and so is its
    every child.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_when_ctrl_c_is_pressed_then_the_watching_ends_with_6_and_the_job_stays(daemon: Any) -> None:
    daemon.answers[Watch] = Watching(last=1)
    process = started("watch", "abcd2345")
    while not any(isinstance(request, Watch) for request in daemon.received):
        assert process.poll() is None
        time.sleep(0.01)
    daemon.pushes.put(Event(number=1, job_id="abcd2345", at="2026-11-20T10:00:00Z", what=StateChanged(state="running")))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 6
    assert "understudy watch abcd2345" in said
    assert "Traceback" not in said


# ---- keys --------------------------------------------------------------------------------------------------


def test_when_a_key_is_issued_then_its_file_opens_the_door_until_it_is_revoked(
    terminal: Terminal, daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ann.json"
    ended = terminal("key", "issue", "ann", "--host", "127.0.0.1", "--project", "owl", "--out", file, "--json")
    assert ended.json["port"] == daemon.port
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_connection(file).user == "ann"
    listed = {user["name"]: user for user in terminal("key", "list", "--json").json}
    assert listed["ann"]["projects"] == ["owl"]
    assert load_connection(file).secret not in terminal("key", "list").out
    assert terminal("key", "revoke", "ann").code == 0
    assert terminal("key", "revoke", "ann").code == 2
    assert "ann" not in terminal("key", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ann", "--role", "king"), "king"),
        (("an/n", "--out", "here.json"), "name"),
        (("ann", "--out", "taken.json"), "taken.json exists"),
        (("ann", "--out", "no/such/folder.json"), "folder that is not there"),
    ],
)
def test_when_a_key_cannot_be_issued_then_it_is_said_why_and_nobody_is_let_in(
    terminal: Terminal, daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.json").touch()
    ended = terminal("key", "issue", "--host", "render1", *words)
    assert ended.code == 2
    assert said in ended.err
    assert len(terminal("key", "list", "--json").json) == 1


def test_when_the_daemon_cannot_be_reached_by_others_then_the_new_key_comes_with_a_warning(
    terminal: Terminal, daemon: Any, tmp_path: Path
) -> None:
    ended = terminal("key", "issue", "ann", "--host", "render1", "--out", tmp_path / "ann.json")
    assert ended.code == 0
    assert "listens on 127.0.0.1 alone" in ended.err


def test_when_a_groups_library_is_missing_then_each_of_its_commands_says_which_extra_brings_it(
    terminal: Terminal,
) -> None:
    cli._note_absent_commands("imagined", ImportError("no such library", name="some_library"))
    try:
        ended = terminal("imagined", "pull", "--to", "somewhere")
    finally:
        cli.app.registered_commands.pop()
    assert ended.code == 2
    assert "some_library is not installed" in ended.err
    assert "pip install 'understudy[imagined]'" in ended.err
