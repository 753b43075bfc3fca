"""What a command's exit code says: 0 done, 2 usage, 3 refused, 4 failed, 5 daemon unreachable, 6 cancelled."""

from __future__ import annotations

from understudy.bridge.errors import (
    ComplianceError,
    DaemonUnreachable,
    JobCancelled,
    KeyRefused,
    PlateError,
    ProtocolError,
    RequestError,
    UnderstudyError,
    WeightsError,
)
from understudy.bridge.words import State

DONE, USAGE, REFUSED, FAILED, UNREACHABLE, CANCELLED = 0, 2, 3, 4, 5, 6


def code_of_error(problem: UnderstudyError) -> int:
    if isinstance(problem, ComplianceError | PlateError | WeightsError | KeyRefused):
        return REFUSED
    if isinstance(problem, JobCancelled):
        return CANCELLED
    if isinstance(problem, RequestError):
        return USAGE
    return UNREACHABLE if isinstance(problem, DaemonUnreachable | ProtocolError) else FAILED


def code_of_state(state: State) -> int:
    """Return the code of a command that followed a job to `state`."""
    ends: dict[State, int] = {"delivered": DONE, "refused": REFUSED, "quarantined": REFUSED, "cancelled": CANCELLED}
    return ends.get(state, FAILED)
