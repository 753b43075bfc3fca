from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.machine_messages import GpuNow
from understudy.inference.daemon import gpus
from understudy.inference.daemon.gpus import gpus_now, read_answer

ANSWER = "0, GPU-aa, NVIDIA H200, 22528, 143771\n1, GPU-bb, NVIDIA H200, 4, 143771\n"


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of the name `nvidia-smi` before every other."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_when_there_is_no_such_program_then_there_are_no_cards_and_that_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus_now() == ((), "")


def test_when_the_driver_fails_then_its_first_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, "echo 'Failed to initialize NVML: Driver/library version mismatch' >&2; exit 18", monkeypatch)
    cards, problem = gpus_now()
    assert cards == ()
    assert "Driver/library version mismatch" in problem


def test_when_the_driver_hangs_then_it_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, "exec sleep 30", monkeypatch)
    monkeypatch.setattr(gpus, "TIMEOUT_SECONDS", 0.2)
    cards, problem = gpus_now()
    assert cards == ()
    assert "no answer" in problem


def test_when_the_program_answers_then_every_card_is_told_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, f"printf '{ANSWER}'", monkeypatch)
    cards, problem = gpus_now()
    assert problem == ""
    assert cards[0] == GpuNow(
        index="0", uuid="GPU-aa", name="NVIDIA H200", used_bytes=22528 * 2**20, total_bytes=143771 * 2**20
    )
    assert cards[1].index == "1"


def test_when_a_card_does_not_tell_its_memory_then_that_is_said_and_the_others_stand() -> None:
    cards, problem = read_answer("0, GPU-aa, NVIDIA A100, [N/A], [N/A]\n1, GPU-bb, NVIDIA A100, 4, 40960\n")
    assert [card.index for card in cards] == ["1"]
    assert "[N/A]" in problem
