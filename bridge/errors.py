"""Every error a user can meet, and how one crosses the wire.

UnderstudyError
├── RequestError           the caller can mend it: an option, a range, a name, a state
├── PlateError             a picture on disk: missing, damaged, or disagreeing with its neighbours
├── WeightsError           a model's files: not here, half there, damaged, of another model, not to be trusted
├── DaemonError            the daemon itself
│   ├── DaemonUnreachable  nobody answers, or nobody answers in time
│   ├── KeyRefused         the key is unknown here, or may not do this
│   └── ProtocolError      another protocol version, a message too large or not a message
├── JobError               the job ended otherwise than delivered
│   ├── JobCancelled
│   ├── JobParked          out of room (disk, vault, memory), or its version is being written elsewhere: goes on later
│   ├── EngineError        the engine could not make the picture
│   └── SigningError       what was made cannot be signed: a key, a certificate, a program, a time-stamp authority
├── ComplianceError        a gate refused; carries every rule with its remedy in `findings`
└── HostError              the host application refused a call
"""

from __future__ import annotations

import msgspec


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """What would mend a refusal, for a program to offer: docs/fixes.md lists the kinds. None changes a consent."""

    kind: str
    """One of `narrow_territories`, `usual_disclosure`, `name_performer`, `name_project`, `ask_waiver`,
    `ask_approval`."""
    values: dict[str, str] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule said: the unit of every report, refusal and warning."""

    rule: str
    outcome: str
    """One of `pass`, `not_applicable`, `note`, `warn`, `refuse`, `waived`, `broken` (the rule did not run)."""
    message: str
    remedy: str = ""
    frames: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    """As the user typed them, never a path of the vault."""
    facts: dict[str, str] = {}
    """What the rule read, so that the report can show why."""
    fixes: tuple[Fix, ...] = ()
    """For whoever has to mend it; they stay in the house."""
    fields: tuple[str, ...] = ()
    """Of the record: those that mend it, or else that it read, as `use.media`, `consents[0].document`; `cast[].minor`
    where any item may be meant. For a form; they stay in the house."""

    @property
    def refuses(self) -> bool:
        return self.outcome in ("refuse", "broken")


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """An error on the wire. `code` names the class that the other side raises again."""

    code: str
    message: str
    remedy: str = ""
    facts: dict[str, str] = {}
    findings: tuple[Finding, ...] = ()


class UnderstudyError(Exception):
    """`message` says what happened to which file, frame or field; `remedy` what the user does next."""

    code = "understudy"

    def __init__(self, message: str, *, remedy: str = "", facts: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.facts = facts or {}

    def report(self) -> ErrorReport:
        return ErrorReport(code=self.code, message=self.message, remedy=self.remedy, facts=self.facts)


class RequestError(UnderstudyError):
    code = "request"


class PlateError(UnderstudyError):
    code = "plate"


class WeightsError(UnderstudyError):
    code = "weights"


class DaemonError(UnderstudyError):
    code = "daemon"


class DaemonUnreachable(DaemonError):
    code = "daemon_unreachable"


class KeyRefused(DaemonError):
    code = "key_refused"


class ProtocolError(DaemonError):
    code = "protocol"


class JobError(UnderstudyError):
    code = "job"


class JobCancelled(JobError):
    code = "job_cancelled"


class JobParked(JobError):
    code = "job_parked"


class EngineError(JobError):
    code = "engine"


class SigningError(JobError):
    code = "signing"


class ComplianceError(UnderstudyError):
    code = "compliance"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        facts: dict[str, str] | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(message, remedy=remedy, facts=facts)
        self.findings = findings

    def report(self) -> ErrorReport:
        return ErrorReport(
            code=self.code, message=self.message, remedy=self.remedy, facts=self.facts, findings=self.findings
        )


class HostError(UnderstudyError):
    code = "host"


def _family(root: type[UnderstudyError]) -> dict[str, type[UnderstudyError]]:
    classes = {root.code: root}
    for child in root.__subclasses__():
        classes.update(_family(child))
    return classes


def error_from_report(report: ErrorReport) -> UnderstudyError:
    """Return the error that `report` describes; an unknown code (a newer daemon) becomes a plain UnderstudyError."""
    kind = _family(UnderstudyError).get(report.code, UnderstudyError)
    if issubclass(kind, ComplianceError):
        return kind(report.message, remedy=report.remedy, facts=report.facts, findings=report.findings)
    return kind(report.message, remedy=report.remedy, facts=report.facts)


def error_in_words(problem: Exception) -> UnderstudyError:
    """Return `problem` as an error that says what to do: the disk's own complaint, or a fault of ours."""
    if isinstance(problem, UnderstudyError):
        return problem
    if isinstance(problem, OSError) and problem.strerror:
        name = f"{problem.filename}: " if problem.filename else ""
        return UnderstudyError(f"{name}{problem.strerror}", remedy="Check the path, its rights and the room there.")
    return UnderstudyError(
        f"a fault of Understudy's own: {type(problem).__name__}: {problem}",
        remedy="Run the same with --debug and send what it prints.",
    )
