"""Papers as CSV, for whoever keeps them in a spreadsheet: out and in again the same, and nothing half read. Pure.

A list's members are parted by semicolons; yes and no are words. A cell that a spreadsheet would take for a formula has
a quotation mark before it, which is taken off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar, get_origin

import msgspec

from understudy.bridge.errors import RequestError
from understudy.inference.authority.papers import Paper, problem_in

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""How a cell begins that Excel or LibreOffice reckons with (OWASP, CSV injection); and our own mark."""
_FIELD = re.compile(r"`\$\.(\w+)")
_LACKED = re.compile(r"missing required field `(\w+)`")
LIMIT_LETTERS = 32 * 1024 * 1024
_Paper = TypeVar("_Paper", bound=Paper)


def write_sheet(kind: type[_Paper], papers: Iterable[_Paper]) -> str:
    """Return papers as CSV with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(kind.__struct_fields__)
    for paper in papers:
        writer.writerow([_cell(getattr(paper, name)) for name in kind.__struct_fields__])
    return text.getvalue()


def read_sheet(kind: type[_Paper], text: str) -> list[_Paper]:
    """Return the papers in CSV text. Columns that are left out have their defaults, in any order.

    Raises RequestError with the line and the column of the first cell that is wrong; then nothing was read.
    """
    if len(text) > LIMIT_LETTERS:
        raise _wrong(1, "", f"the sheet has {len(text)} letters; {LIMIT_LETTERS} is the limit")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    papers: list[_Paper] = []
    lines: dict[str, int] = {}
    try:
        columns = _columns(kind, next(reader, []))
        for cells in reader:
            if cells:
                paper = _paper(kind, columns, cells, reader.line_num)
                if paper.id in lines:
                    raise _wrong(reader.line_num, "id", f"{paper.id} stands in line {lines[paper.id]} already")
                lines[paper.id] = reader.line_num
                papers.append(paper)
    except csv.Error as problem:
        raise _wrong(reader.line_num, "", f"this is no CSV: {problem}") from None
    return papers


def read_fields(kind: type[_Paper], fields: Mapping[str, str], base: Mapping[str, Any]) -> _Paper:
    """Return the paper `base` with `fields` as somebody typed them, each as a cell of a sheet would be.

    Raises RequestError naming the field.
    """

    def wrong(field: str, why: str) -> RequestError:
        return RequestError(f"`{field}`: {why}", remedy=f"The fields are {', '.join(kind.__struct_fields__)}.")

    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name in fields:
        if name not in types:
            raise wrong(name, "there is no such field")
    values = {name: _value(types[name], text, partial(wrong, name)) for name, text in fields.items()}
    return _converted(kind, {**base, **values}, wrong)


def _columns(kind: type[Paper], columns: list[str]) -> list[str]:
    unknown = [column for column in columns if column not in kind.__struct_fields__]
    twice = [column for column in columns if columns.count(column) > 1]
    needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for column, why in (*((name, "no such column") for name in unknown), *((name, "stands twice") for name in twice)):
        raise _wrong(1, column, f"{why}; the columns are {', '.join(kind.__struct_fields__)}")
    for column in sorted(needed - set(columns)):
        raise _wrong(1, column, "this column is missing")
    return columns


def _paper(kind: type[_Paper], columns: list[str], cells: list[str], line: int) -> _Paper:
    if len(cells) != len(columns):
        raise _wrong(line, "", f"{len(cells)} cells, but {len(columns)} columns")
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    named = zip(columns, cells, strict=True)
    values = {name: _value(types[name], _bare(cell), partial(_wrong, line, name)) for name, cell in named}
    return _converted(kind, values, partial(_wrong, line))


def _converted(kind: type[_Paper], values: Mapping[str, Any], wrong: Callable[[str, str], RequestError]) -> _Paper:
    try:
        paper = msgspec.convert(values, kind)
    except msgspec.ValidationError as problem:
        field = _FIELD.search(str(problem)) or _LACKED.search(str(problem))
        raise wrong(field.group(1) if field else "", str(problem).partition(" - at")[0]) from None
    found = problem_in(paper)
    if found is not None:
        raise wrong(*found)
    return paper


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "; ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _value(kind: Any, text: str, wrong: Callable[[str], RequestError]) -> Any:
    if kind is bool:
        if text not in ("yes", "no"):
            raise wrong(f"{text!r} is neither yes nor no")
        return text == "yes"
    if get_origin(kind) is tuple:
        return tuple(word.strip() for word in text.split(";")) if text.strip() else ()
    return text


def _wrong(line: int, column: str, why: str) -> RequestError:
    where = f"line {line}, column `{column}`" if column else f"line {line}"
    return RequestError(
        f"{where}: {why}",
        remedy="Mend that cell and import the sheet again; nothing of it was taken.",
        facts={"line": str(line), "column": column},
    )
