"""Recasting without a window: `nuke -t terminal.py SCRIPT NODE`, or `recast_node` from a script of one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import nuke

from understudy.bridge.errors import HostError, JobCancelled, UnderstudyError, error_from_report
from understudy.bridge.exit_codes import DONE, USAGE, code_of_error
from understudy.bridge.host import RememberedJob
from understudy.host_plugins.nuke.editions import refuse_terminal
from understudy.host_plugins.nuke.node import all_of_ours, find_node
from understudy.host_plugins.nuke.session import Connect, Session, connect, in_a_line


def recast_node(name: str, connect: Connect = connect) -> RememberedJob:
    """Recast the shot of the Understudy node `name` and place the take in the open script; save it yourself.

    Blocks until the job has ended, and does meanwhile what needs Nuke's main thread, on which it must be called.
    Raises UnderstudyError for a job that ended otherwise than placed.
    """
    if nuke.GUI:
        raise HostError("recast_node would hold Nuke's window until the job ends", remedy="Press Recast on the node.")
    refuse_terminal()
    node = find_node(name)
    if node is None:
        known = ", ".join(one.fullName() for one in all_of_ours()) or "none"
        raise HostError(f"there is no Understudy node {name} in this script", remedy=f"Name one of these: {known}.")
    session = Session(connect, window=False)
    try:
        job = session.submit(node)
        session.main.run_until(lambda: job.ended)
    finally:
        session.close()
    if job.notice.stage == "placed" and job.remembered is not None:
        return job.remembered
    if job.notice.error is not None:
        raise error_from_report(job.notice.error)
    kind = JobCancelled if job.notice.stage == "cancelled" else HostError
    raise kind(in_a_line(job.notice), remedy="`understudy show` says more.")


def main(arguments: list[str]) -> int:
    """Open a script, recast one node, save the script. Returns the exit code of `understudy submit`."""
    if len(arguments) != 2:
        sys.stderr.write("nuke -t terminal.py SCRIPT NODE\n")
        return USAGE
    script, name = arguments
    try:
        with _said(
            f"{script} could not be opened", "Without a window a studio's callbacks run too: is it one of them?"
        ):
            nuke.scriptOpen(script)
        done = recast_node(name)
        kept = f"The take lies in {done.folder}: recast again, or read it in from there."
        with _said(f"{script} could not be saved with version {done.version} of {done.shot} in it", kept):
            nuke.scriptSave(script)
    except UnderstudyError as problem:
        sys.stderr.write(f"{problem.message}\n{problem.remedy}\n")
        return code_of_error(problem)
    sys.stdout.write(f"version {done.version} of {done.shot}: {done.folder}\n")
    return DONE


@contextmanager
def _said(what: str, remedy: str) -> Iterator[None]:
    """Turn whatever Nuke, or a callback of this studio's, raises there into words."""
    try:
        yield
    except Exception as problem:
        raise HostError(f"{what}: {type(problem).__name__}: {problem}", remedy=remedy) from problem


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
