from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from hypothesis import given
from hypothesis import strategies as st
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import application, wait_until

from understudy.bridge.desk_messages import Tell
from understudy.bridge.errors import RequestError
from understudy.bridge.options import JobOptions
from understudy.ui import words
from understudy.ui.memory import Memory
from understudy.ui.panel import Panel
from understudy.ui.remembered import DAEMONS_KEPT, FIELDS, FILE, HOST_SAYS, Layout, Remembered, Show, filled, load, save
from understudy.ui.session import Session

PAPERS_AND_INPUTS = ("record", "self_attest", "plate", "matte", "reference", "seed", "project", "shot", "frames")


def test_when_nothing_was_remembered_yet_then_that_is_no_trouble(tmp_path: Path) -> None:
    assert load(tmp_path) == (Remembered(), "")


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"shows": 3}', b"\xff", b"", b'{"layout": {"size": [3000000000, 700]}}', b'{"layout": {"columns": [-1]}}'],
)
def test_when_the_file_is_damaged_then_it_is_set_aside_and_said_and_the_next_is_not_written_over_it(
    tmp_path: Path, content: bytes
) -> None:
    for number in (1, 2):
        save(tmp_path, Remembered())
        (tmp_path / FILE).write_bytes(content)
        known, problem = load(tmp_path)
        assert known == Remembered()
        kept = tmp_path / f"panel.damaged-{number}.json"
        assert str(kept) in problem
        assert kept.read_bytes() == content
        assert not (tmp_path / FILE).exists()


def test_when_others_could_read_the_file_then_it_is_left_alone_and_said(tmp_path: Path) -> None:
    save(tmp_path, Remembered(daemons=("a.json",)))
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(RequestError, match="chmod 600"):
        load(tmp_path)


@pytest.mark.parametrize("what", ["others can read it", "it is a folder"])
def test_when_the_file_cannot_be_read_then_nothing_is_written_over_it_but_by_who_wants_to_forget_it(
    tmp_path: Path, what: str
) -> None:
    file, kept = tmp_path / FILE, Remembered(daemons=("a.json",))
    save(tmp_path, kept)
    if what == "it is a folder":
        file.rename(tmp_path / "kept")
        file.mkdir()
    else:
        file.chmod(0o644)
    memory = Memory(tmp_path)
    said: list[str] = []
    memory.problem.connect(said.append)
    wait_until(lambda: bool(said))
    assert "stays as it is" in said[0]
    assert "secret" not in said[0]
    memory.note_daemon("b.json")
    memory.close()
    assert file.is_dir() or b"a.json" in file.read_bytes()
    if file.is_file():
        again = Memory(tmp_path)
        again.forget()
        again.close()
        wait_until(lambda: load(tmp_path) == (Remembered(), ""))


def test_when_somebody_forgets_before_it_was_read_then_it_does_not_come_back(tmp_path: Path) -> None:
    save(tmp_path, Remembered(daemons=("a.json",)))
    memory = Memory(tmp_path)
    read: list[bool] = []
    memory.loaded.connect(lambda: read.append(True))
    memory.forget()
    wait_until(lambda: bool(read))
    memory.note_daemon("b.json")
    memory.close()
    wait_until(lambda: load(tmp_path) == (Remembered(daemons=("b.json",)), ""))


def test_when_a_colour_config_was_named_from_a_folder_then_it_is_remembered_from_the_root() -> None:
    known = Remembered().with_job(JobOptions(ocio="colour/config.ocio"), {})
    assert known.shows[""].fields["ocio"] == str(Path.cwd() / "colour/config.ocio")


def test_when_it_is_written_then_only_its_owner_can_read_it_and_it_is_read_back_the_same(tmp_path: Path) -> None:
    known = Remembered(
        shows={"dune": Show(fields={"engine": "wan-animate"}, options={"wan-animate": {"preset": "draft"}})},
        layout=Layout(size=(900, 700), splitters={"parts": (1, 2)}, columns=(3,), folded=((None, "sh010"),)),
        daemons=("/keys/a.json",),
    )
    save(tmp_path, known)
    assert load(tmp_path) == (known, "")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_when_a_job_is_remembered_then_its_papers_and_inputs_are_not(drawn: Path) -> None:
    known = Remembered().with_job(shot_options(drawn, project="dune", prompt="a fox", record="secret.json"), {})
    said = msgspec.json.encode(known).decode()
    assert "a fox" in said
    for hidden in ("secret.json", "Ada, to test the panel", str(drawn)):
        assert hidden not in said
    assert not set(FIELDS).intersection(PAPERS_AND_INPUTS)
    assert set(FIELDS) <= set(JobOptions.__struct_fields__)


@given(st.lists(st.sampled_from("abcdefghijkl")))
def test_when_daemons_come_again_then_each_is_listed_once_and_the_newest_first(files: list[str]) -> None:
    known = Remembered()
    for file in files:
        known = known.with_daemon(file)
    assert len(known.daemons) == min(DAEMONS_KEPT, len(set(files)))
    assert len(set(known.daemons)) == len(known.daemons)
    assert not files or known.daemons[0] == files[-1]


def test_when_a_host_says_something_then_it_wins_over_what_is_remembered() -> None:
    show = Show(fields={"engine": "wan-animate", "prompt": "old"}, options={"wan-animate": {"preset": "draft"}})
    options = filled(JobOptions(prompt="new"), show)
    assert (options.prompt, options.engine, options.option) == ("new", "wan-animate", ["preset=draft"])


ANOTHER_WAY = Show(
    fields={"mode": "animate", "engine": "wan-animate", "window": "display", "matte_invert": True, "prompt": "a fox"},
    options={"wan-animate": {"preset": "draft"}},
)


