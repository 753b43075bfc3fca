"""Each evaluation is a process of its own, though the libraries are loaded once. Whatever ends, the gate refuses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import children_named, has_ended

from understudy.bridge.errors import Finding
from understudy.inference.compliance.gate import evaluate, evaluate_async
from understudy.inference.compliance.rules_process import NURSERY

PATIENCE_SECONDS = 20.0
HEAD = "import os, pathlib, signal, sys, time\nfrom understudy.inference.compliance.rule import AdmissionRule, passes\n"
Judge = Callable[[str], Finding]


def write_rule(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    lines = body.replace("\n", "\n        ")
    (folder / f"{name}.py").write_text(
        f"{HEAD}\nclass Rule(AdmissionRule):\n    label = None\n    def check(self, facts):\n        {lines}\n"
    )


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> Judge:
    """Return a function that evaluates one rule of this body and returns what the gate found of it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def judged(body: str) -> Finding:
        write_rule(tmp_path / "one_rule", "it", body)
        facts = make.admission(make.job())
        return evaluate("admission", facts, package="one_rule", rules=("it",), timeout_seconds=PATIENCE_SECONDS)[0]

    return judged


def nursery() -> int:
    (process,) = children_named(os.getpid(), NURSERY)
    return process


def until(true: Callable[[], Any]) -> Any:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not (found := true()):
        assert time.monotonic() < limit
        time.sleep(0.02)
    return found


def test_when_the_nursery_is_killed_between_two_evaluations_then_the_next_has_a_fresh_one(judge: Judge) -> None:
    assert judge("return passes('well')").message == "well"
    first = nursery()
    os.kill(first, signal.SIGKILL)
    assert judge("return passes('well again')").message == "well again"
    assert nursery() != first


def test_when_the_nursery_is_killed_under_a_rule_then_the_gate_refuses_and_the_next_one_runs(
    judge: Judge,
) -> None:
    found = judge("os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)")
    assert found.outcome == "broken"
    assert "was ended by SIGKILL" in found.message
    assert judge("return passes('well')").outcome == "pass"


def test_what_a_rule_does_to_a_library_ends_with_its_process(judge: Judge) -> None:
    assert judge("import msgspec; msgspec.json.encode = None; return passes('well')").outcome == "broken"
    assert judge("return passes('well')").outcome == "pass"


def test_a_rule_sees_the_environment_as_it_is_now(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    judge("return passes('well')")
    before = nursery()
    monkeypatch.setenv("SHOW", "today's")
    assert judge("return passes(os.environ['SHOW'])").message == "today's"
    monkeypatch.delenv("SHOW")
    assert judge("return passes(os.environ.get('SHOW', 'none'))").message == "none"
    assert nursery() == before


def test_a_rule_cannot_say_for_the_nursery_how_its_process_ended(judge: Judge) -> None:
    found = judge(
        "for descriptor in range(3, 64):\n"
        "    try: os.write(descriptor, b'0\\n0\\n')\n"
        "    except OSError: pass\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert found.outcome == "broken"
    assert "was ended by SIGKILL" in found.message


def test_what_a_rule_leaves_unwritten_of_its_output_is_kept(judge: Judge) -> None:
    assert judge("sys.stdout.write('a last word'); raise KeyError('range')").facts["output"] == "a last word"


def test_when_one_evaluation_hangs_then_another_is_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    write_rule(tmp_path / "two_rules", "slow", f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
               "time.sleep(60)")  # fmt: skip
    write_rule(tmp_path / "two_rules", "quick", "return passes('quick')")
    facts = make.admission(make.job())

    async def both() -> None:
        slow = asyncio.create_task(evaluate_async("admission", facts, package="two_rules", rules=("slow",)))
        while not (tmp_path / "pid").is_file():
            await asyncio.sleep(0.01)
        (found,) = await evaluate_async("admission", facts, package="two_rules", rules=("quick",))
        assert found.message == "quick"
        assert not slow.done()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow

    asyncio.run(both())
    assert has_ended(int((tmp_path / "pid").read_text()))


CALLER = """
import sys
from understudy.inference.compliance.rules_process import RulesProcess
with RulesProcess("admission", "hanging", ("it",), sys.stdin.buffer.read()) as process:
    process.run(600)
"""


def test_when_the_caller_is_killed_then_the_nursery_and_what_it_runs_end(tmp_path: Path, make: Any) -> None:
    import msgspec

    write_rule(tmp_path / "hanging", "it", f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
               "time.sleep(600)")  # fmt: skip
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER], stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert caller.stdin is not None
    caller.stdin.write(msgspec.json.encode(make.admission(make.job())))
    caller.stdin.close()
    rule = int(until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text()))
    (parent,) = children_named(caller.pid, NURSERY)
    caller.kill()
    caller.wait()
    until(lambda: has_ended(parent) and has_ended(rule))
