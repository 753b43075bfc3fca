"""The table of `make bench`: what runs in what order, what is said of what fails, and what the meters read."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.__main__ import Measured, as_json, main, measure_apart, names, summary
from benchmarks.daemon_process import machine_seconds, memory_bytes, processor_seconds
from benchmarks.table import Row, at_least, at_most

REACHED = at_most("a ping", 80.0, 40.0, "us", 2.5)
MISSED = at_least("a whole job", 2.0, 3.0, "frames/s", 1.0, "one core")
MEBIBYTE = 2**20


@contextmanager
def process(script: str) -> Iterator[int]:
    """Yield the id of a Python process that ran `script` and now waits."""
    running = subprocess.Popen(
        [sys.executable, "-c", f"{script}\nprint('ready', flush=True)\ninput()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    with running:
        assert running.stdout.readline() == "ready\n"
        yield running.pid
        running.communicate("\n")


def test_every_module_that_measures_is_in_the_table_once_and_the_slow_ones_come_last() -> None:
    folder = Path(__file__).parents[2] / "benchmarks"
    measuring = {path.stem for path in folder.glob("*.py") if "\ndef measure(" in path.read_text()}
    listed = names()
    assert sorted(listed) == sorted(measuring)
    assert listed[0] == "import_cost"
    assert listed.index("whole_job") < listed.index("resident_memory") < listed.index("kill_100")
    assert "table" not in listed


def test_a_module_is_measured_in_a_process_of_its_own() -> None:
    measured = measure_apart("import_cost")
    assert [row.name for row in measured.rows] == ["import understudy.bridge.client"]
    assert measured.rows[0].ratio > 1
    assert measured.problem == ""


def test_when_a_module_cannot_run_then_its_last_words_are_told_and_no_row_stands_for_it() -> None:
    measured = measure_apart("nothing")
    assert measured.rows == []
    assert "No module named 'benchmarks.nothing'" in measured.problem


def test_the_summary_names_what_was_missed_and_what_was_not_measured() -> None:
    said = summary([Measured("one", [REACHED, MISSED], 1.0), Measured("two", [], 1.0, "no room left")])
    assert said == "1 of 2 goals reached.\nNot reached: a whole job.\nNot measured: two: no room left"


def test_the_json_holds_machine_date_and_every_row_with_its_module() -> None:
    told = json.loads(
        as_json([Measured("one", [MISSED], 1.0), Measured("two", [], 1.0, "why")], {"date": "2026-11-20"})
    )
    (row,) = told["rows"]
    assert told["date"] == "2026-11-20"
    assert Row(**{name: value for name, value in row.items() if name != "module"}) == MISSED
    assert (row["module"], told["not_measured"]) == ("one", {"two": "why"})


def test_when_an_unknown_name_is_asked_for_then_the_known_ones_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["nothing"])
    assert ended.value.code == 2
    assert "there is no benchmark nothing; there are: import_cost" in capsys.readouterr().err


def test_the_memory_of_a_process_counts_what_it_holds_and_not_the_pages_of_its_files() -> None:
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:  # on a disk: pages of a memory file system are memory
        file.write(bytes(64 * MEBIBYTE))
        file.flush()
        check_what_is_held(Path(file.name))


def check_what_is_held(file: Path) -> None:
    mapped = f"import mmap\nfile = open({str(file)!r}, 'r+b')\nheld = mmap.mmap(file.fileno(), 0)\nsum(held[::4096])"
    with process("held = None") as bare, process("held = b'x' * (64 << 20)") as full, process(mapped) as mapping:
        assert memory_bytes(full) > memory_bytes(bare) + 60 * MEBIBYTE
        assert memory_bytes(mapping) < memory_bytes(bare) + 30 * MEBIBYTE


def test_the_processor_seconds_of_a_process_are_its_own_and_part_of_the_machines() -> None:
    before = machine_seconds()
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    with process(busy) as worked, process("") as idle:
        assert processor_seconds(worked) >= 0.25
        assert processor_seconds(idle) < 0.2
        assert machine_seconds() - before >= 0.25
