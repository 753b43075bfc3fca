"""Whatever happens to a rule, the gate refuses: each test breaks one rule and lets the others be."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import Finding
from understudy.bridge.shot import Output
from understudy.inference.compliance import gate
from understudy.inference.compliance.answers import Answer, Ended, Line, Started, Trouble
from understudy.inference.compliance.gate import STAGES, evaluate, evaluate_async, refusal
from understudy.inference.compliance.judgement import Ending, judge

RULES_FOLDER = Path(gate.__file__).parent / "rules"
HEAD = "from understudy.inference.compliance.rule import AdmissionRule, DeliveryRule, passes\n"
SPOILT = "rate_is_stated"

Evaluate = Callable[[str], dict[str, Finding]]


def rule(check: str, *, above: str = "", attributes: str = "", kind: str = "AdmissionRule") -> str:
    body = f"    {attributes or 'label = None'}\n    def check(self, facts):\n        {check}\n"
    return f"{HEAD}{above}\nclass Rule({kind}):\n{body}"


@pytest.fixture
def spoil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> Evaluate:
    """Return a function that runs our own rules with the file of one of them replaced; None = deleted."""
    shutil.copytree(RULES_FOLDER, tmp_path / "spoilt_rules")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def evaluate_spoilt(source: str | None, timeout_seconds: float = 20.0) -> dict[str, Finding]:
        file = tmp_path / "spoilt_rules" / f"{SPOILT}.py"
        if source is None:
            file.unlink()
        else:
            file.write_text(source)
        found = evaluate(
            "admission", make.admission(make.job()), package="spoilt_rules", timeout_seconds=timeout_seconds
        )
        assert tuple(finding.rule for finding in found)[: len(STAGES["admission"])] == STAGES["admission"]
        assert refusal(found, "the job") is not None
        return {finding.rule: finding for finding in found}

    return evaluate_spoilt


def only_the_spoilt_one_is_broken(found: dict[str, Finding]) -> bool:
    return [name for name, finding in found.items() if finding.outcome == "broken"] == [SPOILT]


def test_a_sound_job_passes_every_rule_in_the_order_of_the_list(make: Any) -> None:
    found = evaluate("admission", make.admission(make.job()))
    assert tuple(finding.rule for finding in found)[: len(STAGES["admission"])] == STAGES["admission"]
    assert all("." in finding.rule for finding in found[len(STAGES["admission"]) :])
    assert refusal(found, "the job") is None


def test_when_a_rules_file_is_deleted_then_the_gate_refuses(spoil: Evaluate) -> None:
    found = spoil(None)
    assert only_the_spoilt_one_is_broken(found)
    assert "could not be imported: ModuleNotFoundError" in found[SPOILT].message


def test_when_a_rule_has_a_syntax_error_then_the_gate_refuses(spoil: Evaluate) -> None:
    found = spoil("class Rule(:\n")
    assert only_the_spoilt_one_is_broken(found)
    assert "SyntaxError: invalid syntax, line 1" in found[SPOILT].message


def test_when_a_rules_file_holds_no_rule_then_the_gate_refuses(spoil: Evaluate) -> None:
    assert only_the_spoilt_one_is_broken(spoil("Role = None\n"))


def test_when_a_file_ends_the_process_at_import_then_the_gate_refuses(spoil: Evaluate) -> None:
    found = spoil("import sys\nsys.exit(0)\n")
    assert only_the_spoilt_one_is_broken(found)
    assert "SystemExit" in found[SPOILT].message


def test_when_a_rule_is_switched_off_then_the_gate_refuses(spoil: Evaluate) -> None:
    found = spoil(rule("return passes('well')", attributes="active = False"))
    assert only_the_spoilt_one_is_broken(found)
    assert "switched off" in found[SPOILT].message


@pytest.mark.parametrize("attributes", ["targets = ['studio']", "hosts = ['nuke']; match = 4; families = ['plate']"])
def test_when_pyblish_would_skip_a_rule_silently_then_the_gate_refuses_or_runs_it(
    spoil: Evaluate, attributes: str
) -> None:
    found = spoil(rule("raise RuntimeError('it ran')", attributes=attributes))
    assert only_the_spoilt_one_is_broken(found)


def test_when_a_rule_calls_sys_exit_then_the_gate_refuses_and_the_others_still_run(spoil: Evaluate) -> None:
    found = spoil(rule("sys.exit(0)", above="import sys\n"))
    assert only_the_spoilt_one_is_broken(found)
    assert "raised SystemExit" in found[SPOILT].message


def test_when_a_rule_ends_the_process_at_once_then_the_gate_refuses_and_names_it(spoil: Evaluate) -> None:
    found = spoil(rule("os._exit(0)", above="import os\n"))
    assert found[SPOILT].outcome == "broken"
    assert found["settings_are_in_range"].message.startswith(
        f"the rule settings_are_in_range was not reached: {SPOILT}"
    )
    assert found["ranges_agree"].outcome == "pass"


def test_when_a_rule_crashes_the_process_then_the_gate_refuses_and_names_the_signal(spoil: Evaluate) -> None:
    found = spoil(rule("os.kill(os.getpid(), 9)", above="import os\n"))
    assert "was ended by SIGKILL" in found[SPOILT].message


def test_when_a_rule_hangs_then_the_gate_refuses_in_time_and_leaves_no_process(spoil: Evaluate, tmp_path: Path) -> None:
    above = "import os, pathlib, subprocess, time\n"
    write = f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    check = f"{write}; subprocess.Popen(['sleep', '60']).wait()"
    for seconds in (1.5, 6.0, 20.0):  # the rule must have begun by then, which a busy machine may hold up
        started = time.monotonic()
        found = spoil(rule(check, above=above), timeout_seconds=seconds)
        assert time.monotonic() - started < seconds + 20
        if (tmp_path / "pid").exists():
            break
    assert f"did not answer within {seconds:g} s" in found[SPOILT].message
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_when_a_rule_raises_then_the_gate_refuses_and_says_where(spoil: Evaluate) -> None:
    found = spoil(rule("raise KeyError('range')"))
    assert only_the_spoilt_one_is_broken(found)
    assert "raised KeyError: 'range' (line" in found[SPOILT].message


def test_when_a_rule_prints_an_answer_instead_of_giving_one_then_the_gate_refuses(
    spoil: Evaluate, capfd: pytest.CaptureFixture[str]
) -> None:
    forged = Answer(rule=SPOILT, stage="admission", finding=Finding(rule=SPOILT, outcome="pass", message="fine"))
    printed = __import__("msgspec").json.encode(forged).decode()
    found = spoil(rule(f"print({printed!r}, flush=True); import os; os.write(2, b'wait\\n')"))
    assert only_the_spoilt_one_is_broken(found)
    assert printed in found[SPOILT].facts["output"]
    assert "wait" in found[SPOILT].facts["output"]
    assert capfd.readouterr() == ("", "")


def test_when_a_rule_prints_a_flood_and_answers_then_it_counts_and_nothing_reaches_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loud_rules").mkdir()
    (tmp_path / "loud_rules" / "loud.py").write_text(rule("print('x' * 5_000_000); return passes('well')"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = evaluate("admission", make.admission(make.job()), package="loud_rules", rules=("loud",))
    assert found == (Finding(rule="loud", outcome="pass", message="well"),)
    assert capfd.readouterr() == ("", "")


def test_when_a_rule_answers_for_another_stage_then_the_gate_refuses(spoil: Evaluate) -> None:
    found = spoil(rule("return passes('well')", kind="DeliveryRule"))
    assert only_the_spoilt_one_is_broken(found)
    assert "answers for the stage delivery, not admission" in found[SPOILT].message


@pytest.mark.parametrize("check", ["return None", "return passes('well'), passes('well')", "return True"])
def test_when_a_rule_answers_with_anything_but_a_finding_then_the_gate_refuses(spoil: Evaluate, check: str) -> None:
    assert only_the_spoilt_one_is_broken(spoil(rule(check)))


def test_when_a_rule_invents_an_outcome_then_the_gate_refuses(spoil: Evaluate) -> None:
    check = "from understudy.bridge.errors import Finding; return Finding(rule='', outcome='fine', message='fine')"
    assert only_the_spoilt_one_is_broken(spoil(rule(check)))


def test_when_a_studio_sets_pyblish_up_otherwise_then_our_rules_still_run(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    for name in ("PYBLISH_TARGETS", "PYBLISH_HOSTS", "PYBLISHPLUGINPATH", "PYBLISH_STRICT_DATATYPES"):
        monkeypatch.setenv(name, "studio")
    assert refusal(evaluate("admission", make.admission(make.job())), "the job") is None


def test_when_the_working_folder_holds_a_file_named_like_a_library_then_it_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('the wrong msgspec')")
    monkeypatch.chdir(tmp_path)
    assert refusal(evaluate("admission", make.admission(make.job())), "the job") is None


def test_facts_of_another_stage_are_a_mistake_of_the_caller(make: Any) -> None:
    with pytest.raises(TypeError, match="not the facts of delivery"):
        evaluate("delivery", make.admission(make.job()))


def test_a_refusal_carries_every_finding_and_every_remedy_once(make: Any) -> None:
    job = make.with_shot(make.job(record=make.record(consents=())), rate=None)
    error = refusal(evaluate("admission", make.admission(job)), "the job SH010")
    assert error is not None
    assert tuple(f.rule for f in error.findings)[: len(STAGES["admission"])] == STAGES["admission"]
    assert "no consent in the record" in error.message
    assert "has no frame rate" in error.message
    assert "--rate 24" in error.remedy


def test_the_event_loop_goes_on_while_the_rules_run(make: Any) -> None:
    async def judge_while_ticking() -> tuple[int, tuple[Finding, ...]]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.002)
                ticks += 1

        ticking = asyncio.create_task(tick())
        found = await evaluate_async("admission", make.admission(make.job()))
        ticking.cancel()
        return ticks, found

    ticks, found = asyncio.run(judge_while_ticking())
    assert ticks > 3
    assert found == evaluate("admission", make.admission(make.job()))


def test_when_two_jobs_are_judged_at_once_then_neither_answer_holds_anything_of_the_other(make: Any) -> None:
    sound = make.admission(make.job())
    bad = make.admission(make.job(record=make.record(consents=(), salt="5" * 32), output=Output(project="other")))

    async def together() -> list[tuple[Finding, ...]]:
        return await asyncio.gather(*(evaluate_async("admission", facts) for facts in (sound, bad, sound, bad)))

    found = asyncio.run(together())
    alone = [evaluate("admission", sound), evaluate("admission", bad)]
    assert found == [*alone, *alone]
    assert refusal(found[0], "the job") is None
    assert refusal(found[1], "the job") is not None


def test_when_nothing_at_all_was_evaluated_then_the_gate_refuses(make: Any) -> None:
    found = judge("admission", STAGES["admission"], (), Ending(0, 1.0, ""))
    assert {finding.outcome for finding in found} == {"broken"}
    assert [finding.rule for finding in found] == [*STAGES["admission"], "gate"]
    assert refusal(found, "the job") is not None


def test_when_an_evaluation_is_cancelled_then_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    (tmp_path / "slow_rules").mkdir()
    pid = tmp_path / "pid"
    check = f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    (tmp_path / "slow_rules" / "slow.py").write_text(rule(check, above="import os, pathlib, time\n"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def cancel() -> None:
        facts = make.admission(make.job())
        task = asyncio.create_task(evaluate_async("admission", facts, package="slow_rules", rules=("slow",)))
        while not (pid.is_file() and pid.read_text()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_every_rule_of_the_lists_is_a_file_and_every_file_is_in_one_list() -> None:
    listed = [name for names in STAGES.values() for name in names]
    files = {path.stem for path in RULES_FOLDER.glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(files)


@pytest.mark.parametrize("name", [name for names in STAGES.values() for name in names])
def test_every_rule_says_in_one_line_what_it_holds(name: str) -> None:
    kind = importlib.import_module(f"understudy.inference.compliance.rules.{name}").Rule
    assert name in STAGES[kind.stage]
    assert kind.__doc__
    assert kind.__doc__.strip().endswith(".")
    assert kind.active


def test_the_daemons_half_of_the_gate_loads_no_rule_no_pyblish_and_no_picture_library() -> None:
    heavy = "{'pyblish', 'numpy', 'cv2', 'OpenEXR', 'av', 'PyOpenColorIO'}"
    code = (
        "import sys, understudy.inference.compliance.gate; "
        f"print(sorted({heavy} & {{n.partition('.')[0] for n in sys.modules}}))"
    )
    import subprocess

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


NAMES = ("first", "second", "third")
WELL = Ending(code=0, seconds=1.0, output="")


def answer(name: str, stage: str = "admission", outcome: str = "pass") -> Answer:
    return Answer(rule=name, stage=stage, finding=Finding(rule=name, outcome=outcome, message=name))


LINES = st.one_of(
    st.builds(answer, st.sampled_from((*NAMES, "other")), st.sampled_from(("admission", "delivery"))),
    st.builds(Started, rule=st.sampled_from(NAMES)),
    st.builds(Trouble, rule=st.sampled_from(NAMES), text=st.just("is in trouble")),
    st.just(Ended(answered=3)),
)


@given(st.lists(LINES, max_size=8), st.sampled_from((0, 1, -9, None)))
def test_only_one_answer_a_rule_from_a_process_that_ended_well_can_pass(lines: list[Line], code: int | None) -> None:
    found = judge("admission", NAMES, tuple(lines), Ending(code, 1.0, ""))
    sound = (
        code == 0
        and any(isinstance(line, Ended) for line in lines)
        and not any(isinstance(line, Trouble) for line in lines)
        and all(
            [line.stage for line in lines if isinstance(line, Answer) and line.rule == name] == ["admission"]
            for name in NAMES
        )
    )
    assert sound == (not any(finding.refuses for finding in found))
    assert tuple(finding.rule for finding in found)[:3] == NAMES


def test_answers_in_another_order_are_reported_in_the_order_of_the_list() -> None:
    lines = (*(answer(name) for name in reversed(NAMES)), Ended(answered=3))
    assert tuple(finding.rule for finding in judge("admission", NAMES, lines, WELL)) == NAMES


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        (("pack.one", "pack.two"), "pass"),
        (("pack.one", "pack.one"), "broken"),
        (("second",), "broken"),
        (("",), "broken"),
    ],
    ids=["two of its own", "one of them twice", "another rule's name", "no name"],
)
def test_what_a_rule_says_one_by_one_counts_under_names_of_its_own_alone(more: tuple[str, ...], outcome: str) -> None:
    several = tuple(Finding(rule=name, outcome="pass", message=name) for name in more)
    first = Answer(rule="first", stage="admission", finding=answer("first").finding, more=several)
    found = judge("admission", NAMES, (first, answer("second"), answer("third"), Ended(answered=3)), WELL)
    assert found[0].outcome == outcome
    told = ("first", *more, "second", "third") if outcome == "pass" else NAMES
    assert tuple(finding.rule for finding in found) == told


def test_when_a_rule_invents_an_outcome_for_one_of_many_then_it_is_broken() -> None:
    several = (Finding(rule="pack.one", outcome="fine", message="fine"),)
    first = Answer(rule="first", stage="admission", finding=answer("first").finding, more=several)
    assert judge("admission", ("first",), (first, Ended(answered=1)), WELL)[0].outcome == "broken"


def test_when_a_rule_answers_twice_then_neither_counts() -> None:
    lines = (*(answer(name) for name in NAMES), answer("first"), Ended(answered=4))
    assert judge("admission", NAMES, lines, WELL)[0].outcome == "broken"
