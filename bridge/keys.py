"""Who may speak to whom: the daemon's key pair, connection files, and the allow-list of users.

Every file here is owner-only: written whole or not at all with mode 0600, refused when others could have read it.
A CURVE key is 40 letters of Z85 (ZeroMQ RFC 32). A secret never stands in a repr, a log line or a message.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
import zmq
from zmq.utils import z85

from understudy.bridge.errors import DaemonUnreachable, KeyRefused, RequestError
from understudy.bridge.private_files import locked, make_private_folder, read_private, write_private
from understudy.bridge.words import Name

CONNECTION_FILE = "daemon.json"
SERVER_KEYS_FILE = "server_keys.json"
USERS_FILE = "users.json"
EVERY_ADDRESS = ("0.0.0.0", "*", "::", "")  # noqa: S104  these are compared with, not bound to
CHALLENGE_BYTES = 32

Role = Literal["artist", "producer", "legal", "admin", "follower"]
ROLES: tuple[Role, ...] = ("artist", "producer", "legal", "admin")
"""Those of people. `follower` is another daemon's, that takes this one for its authority."""
Z85Key = Annotated[str, msgspec.Meta(min_length=40, max_length=40)]
_CHALLENGE = re.compile(rf"[0-9a-f]{{{2 * CHALLENGE_BYTES}}}")
_log = logging.getLogger(__name__)
_Kept = TypeVar("_Kept")


class _Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """A Struct whose `secret` is never shown; rich would go round __repr__ by its own hook."""

    secret: Z85Key

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._shown())
        return f"{type(self).__name__}({shown}, secret=hidden)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return self._shown()

    def _shown(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "secret"]


class ServerKeys(_Guarded, frozen=True, kw_only=True):
    """The daemon's own pair. The public half stands in every connection file, so no one can pose as the daemon."""

    public: Z85Key


class Connection(_Guarded, frozen=True, kw_only=True, omit_defaults=True):
    """Where a daemon listens and with which key to speak to it: the content of a connection file."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    """0 = this daemon has not listened yet."""
    server_public: Z85Key
    public: Z85Key
    user: str
    file: str = ""
    """Where this was read from; a daemon that came back on another port says so in that file."""

    def refreshed(self) -> Connection:
        """Return what the connection file says now. Raises as `load_connection` does."""
        return load_connection(Path(self.file)) if self.file else self


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who a key belongs to. The actor in every record is this name, never a field that a client sends."""

    name: Name
    roles: tuple[Role, ...] = ("artist",)
    projects: tuple[Name, ...] = ()
    """Empty = every project."""


class _UsersFile(msgspec.Struct, kw_only=True):
    users: dict[Z85Key, User] = {}


class LocalKeys(NamedTuple):
    """What a daemon needs before it listens."""

    server: ServerKeys
    connection: Connection
    users: AllowList


