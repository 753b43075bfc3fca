"""A terminal for tests: runs the command line in this process or as one of its own, and keeps what it said."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import msgspec
import pytest

from understudy.bridge import cli

COMMAND = (sys.executable, "-m", "understudy.bridge.cli")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output, which must be JSON and nothing else."""
        return msgspec.json.decode(self.out)


class Terminal:
    """Runs commands in this process: as quick as a function call. Standard error is no terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: object) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["understudy", *map(str, words)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = self._capsys.readouterr()
        return Ended(int(end.value.code or 0), said.out, said.err)


def started(*words: object) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
