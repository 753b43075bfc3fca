"""Who acts on the daemon's own machine: the user of a connection file whose secret is at hand, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import zmq

from understudy.bridge.errors import KeyRefused
from understudy.bridge.keys import USERS_FILE, AllowList, Role, User, load_connection

MAY: Mapping[str, tuple[Role, ...]] = {
    "read": ("producer", "legal", "admin"),
    "draft": ("artist", "producer", "legal", "admin"),
    "pick": ("artist", "producer", "legal", "admin"),
    "talent": ("legal", "admin"),
    "consent": ("legal", "admin"),
    "clip": ("producer", "admin"),
    "approval": ("producer", "legal", "admin"),
    "recipient": ("producer", "admin"),
    "waiver.request": ("artist", "producer", "legal", "admin"),
    "waiver.grant": ("producer", "legal", "admin"),
    "waiver.deny": ("producer", "legal", "admin"),
    "send": ("producer", "admin"),
    "revoke": ("legal", "admin"),
    "user": ("admin",),
    "key": ("admin",),
    "audit": ("producer", "legal", "admin"),
    "names": ("legal",),
    "follow": ("follower",),
}
"""What is done to the registry, and which roles may do it; docs/registry.md shows the same table."""


def acting_user(home: Path, connection_file: Path | None = None) -> User:
    """Return who acts: the user of HOME's connection file, or of another's whose secret belongs to a key known here.

    Raises DaemonUnreachable without such a file, KeyRefused for a key that this daemon does not know or a file of which
    the secret is not the key's.
    """
    connection = load_connection(connection_file or home)
    user = AllowList(home / USERS_FILE).user_for(connection.public)
    if user is None or zmq.curve_public(connection.secret.encode()).decode() != connection.public:
        raise KeyRefused(
            f"the key in {connection.file} is not one that this daemon knows",
            remedy="Use a connection file that `understudy key issue` of this daemon wrote.",
        )
    return user


def check_may(user: User, what: str) -> None:
    """Raises KeyRefused for a user without a role that `what` needs."""
    allowed = MAY[what]
    if not set(allowed).intersection(user.roles):
        raise KeyRefused(
            f"{user.name} ({', '.join(user.roles) or 'no role'}) may not do this to the registry: {what}",
            remedy=f"It takes one of: {', '.join(allowed)}. Ask someone who has it, or an admin for the role.",
        )
