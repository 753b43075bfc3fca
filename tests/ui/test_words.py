"""Every word that the panel shows stands in a file of words: found by reading the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import understudy.ui
from understudy.ui import words

UI = Path(understudy.ui.__file__).parent
SHOWN_BY = frozenset(
    {
        "setText", "setWindowTitle", "setToolTip", "setStatusTip", "setWhatsThis", "setPlaceholderText", "setTitle",
        "setAccessibleName", "setAccessibleDescription", "setHtml", "setPlainText", "setSpecialValueText",
        "showMessage", "addItem", "addItems", "addMenu", "setHorizontalHeaderLabels", "setPrefix", "setSuffix",
        "QLabel", "QPushButton", "QAction", "QCheckBox", "QRadioButton", "QGroupBox", "QMessageBox", "QToolButton",
        "addTab", "setTabText", "getOpenFileName", "getSaveFileName", "getExistingDirectory", "setLabelText",
    }
)  # fmt: skip
"""What Qt shows of its arguments."""
SAID_BY_KEYWORD = frozenset({"toolTip", "statusTip", "placeholderText", "accessibleName", "text", "windowTitle"})
NO_WORDS = frozenset({"1:1", "*.json"})
"""What is the same in every language."""


def files() -> list[Path]:
    return sorted(path for path in UI.glob("*.py") if not path.stem.endswith("words"))


def shown(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every literal with letters that is shown."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        said = list(call.args) if name in SHOWN_BY else []
        said += [word.value for word in call.keywords if word.arg in SAID_BY_KEYWORD]
        for text in (one for given in said for one in literals(given)):
            if any(letter.isalpha() for letter in text) and text not in NO_WORDS:
                yield call.lineno, text


def literals(given: ast.expr) -> Iterator[str]:
    """Yield the texts of an argument itself: of a literal, of the words between the braces of an f-string."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif isinstance(given, ast.JoinedStr):
        for part in given.values:
            if isinstance(part, ast.Constant):
                yield from literals(part)
    elif isinstance(given, ast.List | ast.Tuple):
        for one in given.elts:
            yield from literals(one)
    elif isinstance(given, ast.BinOp):
        yield from literals(given.left)
        yield from literals(given.right)
    elif isinstance(given, ast.IfExp):
        yield from literals(given.body)
        yield from literals(given.orelse)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_when_something_is_shown_then_its_words_stand_in_a_file_of_words(path: Path) -> None:
    found = list(shown(ast.parse(path.read_text())))
    assert found == []


@pytest.mark.parametrize(
    "code",
    ['QLabel("Slot")', 'x.setText(f"{n} jobs")', 'QAction(label, self, toolTip="Stop")', 'x.setText("a" if b else "")',
     'box.addItems(["one"])'],
)  # fmt: skip
def test_when_a_word_is_written_where_it_is_shown_then_it_is_found(code: str) -> None:
    assert len(list(shown(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code", ["QLabel(words.SLOT)", 'x.setText("")', 'x.setText(f"{a}: {b}")', 'x.setObjectName("a")']
)
def test_when_no_word_is_written_there_then_nothing_is_found(code: str) -> None:
    assert list(shown(ast.parse(code))) == []


@pytest.mark.parametrize(("count", "said"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs")])
def test_when_things_are_counted_then_one_is_not_many(count: int, said: str) -> None:
    assert words.counted(count, "job") == said


def test_when_a_plural_is_its_own_word_then_it_is_said() -> None:
    assert words.counted(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (22 << 30, "22.0 GiB"), (3 << 40, "3.0 TiB")]
)
def test_when_a_size_is_said_then_its_unit_is_the_binary_one(count: int, said: str) -> None:
    assert words.in_bytes(count) == said


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_when_a_duration_is_said_then_it_is_as_people_read_it(seconds: float, said: str) -> None:
    assert words.in_time(seconds) == said
