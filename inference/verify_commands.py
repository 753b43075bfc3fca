"""`understudy verify` and `understudy seal`: what a file is and whether it is what was signed; a final's own papers.

Imports are inside the commands: only whoever verifies pays for c2pa.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.bridge.errors import RequestError

if TYPE_CHECKING:
    from understudy.inference.provenance.verify import Verdict

EXTRA = "pip install 'understudy[verify]'"
EXIT_INTACT, EXIT_NOT_INTACT = 0, 1
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(verify)
    app.command()(seal)


def verify(
    path: Annotated[str, typer.Argument(help="A file, a version's folder, or a sequence as name.####.exr.")],
    require_trusted: Annotated[
        bool, typer.Option("--require-trusted", help="Exit with 1 unless whoever signed is trusted here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what PATH is, who signed it, and whether it is what was signed. Exit 0 when all of it is, else 1."""
    _refuse_without_libraries()
    import msgspec

    from understudy.bridge.settings import load_settings
    from understudy.inference.provenance.trust import trust_anchors
    from understudy.inference.provenance.verify import verify as look

    settings = load_settings()
    found = look(Path(path), trust_anchors(settings), settings.home)
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(found), indent=1)
        sys.stdout.write(text.decode("utf-8") + "\n")
    else:
        for line in _lines(found, require_trusted):
            sys.stdout.write(line + "\n")
    passed = found.trusted if require_trusted else found.intact
    raise typer.Exit(EXIT_INTACT if passed else EXIT_NOT_INTACT)


def seal(
    final: Annotated[list[str], typer.Argument(help="The final's files: a movie, or a sequence as name.####.exr.")],
    layers: Annotated[list[str], typer.Option(help="A version's folder, or a layer in it; may be repeated.")],
    as_json: Json = False,
) -> None:
    """Sign a published FINAL with the versions that are in it as its ingredients; each of them is verified first."""
    _refuse_without_libraries()
    import json

    from understudy.bridge.settings import load_settings
    from understudy.inference.compliance.marks import software_version
    from understudy.inference.provenance.finals import seal_final
    from understudy.inference.provenance.signing_keys import load_signing_key
    from understudy.inference.provenance.subject import subject_of

    subjects = [subject_of(Path(name)) for name in final]
    files = [subject.base / path for subject in subjects for path in subject.paths]
    settings = load_settings()
    key, versions = load_signing_key(settings), [Path(name) for name in layers]
    proofs = [str(path) for path in seal_final(files, versions, key, software_version(), home=settings.home)]
    if as_json:
        sys.stdout.write(json.dumps({"signed": proofs, "development": key.development}) + "\n")
        return
    for proof in proofs:
        sys.stdout.write(f"signed {proof}\n")
    if key.development:
        sys.stderr.write("warning: a development certificate signed, which nobody trusts: set `signing_chain`\n")


def _refuse_without_libraries() -> None:
    """Raises RequestError that names the extra, before anything is read."""
    try:
        import c2pa  # noqa: F401
        import cryptography  # noqa: F401
    except ImportError as problem:
        raise RequestError(f"this needs {problem.name}, which is not installed", remedy=EXTRA) from None


def _lines(found: Verdict, require_trusted: bool) -> list[str]:
    """Return what a person reads: one line a fault, with the file's name."""
    lines = [f"{found.asked}: {found.what}"]
    for signer in found.signers:
        trust = "trusted here" if signer.trusted else "not known here, so this proves that nothing changed, not who"
        if signer.development:
            trust = "a development certificate: this proves that nothing changed, not who made it"
        lines.append(f"signed by {signer.name} ({trust})")
    lines += [f"{fault.kind}: {fault.file}: {fault.words} [{fault.layer}]" for fault in found.faults]
    lines += [f"note: {note}" for note in found.notes]
    if found.intact:
        lines.append(f"intact: {found.files} file{'s are' if found.files != 1 else ' is'} what was signed")
        if require_trusted and not found.trusted:
            lines.append("not trusted: --require-trusted asks for a signer whose root is in `trust_anchors`")
    else:
        lines.append(f"not intact: {len(found.faults)} fault{'s' if len(found.faults) != 1 else ''}")
    return [_printable(line) for line in lines]


def _printable(line: str) -> str:
    """Return a line that no name in it can break, or use to write to the terminal."""
    return "".join(
        letter
        if letter.isprintable()
        else letter.encode("unicode_escape", "backslashreplace").decode("ascii", "replace")
        for letter in line.encode("utf-8", "backslashreplace").decode("utf-8")
    )