def test_when_a_host_says_what_is_declared_anyway_then_that_wins_as_well() -> None:
    assert filled(JobOptions(), ANOTHER_WAY, HOST_SAYS) == JobOptions(prompt="a fox")


def test_when_a_host_selects_a_shot_then_its_mode_engine_and_matte_are_not_those_of_the_shows_last_job(
    open_with_memory: Callable[[Path, JobOptions], Panel], tmp_path: Path
) -> None:
    save(tmp_path, Remembered(shows={"dune": ANOTHER_WAY}))
    panel = open_with_memory(tmp_path, JobOptions())
    for shot in ("sh010", "sh020"):  # into a form that is made for it, and into one that stands
        selected = JobOptions(project="dune", shot=shot, handles="0")
        panel.desk.called.emit(Tell(to="panel", kind="selection", seat="here", options=selected))
        assert panel.form is not None
        said = panel.form.options()[0]
        assert (said.shot, said.mode, said.engine, said.window) == (shot, "replace", "preview", "plate")
        assert (said.matte_invert, said.prompt, said.option) == (False, "a fox", [])
    panel.close()


def test_when_a_field_was_set_back_by_hand_then_the_show_that_is_typed_leaves_it_alone(
    open_with_memory: Callable[[Path, JobOptions], Panel], tmp_path: Path
) -> None:
    save(tmp_path, Remembered(shows={"dune": ANOTHER_WAY, "": Show(fields={"prompt": "a hare"})}))
    panel = open_with_memory(tmp_path, JobOptions())
    panel.open_form()
    form = panel.form
    assert form is not None
    mode, prompt, project = (form.fields[name].editor for name in ("mode", "prompt", "project"))
    QTest.keyClick(mode, Qt.Key.Key_Down)
    QTest.keyClick(mode, Qt.Key.Key_Up)
    QTest.keyClick(prompt, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(prompt, Qt.Key.Key_Delete)
    QTest.keyClicks(project, "dune")
    project.editingFinished.emit()  # type: ignore[union-attr]
    said = form.options()[0]
    assert (said.mode, said.prompt) == ("replace", "")
    assert (said.engine, said.window, said.option) == ("wan-animate", "display", ["preset=draft"])
    panel.close()


def test_when_a_remembered_field_is_none_any_more_or_of_another_kind_then_the_job_stays_as_it_is() -> None:
    assert filled(JobOptions(), Show(fields={"record": "secret.json"})) == JobOptions()
    assert filled(JobOptions(), Show(fields={"multipart": "perhaps"})) == JobOptions()


@pytest.fixture
def open_with_memory(shared_daemon: RunningDaemon) -> Callable[[Path, JobOptions], Panel]:
    """Return what opens a panel that remembers in a folder."""

    def opened(home: Path, choices: JobOptions) -> Panel:
        memory = Memory(home)
        panel = Panel(Session(shared_daemon.home), choices, memory=memory)
        wait_until(lambda: memory.is_loaded)
        panel.show()
        panel.session.start()
        wait_until(lambda: panel.session.standing.life == "alive")
        return panel

    return opened


def test_when_a_job_was_sent_then_the_next_panel_fills_in_its_show_and_no_other(
    open_with_memory: Callable[[Path, JobOptions], Panel], drawn: Path, tmp_path: Path
) -> None:
    choices = shot_options(drawn, project="dune", prompt="a fox", exposure=0.5, option=["light=0.5"], engine="preview")
    panel = open_with_memory(tmp_path, choices)
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    form.final.click()
    wait_until(lambda: not form.isVisible(), 60)
    panel.resize(1111, 777)
    panel.close()
    wait_until(lambda: load(tmp_path)[0].layout.size == (1111, 777))  # the window waits a second for its thread
    known, problem = load(tmp_path)
    assert problem == ""
    assert known.shows["dune"].options == {"preview": {"light": "0.5"}}
    assert known.layout.size == (1111, 777)
    assert len(known.daemons) == 1
    again = open_with_memory(tmp_path, JobOptions(project="dune"))
    assert (again.width(), again.height()) == (1111, 777)
    again.open_form()
    assert again.form is not None
    said = again.form.options()[0]
    assert (said.prompt, said.option, said.exposure) == ("a fox", ["light=0.5"], None)
    project = again.form.fields["project"]
    again.form.fields["negative_prompt"].set_value("typed")
    project.set_value("other")
    project.editor.editingFinished.emit()  # type: ignore[union-attr]
    said = again.form.options()[0]
    assert (said.prompt, said.option, said.negative_prompt) == ("", [], "typed")
    again.close()


def test_when_somebody_asks_to_forget_then_nothing_is_remembered_and_the_window_does_not_come_back(
    open_with_memory: Callable[[Path, JobOptions], Panel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, Remembered(shows={"dune": Show(fields={"prompt": "a fox"})}))
    panel = open_with_memory(tmp_path, JobOptions())
    monkeypatch.setattr(panel.actions_on_job, "confirm", lambda question: question == words.MEMORY_RESET_SURE)
    panel.forget()
    panel.resize(1000, 600)
    panel.close()
    wait_until(lambda: load(tmp_path) == (Remembered(), ""))


def test_when_the_memory_was_damaged_then_the_panel_says_so(tmp_path: Path, shared_daemon: RunningDaemon) -> None:
    save(tmp_path, Remembered())
    (tmp_path / FILE).write_text("{")
    panel = Panel(Session(shared_daemon.home), memory=Memory(tmp_path))
    panel.show()
    wait_until(lambda: "set aside" in panel.statusBar().currentMessage())
    panel.close()
    application().processEvents()
