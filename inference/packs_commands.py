"""Commands about policy packs: `understudy packs list`, `explain PACK`, `test [PACK ...]`. No daemon, no network.

They print what stands in the packs. What a pack says of a job is the gate's to say, and stands in the job's report.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from understudy.inference.compliance.policy.packs import Pack, Rule

packs = typer.Typer(help="Policy packs: which there are, what they say, whether they do.", no_args_is_help=True)

EXIT_DIFFERS = 3
WIDTH = 22  # the longest name that ships, and two
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
Wanted = Annotated[str, typer.Argument(help="A pack by its name, or a file of your own: show.toml.")]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(packs, name="packs")


@packs.command("list")
def list_packs(as_json: Json = False) -> None:
    """List the packs that ship: version, whether they are in force today, where, and who has read them."""
    from understudy.inference.compliance.policy.library import all_packs

    found = all_packs()
    today = _today()
    if as_json:
        _print_json([{**_as_data(pack), "standing": _standing(pack, today)} for pack in found])
        return
    for pack in found:
        where = ", ".join(pack.data.territories) or "everywhere"
        _say(f"{pack.id:{WIDTH}} {pack.data.version:8} {_standing(pack, today)}; {where}")
        _say(f"{'':{WIDTH}} {'':8} {pack.data.title}")
        _say(f"{'':{WIDTH}} {'':8} {_reviewed(pack)}; confidence {pack.data.confidence}")
    _say("")
    _say("A pack is data that people wrote down. None of them is advice, and none says what the law is.")


@packs.command()
def explain(pack: Wanted, as_json: Json = False) -> None:
    """Show one pack in words: when it applies, what each rule wants, on what it rests and what nobody has verified."""
    one, _ = _find(pack)
    if as_json:
        _print_json(_as_data(one))
        return
    for line in _explained(one):
        _say(line)


@packs.command("test")
def try_cases(
    wanted: Annotated[list[str] | None, typer.Argument(help="Names or files. Default: every pack that ships.")] = None,
    as_json: Json = False,
) -> None:
    """Run the cases of packs: each is a record, and what every rule must say of it. Leaves with 3 where one differs."""
    from understudy.inference.compliance.policy.cases import failures, read_cases
    from understudy.inference.compliance.policy.library import SHIPPED

    results: list[dict[str, Any]] = []
    for name in wanted or SHIPPED:
        pack, folder = _find(name)
        cases = read_cases(pack.id, folder)
        differ = [f"{one.case}: {one.what}" for one in failures(pack, cases)]
        results.append({"pack": pack.reference, "cases": len(cases), "differ": differ})
    if as_json:
        _print_json(results)
    else:
        for result in results:
            differ = result["differ"]
            _say(f"{result['pack']:{WIDTH + 8}} {result['cases']} cases, {len(differ)} differ")
            for line in differ:
                _say(f"  {line}")
    if any(result["differ"] for result in results):
        raise typer.Exit(EXIT_DIFFERS)


def _find(wanted: str) -> tuple[Pack, Path]:
    """Return a pack by its name, or that of a file, and the folder in which its cases lie."""
    from understudy.bridge.errors import RequestError
    from understudy.inference.compliance.policy.library import FOLDER, SHIPPED, read_pack

    path = Path(wanted)
    if path.suffix == ".toml":
        return read_pack(path.stem, path.parent), path.parent
    if wanted not in SHIPPED:
        raise RequestError(
            f"there is no policy pack {wanted}", remedy=f"Name one of {', '.join(SHIPPED)}, or a file: {wanted}.toml."
        )
    return read_pack(wanted), FOLDER


def _standing(pack: Pack, today: str) -> str:
    if not pack.data.enabled:
        return "switched off"
    if today < pack.data.valid_from:
        return f"in force from {pack.data.valid_from}"
    if pack.data.valid_to is not None and pack.data.valid_to < today:
        return f"expired on {pack.data.valid_to}"
    return f"in force to {pack.data.valid_to}" if pack.data.valid_to else "in force"


def _reviewed(pack: Pack) -> str:
    return f"reviewed by {pack.data.reviewed_by}" if pack.data.reviewed_by else "no lawyer has reviewed it"


def _explained(pack: Pack) -> Iterable[str]:
    from understudy.inference.compliance.policy.conditions import ALWAYS, words

    data = pack.data
    yield f"{pack.reference}: {data.title}"
    yield f"  {_standing(pack, _today())}; {', '.join(data.territories) or 'everywhere'}; {_reviewed(pack)}"
    if pack.when != ALWAYS:
        yield f"  only where {words(pack.when)}"
    for rule in pack.rules:
        yield ""
        yield from _rule_lines(rule)
    yield ""
    yield from (f"  rests on: {source}" for source in data.sources)
    yield from (f"  not verified: {text}" for text in data.not_verified)


def _rule_lines(rule: Rule) -> Iterable[str]:
    from understudy.inference.compliance.policy.conditions import ALWAYS, words

    data = rule.data
    does = {"block": "refuses", "warn": "warns", "info": "notes"}[data.severity]
    by = " or ".join(data.waivable_by) or "nobody"
    of_whom = ", for everyone in the record" if data.each == "person" else ""
    yield f"  {rule.id}"
    yield f"    {data.explain}"
    if rule.when != ALWAYS:
        yield f"    where {words(rule.when)}"
    if rule.unless is not None:
        yield f"    but not where {words(rule.unless)}"
    yield f"    wants {words(rule.require)}{of_whom}"
    for ask in rule.asks:
        what = f"what {ask.data.field} says" if ask.data.field else repr(ask.data.to)
        yield f"    asks for {ask.data.setting} {what}" + (f" where {words(ask.when)}" if ask.when != ALWAYS else "")
    yield f"    else {does} from {data.gate} on; waivable by {by}"


def _as_data(pack: Pack) -> dict[str, Any]:
    import msgspec

    return {**msgspec.to_builtins(pack.data), "sha256": pack.digest}


def _today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _print_json(value: Any) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()
