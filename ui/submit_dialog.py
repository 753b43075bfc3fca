"""The form for a new job. What it asks is JobOptions and the chosen engine's own options; what is sent is what it says.

Reading and hashing files, and sending them, happen in a thread of their own; the form stays usable meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from itertools import pairwise

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import ComplianceError, UnderstudyError
from understudy.bridge.gather import engine_options
from understudy.bridge.messages import Accepted
from understudy.bridge.options import JobOptions
from understudy.ui import words
from understudy.ui.another_shot import with_kept
from understudy.ui.detail_page import problem_page
from understudy.ui.engine_options import EngineOptions
from understudy.ui.fold import Fold
from understudy.ui.form_check import PATHS, field_of, note_for, numbered, options_from, problems_of
from understudy.ui.form_costs import FormCosts
from understudy.ui.form_fields import Field, job_field, section_title, with_chooser
from understudy.ui.form_files import FormFiles
from understudy.ui.form_sections import SECTIONS
from understudy.ui.remembered import HOST_SAYS
from understudy.ui.sending import Sending
from understudy.ui.session import Session, Standing
from understudy.ui.submit_papers import SubmitPapers

DRAFT_ENGINE = "preview"


class SubmitDialog(QDialog):
    """A job to be. It keeps what was typed when it is closed."""

    accepted_job = Signal(str, str)
    """A job and what became of it, in words."""
    replaced = Signal(object)
    """JobOptions: a whole job came into the form."""

    def __init__(self, session: Session, choices: JobOptions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(words.SUBMIT_TITLE)
        self._session = session
        self._sending = Sending(session, self)
        self.papers = SubmitPapers(session, lambda: self.options()[0], self)
        self.fields = {name: job_field(name, self) for names in SECTIONS.values() for name in names}
        self.touched: set[str] = set()
        """Fields that somebody has changed by hand since the form was filled: they are said, whatever they say."""
        self._own = EngineOptions(self)
        self._engines: dict[str, EngineDescription] = {}
        self._files = FormFiles(session, lambda: self.options()[0], self)
        self._refused: dict[str, str] = {}
        """What was said of a field when the job was sent, until that field changes."""
        self.waiting: Callable[[], object] | None = None
        """Puts what came meanwhile into the form, once the job under way is sent."""
        self.with_show: Callable[[JobOptions, Collection[str]], JobOptions] = lambda choices, said: choices
        """Fills in what is remembered of a shot's show, but for the fields that were said."""
        self._told = ""
        self.sent = choices
        """What the form said when a job was sent last."""
        self.sent_to = session.standing.connection  # of that job
        self.said = QTextBrowser(self)
        self.said.setAccessibleName(words.GATE)
        self.said.hide()
        self.bar = QProgressBar(self)
        self.bar.hide()
        self.draft, self.final = QPushButton(words.SUBMIT_DRAFT, self), QPushButton(words.SUBMIT_FINAL, self)
        self.draft.setToolTip(words.SUBMIT_DRAFT_HELP)
        self.final.setToolTip(words.SUBMIT_FINAL_HELP)
        self.final.setDefault(True)
        self.note = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.note.setProperty("role", "quiet")
        self.costs = FormCosts(session, self.draft, self.final, self)
        self._choosers: dict[str, QWidget] = {}
        self._arrange()
        self.fill(choices)
        self._join()
        self._chain()
        self._files.look_soon()  # what a host selected is looked for as well
        self.check()

    # ---- what stands where ----------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        for name in ("inputs", "shot", "papers"):
            left.addWidget(section_title(words.SECTIONS[name], self))
            left.addLayout(self._section(name))
        left.addStretch(1)
        right.addWidget(section_title(words.SECTIONS["engine"], self))
        right.addLayout(self._section("engine"))
        right.addWidget(self.costs.box)
        right.addWidget(self._own.title)
        right.addLayout(self._own.form)
        self.more = Fold(words.SECTIONS["more"], self._section("more"), self)
        right.addWidget(self.more)
        right.addStretch(1)
        body = QWidget(self)
        columns = QHBoxLayout(body)
        columns.addLayout(left, 1)
        columns.addSpacing(self.fontMetrics().height())
        columns.addLayout(right, 1)
        scroll = QScrollArea(self, widgetResizable=True)
        scroll.setWidget(body)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.said)
        layout.addWidget(self.papers.bar)
        layout.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.addWidget(self.note, 1)
        foot.addWidget(self.draft)
        foot.addWidget(self.final)
        layout.addLayout(foot)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 150, letters.height() * 49)

    def _section(self, name: str) -> QFormLayout:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in (self.fields[one] for one in SECTIONS[name]):
            holder = with_chooser(field, self) if field.name in PATHS else None
            if holder is not None:
                self._choosers[field.name] = holder.findChildren(QPushButton)[0]
            form.addRow(field.label, holder or field.editor)
            form.addRow("", field.problem)
        if name == "papers":
            form.addRow("", self.papers.edit)
            what = QLabel(words.PAPERS_WHAT, self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
            what.setProperty("role", "quiet")
            form.addRow("", what)
        return form

    def _chain(self) -> None:
        """Have Tab go down the left column, then down the right one, then to the buttons: as they are read."""
        order: list[QWidget] = []
        for section in ("inputs", "shot", "papers", "engine"):
            for name in SECTIONS[section]:
                order += [self.fields[name].editor, *filter(None, [self._choosers.get(name)])]
            if section == "papers":
                order.append(self.papers.edit)
        order += [self.costs.box.table, *(field.editor for field in self.engine_fields.values())]
        order += [self.more.button, *(self.fields[name].editor for name in SECTIONS["more"])]
        order += [self.said, self.draft, self.final]
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def _join(self) -> None:
        for name, field in self.fields.items():
            field.typed.connect(partial(self.touched.add, name))
            field.changed.connect(partial(self._refused.pop, name, None))
            field.changed.connect(self.check)
        self._own.changed.connect(self.check)
        self.fields["engine"].changed.connect(self._show_engine)
        for name in PATHS:
            self.fields[name].changed.connect(self._files.look_soon)
        self._files.found.connect(self._show_files)
        self._files.failed.connect(lambda problem: self.note.setText(problem.message))
        self.draft.clicked.connect(partial(self.send, True))
        self.final.clicked.connect(partial(self.send, False))
        self.costs.changed.connect(self.check)
        self.costs.box.wanted.connect(self.choose_engine)
        self._sending.told.connect(self._show_progress)
        self._sending.done.connect(self._show_accepted)
        self._sending.failed.connect(self.show_problem)
        self.papers.chosen.connect(self._use_record)
        self.papers.said.connect(self._keep)

    # ---- what it says ---------------------------------------------------------------------------------------------

    def fill(self, choices: JobOptions) -> None:
        """Put these options into the form."""
        if choices.engine not in self._engines:
            self.fields["engine"].offer((*self._engines, choices.engine))  # until the daemon has said what it has
        for name, field in self.fields.items():
            field.set_value(getattr(choices, name))
        plain = JobOptions()
        if any(getattr(choices, name) != getattr(plain, name) for name in SECTIONS["more"]):
            self.more.open()  # what was said is seen
        self._own.say(engine_options(choices.option))

    def take_shot(self, choices: JobOptions, said: Collection[str] = HOST_SAYS) -> JobOptions:
        """Put another shot into the form, as soon as no job of it is under way; return what it then says.

        Papers and project stay where the shot says none of its own. said: fields that it says although they are as
        they are declared.
        """
        if self._sending.under_way:
            self.waiting = partial(self.take_shot, choices, said)
            return choices
        now = self.options()[0]
        choices = self.with_show(with_kept(choices, now), said)
        self._begin()
        asked = {**engine_options(now.option), **engine_options(choices.option)}
        self.fill(choices)
        self._own.say(asked)
        self.papers.follow()
        self.check()
        return choices

    def take_job(self, options: JobOptions) -> None:
        """Put a whole job in the place of what was typed, as soon as none is under way."""
        if self._sending.under_way:
            self.waiting = partial(self.take_job, options)
            return
        self._begin()
        self.fill(options)
        self.papers.follow()
        self.replaced.emit(options)
        self.check()

    def _begin(self) -> None:
        """Let go of what waits, and of what was said of the job before."""
        self.waiting = None
        self.touched.clear()
        self._refused.clear()
        self.said.hide()
        self.papers.clear()

    def _take_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting()
            self.show()

    def options(self, *, draft: bool = False) -> tuple[JobOptions, dict[str, str]]:
        """Return what the form says, and what of it could not be read."""
        said = {name: value for name, field in self.fields.items() if (value := field.value()) is not None}
        options, problems = options_from(said)
        own = self._own.said()
        if draft:
            known = self._engines[DRAFT_ENGINE].options if DRAFT_ENGINE in self._engines else {}
            own = {name: value for name, value in own.items() if name in known}
            options = msgspec.structs.replace(options, engine=DRAFT_ENGINE)
        listed = [f"{name}={value}" for name, value in own.items()]
        return msgspec.structs.replace(options, option=listed), problems

    def check(self) -> bool:
        """Show beside each field what is wrong with it; return whether nothing is."""
        options, problems = self.options()
        engine = self._engines.get(options.engine)
        problems = {**self._files.missing, **problems_of(options, engine), **problems}
        shown = {**self._refused, **problems}
        for name, field in self.fields.items():
            field.show_problem(shown.get(name, ""))
        if shown.keys() & set(SECTIONS["more"]):
            self.more.open()
        right = self._own.check(engine) and not problems  # what was refused may be right by now: only a try tells
        self.costs.show_for(self._engines, options, self._own.said(), DRAFT_ENGINE)
        self._offer(right, engine)
        return right

    def _offer(self, right: bool, engine: EngineDescription | None) -> None:
        alive = self._session.standing.life == "alive"
        ready = right and alive and not self._sending.under_way
        self.final.setEnabled(ready)
        self.draft.setEnabled(ready)
        self.note.setText(self._told or note_for(engine, alive))

    def _keep(self, text: str) -> None:
        self._told = text
        self.note.setText(text)

    # ---- the daemon's engines -------------------------------------------------------------------------------------

    def show_standing(self, standing: Standing) -> None:
        """Adapt to the daemon's engines, and to whether it is there."""
        engines = {one.name: one for one in standing.welcome.engines} if standing.welcome is not None else {}
        if standing.life == "looking":
            self.papers.clear()  # another daemon knows nothing of a job that this one refused
        if engines and engines != self._engines:
            self._engines = engines
            was = self.fields["engine"].value()
            self.fields["engine"].offer(tuple(engines))
            self.fields["engine"].set_value(was if was in engines else next(iter(engines)))
            self._show_engine()
            self.costs.ask()
        self.check()

    def choose_engine(self, engine: str, own: dict[str, str]) -> None:
        """Say this engine and these of its options."""
        self.touched.add("engine")
        self.fields["engine"].set_value(engine)
        for name, value in own.items():
            self.engine_fields[name].set_value(value)

    def _show_engine(self) -> None:
        """Lay out the options of the chosen engine."""
        self._own.show_engine(self._engines.get(str(self.fields["engine"].value())))
        self._chain()
        self.check()

    @property
    def engine_fields(self) -> dict[str, Field]:
        """The chosen engine's own options, by name."""
        return self._own.fields

    @property
    def is_sending(self) -> bool:
        return self._sending.under_way

    # ---- sending --------------------------------------------------------------------------------------------------

    def send(self, draft: bool) -> None:
        """Send the job, as a draft or with the chosen engine."""
        if not self.check():
            return
        self.said.hide()
        self._refused.clear()
        self.papers.clear()
        self.bar.show()
        self.sent, self._told = self.options()[0], ""
        self.sent_to = self._session.standing.connection
        self._sending.send(numbered(self.options(draft=draft)[0]))
        self.check()

    def _show_progress(self, text: str, done: int, total: int) -> None:
        self.bar.setMaximum(max(1, total))
        self.bar.setValue(done)
        self.bar.setFormat(text)

    def _show_accepted(self, accepted: Accepted) -> None:
        self.bar.hide()
        said = {"job_id": accepted.job_id, "state": words.STATES[accepted.state], "version": accepted.version}
        self.check()
        self.hide()
        self.accepted_job.emit(accepted.job_id, words.SUBMIT_ACCEPTED.format(**said))
        self._take_waiting()

    def show_problem(self, problem: UnderstudyError) -> None:
        """Show an error beside its field, or at the foot with every finding and what to do."""
        self.bar.hide()
        name = field_of(problem)
        if name in self.fields:
            self._refused[name] = f"{problem.message}. {problem.remedy}"
        self.check()
        if name in self.fields:
            self.fields[name].editor.setFocus()
        self.said.setHtml(problem_page(problem))
        self.said.show()
        if isinstance(problem, ComplianceError):
            self.papers.show_refused(self._sending.refused_job, problem.findings)

    def _use_record(self, path: str) -> None:
        """Take a record that was saved from its form: a job has one, or is self-attested."""
        self.fields["self_attest"].set_value(None)
        self.fields["record"].set_value(path)

    def _show_files(self) -> None:
        self.costs.frames = self._files.frames
        self.check()