class AllowList:
    """The users of one daemon by public key. Any thread may ask; a changed file is seen at the next question."""

    def __init__(self, path: Path) -> None:
        """Read `path`; a missing file is an empty list. Raises KeyRefused when others could have written it."""
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] = ()
        self._users: dict[str, User] = {}
        self._reload()

    def user_for(self, public_key: str | bytes) -> User | None:
        """Return the owner of a key (Z85 text, or the 32 raw bytes that ZAP hands over); None = unknown here.

        A list that has become unreadable knows nobody: the door stays shut and the log says why.
        """
        with self._lock:
            try:
                self._reload()
            except KeyRefused as problem:
                _log.error("%s %s", problem.message, problem.remedy)
                return None
            except OSError as problem:
                _log.error("%s cannot be read: %s", self.path, problem.strerror)
                return None
            return self._users.get(_key_text(public_key))

    def users(self) -> dict[str, User]:
        """Return every user by public key, as the file says now. Raises KeyRefused."""
        with self._lock:
            self._reload()
            return dict(self._users)

    def add_user(self, public_key: str, user: User) -> None:
        """Let `public_key` in as `user`, from the next connection on. A key that is known becomes this user's."""
        with locked(self.path.parent), self._lock:
            self._reload()
            self._write({**self._users, public_key: user})

    def remove_user(self, name: str) -> int:
        """Shut out every key of `name`, from the next connection on; return how many there were."""
        with locked(self.path.parent), self._lock:
            self._reload()
            kept = {key: user for key, user in self._users.items() if user.name != name}
            removed = len(self._users) - len(kept)
            self._write(kept)
            return removed

    def _write(self, users: dict[str, User]) -> None:
        write_private(self.path, msgspec.json.encode(_UsersFile(users=users)))
        self._reload()

    def _reload(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._users = (), {}
            return
        stamp = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        if stamp != self._stamp:
            self._users = {str(key): user for key, user in _read(self.path, _UsersFile).users.items()}
            self._stamp = stamp


def ensure_local_keys(home: Path) -> LocalKeys:
    """Return the daemon's keys, its owner's connection and the allow-list; make what is missing.

    The owner (whoever runs the daemon) is on the list with every role and every project.
    Two processes may call this at once; both get the same keys. Raises KeyRefused when others could read or plant them.
    """
    make_private_folder(home)
    with locked(home):
        server = _kept(home / SERVER_KEYS_FILE, ServerKeys) or _make_server_keys(home)
        connection = _kept(home / CONNECTION_FILE, Connection)
        if connection is None or connection.server_public != server.public:
            public, secret = _new_pair()
            connection = Connection(
                host="127.0.0.1", port=0, server_public=server.public, public=public, secret=secret, user=_login_name()
            )
            write_connection(home / CONNECTION_FILE, connection)
    users = AllowList(home / USERS_FILE)
    if users.user_for(connection.public) is None:
        users.add_user(connection.public, User(name=connection.user, roles=ROLES))
    return LocalKeys(server, load_connection(home / CONNECTION_FILE), users)


def announce(home: Path, host: str, port: int) -> Connection:
    """Write where the daemon listens into HOME/daemon.json and return the owner's connection. Keys must stand."""
    with locked(home):
        known = load_connection(home / CONNECTION_FILE)
        reachable = "127.0.0.1" if host in EVERY_ADDRESS else host
        write_connection(home / CONNECTION_FILE, msgspec.structs.replace(known, host=reachable, port=port))
    return load_connection(home / CONNECTION_FILE)


def issue_key(
    home: Path, name: str, *, roles: tuple[Role, ...], projects: tuple[str, ...], host: str, port: int | None = None
) -> Connection:
    """Put a new key of `name` on the allow-list and return the connection for the machine where it will be used.

    host: the name or address under which that machine reaches this daemon; port None = where the daemon listens now.
    The secret is kept nowhere here: save it with `write_connection` and carry the file over.
    """
    keys = ensure_local_keys(home)
    port = keys.connection.port if port is None else port
    if port == 0:
        raise RequestError(
            f"the daemon of {home} has not listened yet, so its port is not known",
            remedy="Start it with `understudy serve` on a fixed port, or name the port.",
        )
    try:
        user = msgspec.convert({"name": name, "roles": roles, "projects": projects}, User)
    except msgspec.ValidationError as problem:
        raise RequestError(
            f"this is not a user: {problem}",
            remedy=f"Names hold no slash; roles are {', '.join(ROLES)}, and follower for another daemon.",
        ) from None
    public, secret = _new_pair()
    keys.users.add_user(public, user)
    return Connection(
        host=host, port=port, server_public=keys.server.public, public=public, secret=secret, user=user.name
    )


def load_connection(path: Path) -> Connection:
    """Read a connection file, or the one in a HOME folder. Raises DaemonUnreachable when there is none, KeyRefused."""
    path = path / CONNECTION_FILE if path.is_dir() else path
    try:
        connection = _kept(path, Connection)
    except IsADirectoryError:  # a HOME that was made this moment: nothing lies in it yet
        connection = None
    if connection is None:
        raise DaemonUnreachable(
            f"there is no connection file {path}",
            remedy="Start a daemon here with `understudy serve`, or put a connection file of another machine's here.",
        )
    return msgspec.structs.replace(connection, file=str(path.absolute()))


def write_connection(path: Path, connection: Connection) -> None:
    """Write a connection file that only its owner can read."""
    write_private(path, msgspec.json.encode(msgspec.structs.replace(connection, file="")))


def write_challenge(folder: Path) -> tuple[Path, str]:
    """Write a fresh nonce to an owner-only file of `folder`; return (path, nonce): what `Welcome.challenge` names."""
    nonce = os.urandom(CHALLENGE_BYTES).hex()
    path = folder / "challenge"
    write_private(path, nonce.encode())
    return path, nonce


def read_challenge(path: Path) -> str | None:
    """Return the nonce in a challenge file, or None where this machine and user cannot read it.

    The daemon names the path, so nothing but a nonce in an owner-only file is ever returned: no daemon can ask for
    another file of the user's.
    """
    try:
        content = read_private(path, limit=2 * CHALLENGE_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError, KeyRefused):
        return None
    return content if _CHALLENGE.fullmatch(content) else None


def _read(path: Path, kind: type[_Kept]) -> _Kept:
    content = read_private(path)
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as problem:
        raise KeyRefused(
            f"{path} is damaged: {problem}", remedy="Restore it, or remove it and have a new one made."
        ) from None


def _kept(path: Path, kind: type[_Kept]) -> _Kept | None:
    try:
        return _read(path, kind)
    except FileNotFoundError:
        return None


def _make_server_keys(home: Path) -> ServerKeys:
    public, secret = _new_pair()
    keys = ServerKeys(public=public, secret=secret)
    write_private(home / SERVER_KEYS_FILE, msgspec.json.encode(keys))
    return keys


def _new_pair() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def _key_text(public_key: str | bytes) -> str:
    if isinstance(public_key, str):
        return public_key
    return (z85.encode(public_key) if len(public_key) == 32 else public_key).decode("ascii", errors="replace")


def _login_name() -> str:
    """Return who runs this process; a container may know no name for its user."""
    import getpass  # only the daemon asks

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "artist"
