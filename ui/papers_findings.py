"""What rules said of papers, by the field that mends it; who asks for a field; what a record itself has wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from understudy.bridge.errors import Finding, UnderstudyError
from understudy.bridge.papers_messages import FieldAsked, Judged
from understudy.ui import papers_words, words
from understudy.ui.record_catalogue import ALWAYS, catalogue, field_at

TOP = ""
"""Where a finding stands that no field mends."""
_TOLD = tuple(words.OUTCOMES)
_PATH = re.compile(r"`\$?\.?([a-z_]+(?:[.\[][a-z_0-9\]]+)*)`?")
_UNSOUND = "the record is not sound: "
UNSOUND_RULE = "record"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for one field of the form, and whether a rule refuses without it."""

    packs: tuple[str, ...] = ()
    """Ids of packs, without their versions."""
    rules: tuple[str, ...] = ()
    required: bool = False
    missing: bool = False
    """Required, and not stated (of a list: not of everyone)."""


def told(findings: Iterable[Finding]) -> list[Finding]:
    """Return what there is to say, the worst first; what passed says nothing."""
    return sorted((one for one in findings if one.outcome in _TOLD), key=lambda one: _TOLD.index(one.outcome))


def by_field(findings: Iterable[Finding], asked: Mapping[str, Asked]) -> dict[str, list[Finding]]:
    """Return findings by the field beside which each stands: the first that it reads and that is not stated."""
    placed: dict[str, list[Finding]] = {}
    for finding in told(findings):
        placed.setdefault(_place(finding, asked), []).append(finding)
    return placed


def asked_fields(fields: Iterable[FieldAsked]) -> dict[str, Asked]:
    """Return who asks for what, by the form's own fields: what is asked of a row is asked at its list."""
    found: dict[str, Asked] = {}
    for one in fields:
        path = field_at(one.path)
        if not path:
            continue
        had = found.get(path, Asked())
        found[path] = Asked(
            packs=tuple(dict.fromkeys((*had.packs, *(pack.partition("@")[0] for pack in one.packs if pack)))),
            rules=tuple(dict.fromkeys((*had.rules, *one.rules))),
            required=had.required or one.required,
            missing=had.missing or (one.required and not one.stated),
        )
    return found


def shown_fields(asked: Mapping[str, Asked], placed: Mapping[str, object], *, everything: bool) -> set[str]:
    """Return the fields that the form shows: what is asked, what the gate always wants, what a finding stands at."""
    if everything:
        return set(catalogue())
    return {path for path in catalogue() if path in asked or path in placed or path in ALWAYS}


def unsound(problem: UnderstudyError) -> list[Finding]:
    """Return what is wrong with a record in itself as findings, one for each field that the error names."""
    message = problem.message
    if message.startswith(_UNSOUND):
        parts = message.removeprefix(_UNSOUND).split("; `")
        said = [part if number == 0 else f"`{part}" for number, part in enumerate(parts)]
    else:
        said = [message]
    return [Finding(rule=UNSOUND_RULE, outcome="refuse", message=one, remedy=problem.remedy) for one in said]


def summary(judged: Judged) -> str:
    """Return in a line how many rules refuse and warn, and who vouches for the papers."""
    outcomes = [one.outcome for one in judged.findings]
    counts = {"refuse": outcomes.count("refuse") + outcomes.count("broken"), "warn": outcomes.count("warn")}
    said = ", ".join(papers_words.counted(name, count) for name, count in counts.items() if count)
    vouched = papers_words.VOUCHED.get(judged.vouched_by, "")
    if not said:
        return f"{papers_words.SUMMARY_GOOD} {vouched}"
    return f"{said}. {vouched} {papers_words.SUMMARY_LATER if counts['warn'] else ''}".strip()


def paths_in(text: str) -> list[str]:
    """Return the form's fields that a message names between backticks, each once."""
    return list(dict.fromkeys(path for named in _PATH.findall(text) if (path := field_at(named))))


def _place(finding: Finding, asked: Mapping[str, Asked]) -> str:
    fields = _mended_at(finding, asked)
    return next((path for path in fields if path in asked and asked[path].missing), next(iter(fields), TOP))


def _mended_at(finding: Finding, asked: Mapping[str, Asked]) -> list[str]:
    named = list(dict.fromkeys(path for one in finding.fields if (path := field_at(one))))
    if named:
        return named
    said = paths_in(f"{finding.message} {finding.remedy}")
    return said or [path for path, one in asked.items() if finding.rule in one.rules and one.missing]
