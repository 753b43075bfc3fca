"""The declaration of a show as one page of HTML: no script, no network, prints well; and as CSV. Pure."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from importlib import resources

from understudy.inference.report_papers import Rows
from understudy.inference.show_report import Declaration, Evaluated, KnownPack, Shown

PROMISE = (
    "This page says how the pictures were made, on which papers, and which rules of which version were evaluated on "
    "which facts. It does not say that a use is permitted: that is for people to judge."
)
COLUMNS = (
    "shot", "version", "job", "content id", "clearance", "previz", "what was done", "engine", "models",
    "digital source type", "likeness", "consents", "packs", "waived", "disclosure", "verified", "signed by",
    "recipients",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula begins so (OWASP, CSV injection)."""
_SLOT = re.compile(r"\{\{([A-Z]+)\}\}")


def totals(declaration: Declaration) -> tuple[tuple[str, str], ...]:
    """Return the figures at the top: number and what it counts."""
    versions = declaration.versions
    return (
        (str(len({one.shot for one in versions})), "shots"),
        (str(len(versions)), "delivered versions"),
        (str(sum(one.clearance == "cleared" for one in versions)), "on checked papers"),
        (str(sum(one.clearance != "cleared" for one in versions)), "uncleared or for demonstration"),
        (str(sum(bool(one.previz) for one in versions)), "previz, not finished pictures"),
        (str(sum(len(one.waived) for one in versions)), "rules waived"),
        (f"{sum(one.proven for one in versions)} of {len(versions)}", "unchanged since they were signed"),
        (f"{sum(one.trusted for one in versions)} of {len(versions)}", "signed by someone who is trusted here"),
    )


def badges(shown: Shown) -> tuple[tuple[str, str], ...]:
    """Return a version's state in few words, each with `good`, `warn` or `bad`."""
    return (
        (shown.clearance, "good" if shown.clearance == "cleared" else "bad"),
        *((("previz", "warn"),) if shown.previz else ()),
        *(((f"{len(shown.waived)} waived", "warn"),) if shown.waived else ()),
        ("unchanged" if shown.proven else "not proved", "good" if shown.proven else "bad"),
        *((("signer not trusted", "warn"),) if shown.proven and not shown.trusted else ()),
    )


def page(declaration: Declaration) -> str:
    """Return the page. The same facts give the same page."""
    shell = resources.files("understudy.inference").joinpath("show_report.html").read_text(encoding="utf-8")
    parts = {
        "SHOW": _text(declaration.show),
        "WRITTEN": _text(written_words(declaration)),
        "PROMISE": _text(PROMISE),
        "TOTALS": "".join(f"<li><b>{_text(number)}</b>{_text(what)}</li>" for number, what in totals(declaration)),
        "OVERVIEW": "".join(_line_of(number, one) for number, one in enumerate(declaration.versions)),
        "VERSIONS": "\n".join(_article(number, one) for number, one in enumerate(declaration.versions)),
        "PACKS": _packs(declaration.packs),
    }
    return _SLOT.sub(lambda slot: parts[slot.group(1)], shell)


def written_words(declaration: Declaration) -> str:
    """Return when and by what it was written, and whom it names."""
    names = "It names people: it is confidential." if declaration.names else "It names no performer."
    return f"Written on {declaration.made_at} by Understudy {declaration.software}. {names}"


def sheet(declaration: Declaration) -> str:
    """Return one line a version, for a spreadsheet; RFC 4180."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for shown in declaration.versions:
        writer.writerow([_cell(value) for value in _line(shown)])
    return out.getvalue()


def _line(shown: Shown) -> tuple[str, ...]:
    made, proof, told = dict(shown.made), dict(shown.proof), dict(shown.told)
    return (
        shown.shot, str(shown.version), made["job"], made["content id"], shown.clearance, shown.previz or "no",
        made["what was done"], made["engine"], made["models"], made["digital source type"],
        dict(shown.likeness)["likeness"],
        "; ".join(f"{name}: {value}" for name, value in shown.likeness if name.startswith("consent")),
        "; ".join(f"{one.pack}: {one.outcomes}" for one in shown.evaluated) or "none was asked",
        "; ".join(f"{one.rule}: {one.words}" for one in shown.waived) or "none",
        told["disclosure"], proof["verified"], proof.get("signed by", ""),
        "; ".join(f"{name} {what}" for name, what in shown.recipients) or "nobody is noted",
    )  # fmt: skip


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _line_of(number: int, one: Shown) -> str:
    return (
        f'<tr><td><a href="#v{number}">{_text(one.title)}</a></td><td>{_text(dict(one.made)["engine"])}</td>'
        f"<td>{_text(dict(one.likeness)['likeness'])}</td><td>{_badges(one)}</td></tr>"
    )


def _article(number: int, shown: Shown) -> str:
    picture = '<div class="no-picture">no picture: it is shown of versions that are what was signed</div>'
    if shown.picture is not None:
        data = base64.b64encode(shown.picture).decode("ascii")
        picture = f'<img alt="{_text(shown.title)}" src="data:image/jpeg;base64,{data}">'
    previz = f'<p class="dim">{_text(shown.previz)}</p>' if shown.previz else ""
    sections = (
        ("What was made", _rows(shown.made)),
        ("Whose likeness, with whose consent", _rows(shown.likeness)),
        ("Which rules were evaluated", _evaluated(shown.evaluated)),
        ("What was waived", _rows(tuple((one.rule, one.words) for one in shown.waived))),
        ("What viewers and machines are told", _rows(shown.told)),
        ("Proof", _rows(shown.proof)),
        ("Who was given it", _rows(shown.recipients) or "<p>Nobody is noted.</p>"),
    )
    told = "".join(f"<h3>{_text(name)}</h3>{content}" for name, content in sections if content)
    return (
        f'<article id="v{number}"><header>{picture}<div><h2>{_text(shown.title)}</h2>{_badges(shown)}{previz}</div>'
        f"</header>{told}</article>"
    )


def _evaluated(evaluated: tuple[Evaluated, ...]) -> str:
    if not evaluated:
        return "<p>None: packs are asked of versions that were made on a record.</p>"
    lines = "".join(
        f"<tr><th>{_text(one.pack)}</th><td>{_text(one.outcomes)}{_list(one.open)}</td></tr>" for one in evaluated
    )
    return f'<table class="pairs">{lines}</table>'


def _packs(packs: tuple[KnownPack, ...]) -> str:
    if not packs:
        return ""
    parts = "".join(f"<h3>{_text(pack.pack)}</h3>{_rows(pack.rows)}" for pack in packs)
    return f"<article><h2>The packs, in their own words</h2>{parts}</article>"


def _badges(shown: Shown) -> str:
    return "".join(f'<span class="badge {kind}">{_text(word)}</span>' for word, kind in badges(shown))


def _rows(rows: Rows) -> str:
    lines = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
    return f'<table class="pairs">{lines}</table>' if lines else ""


def _list(lines: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>" if lines else ""


def _text(value: str) -> str:
    return html.escape(value, quote=True)
