"""How the daemon stands, in words. Pure."""

from __future__ import annotations

from understudy.bridge.machine_messages import GpuNow, Machine, Waiting
from understudy.bridge.messages import Slot, Status
from understudy.ui import words
from understudy.ui.session import Standing

WAITING_SHOWN = 5
DIGEST_SHOWN = 12
"""Letters of a digest that tell it apart for people; the whole stands in `understudy ledger verify`."""


def in_one_line(standing: Standing) -> str:
    """Return the line at the foot of the window."""
    life = words.DAEMON_STATES[standing.life]
    if standing.life == "alive" and standing.status is not None and standing.connection is not None:
        status = standing.status
        busy = sum(slot.job_id is not None for slot in status.slots)
        where = f"{standing.connection.host}:{standing.connection.port}"
        queue = words.QUEUED.format(count=status.queued)
        return f"Daemon {life} at {where}, {busy} of {len(status.slots)} slots busy, {queue}"
    if standing.life == "away" and standing.connection is None:
        return words.DAEMON_NONE  # it never was there: nothing goes on, and nothing is missed
    problem = f": {standing.problem.message}" if standing.problem is not None else ""
    return f"Daemon {life}{problem}"


def in_rows(standing: Standing, file: str) -> list[tuple[str, str]]:
    """Return what there is to know of the daemon, row by row."""
    life = words.DAEMON_STATES[standing.life]
    rows = [("Daemon", life), (words.KEY_FILE, file)]
    connection, welcome, status = standing.connection, standing.welcome, standing.status
    if standing.problem is not None:
        rows += [(words.HAPPENED, standing.problem.message), (words.NEXT, standing.problem.remedy)]
    if connection is not None:
        where = words.DAEMON_SAME_MACHINE if standing.same_machine else words.DAEMON_ELSEWHERE
        rows.append(("Address", f"{connection.host}:{connection.port}, {where}"))
    if welcome is not None:
        shows = ", ".join(welcome.projects) or "every project"
        rows.append(("You", f"{welcome.user} ({', '.join(welcome.roles)}), {shows}"))
        rows.append(("Engines", ", ".join(engine.name for engine in welcome.engines)))
    if status is not None and standing.life == "alive":
        rows += _status_rows(status)
    return rows


def machine_rows(machine: Machine, status: Status | None) -> list[tuple[str, str]]:
    """Return what there is to know of the machine: its cards with who owns them, who waits, packs, ledger."""
    slots = status.slots if status is not None else ()
    rows = [(words.UPTIME, words.in_time(machine.uptime_seconds))]
    rows += [(words.GPU.format(index=card.index), _card(card, slots)) for card in machine.gpus]
    if machine.gpu_problem or not machine.gpus:
        rows.append((words.GPUS, machine.gpu_problem or words.NO_GPU))
    for at, one in enumerate(machine.queue[:WAITING_SHOWN], 1):
        rows.append((words.WAITING_AT.format(place=at), _waiting(one)))
    left = len(machine.queue) - WAITING_SHOWN
    if left > 0:
        rows.append(("", words.WAITING_MORE.format(jobs=words.counted(left, "job"))))
    packs = machine.packs_problem or ", ".join(machine.packs)
    rows.append((words.PACKS, packs))
    digest = machine.ledger_digest[:DIGEST_SHOWN]
    entries = words.counted(machine.ledger_entries, "entry", "entries")
    rows.append((words.LEDGER, words.LEDGER_SAID.format(entries=entries, digest=digest)))
    if machine.follows:
        rows.append((words.FOLLOWS, machine.follows))
    return rows


def _card(card: GpuNow, slots: tuple[Slot, ...]) -> str:
    used, total = words.in_bytes(card.used_bytes), words.in_bytes(card.total_bytes)
    owners = [slot.name for slot in slots if {card.index, card.uuid}.intersection(slot.gpus)]
    whose = f", {', '.join(owners)}" if owners else ""
    return words.GPU_SAID.format(name=card.name, used=used, total=total, owners=whose)


def _waiting(one: Waiting) -> str:
    since = words.in_time(one.seconds)
    if not one.shot:
        return words.WAITING_HIDDEN.format(since=since)
    return words.WAITING_SAID.format(shot=one.shot, user=one.user, job=one.job_id, since=since)


def _status_rows(status: Status) -> list[tuple[str, str]]:
    draining = f", {words.DAEMON_DRAINING}" if status.draining else ""
    used, quota = words.in_bytes(status.vault_bytes), words.in_bytes(status.vault_quota_bytes)
    return [
        ("Version", f"{status.version}, since {status.started_at}{draining}"),
        *((f"Slot {slot.name}", _slot(slot)) for slot in status.slots),
        ("Queue", words.QUEUED.format(count=status.queued)),
        ("Vault", words.OF_QUOTA.format(used=used, quota=quota)),
        ("Disk", words.FREE.format(free=words.in_bytes(status.disk_free_bytes))),
        ("Home", status.home),
    ]


def _slot(slot: Slot) -> str:
    owns = f"GPU {', '.join(slot.gpus)}: " if slot.gpus else ""
    return f"{owns}{slot.job_id or words.IDLE}"
