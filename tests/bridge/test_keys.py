from __future__ import annotations

import io
import logging
import os
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
import zmq
from rich.console import Console
from zmq.utils import z85

from understudy.bridge import keys
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, KeyRefused, RequestError
from understudy.bridge.keys import (
    AllowList,
    Connection,
    User,
    announce,
    ensure_local_keys,
    issue_key,
    load_connection,
    read_challenge,
    write_challenge,
    write_connection,
)
from understudy.bridge.private_files import write_private


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _key() -> str:
    return zmq.curve_keypair()[0].decode()


def test_when_keys_are_made_then_only_their_owner_can_read_them(home: Path) -> None:
    ensure_local_keys(home)
    assert _mode(home) == 0o700
    assert {path.name: _mode(path) for path in home.glob("*.json")} == {
        "daemon.json": 0o600, "server_keys.json": 0o600, "users.json": 0o600,
    }  # fmt: skip


def test_when_keys_stand_then_they_are_kept(home: Path) -> None:
    assert ensure_local_keys(home).connection == ensure_local_keys(home).connection
    assert ensure_local_keys(home).server == ensure_local_keys(home).server


def test_whoever_runs_the_daemon_may_do_everything(home: Path) -> None:
    made = ensure_local_keys(home)
    user = made.users.user_for(made.connection.public)
    assert user == User(name=made.connection.user, roles=("artist", "producer", "legal", "admin"), projects=())


def test_when_processes_make_keys_at_once_then_all_get_the_same(home: Path) -> None:
    script = "import sys, pathlib; from understudy.bridge.keys import ensure_local_keys as e; k = e(pathlib.Path(sys.argv[1])); print(k.server.public, k.connection.public, len(k.users.users()))"  # noqa: E501
    running = [subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE) for _ in range(4)]
    said = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert len(said) == 1
    assert said.pop().split()[-1] == b"1"


@pytest.mark.parametrize("name", ["daemon.json", "server_keys.json", "users.json"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_when_others_could_read_or_write_a_key_file_then_it_is_refused(home: Path, name: str, mode: int) -> None:
    ensure_local_keys(home)
    (home / name).chmod(mode)
    with pytest.raises(KeyRefused) as caught:
        ensure_local_keys(home)
    assert str(home / name) in caught.value.message
    assert f"chmod 600 '{home / name}'" in caught.value.remedy


def test_when_others_may_put_files_into_the_folder_then_it_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "somebody's").touch()
    home.chmod(0o777)
    with pytest.raises(KeyRefused) as caught:
        ensure_local_keys(home)
    assert f"chmod 700 '{home}'" in caught.value.remedy


def test_when_the_folder_is_empty_then_it_is_made_private(home: Path) -> None:
    home.mkdir()
    home.chmod(0o755)
    ensure_local_keys(home)
    assert _mode(home) == 0o700


def test_when_a_write_fails_then_the_file_is_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ensure_local_keys(home).connection

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        announce(home, "127.0.0.1", 5)
    monkeypatch.undo()
    assert load_connection(home) == before
    assert sorted(path.name for path in home.iterdir()) == [
        ".keys.lock", "daemon.json", "server_keys.json", "users.json",
    ]  # fmt: skip


def test_when_a_reader_comes_while_a_file_is_written_then_it_reads_a_whole_one(home: Path) -> None:
    ensure_local_keys(home)
    stop = threading.Event()
    seen = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(load_connection(home).host)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        announce(home, f"host{number}" * 50, 1)
    stop.set()
    reader.join()
    assert seen


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"host": 3}', b'{"host": "h", "port": 70000}'])
def test_when_a_connection_file_is_damaged_then_the_error_names_it(home: Path, content: bytes) -> None:
    write_private(home / "daemon.json", content)
    with pytest.raises(KeyRefused, match=r"daemon\.json is damaged"):
        load_connection(home)


def test_when_there_is_no_connection_file_then_the_remedy_is_to_start_a_daemon(home: Path) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        load_connection(home / "daemon.json")
    assert "understudy serve" in caught.value.remedy


def test_a_secret_is_never_shown(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = ensure_local_keys(home)
    secrets = (made.connection.secret, made.server.secret)
    screen = io.StringIO()
    console = Console(file=screen, width=400)
    console.print(made.connection, made.server)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("any").warning("%s %r %s", made.connection, made.server, made)
    try:
        raise RuntimeError(made)
    except RuntimeError as problem:
        trace = "".join(traceback.format_exception(problem))
    shown = [str(made), repr(made.connection), f"{made.server}", screen.getvalue(), caplog.text, trace]
    assert [text for text in shown for secret in secrets if secret in text] == []
    assert all(made.connection.public in text for text in (repr(made.connection), screen.getvalue()))


def test_a_secret_is_not_in_the_message_of_a_damaged_file(home: Path) -> None:
    made = ensure_local_keys(home)
    path = home / "daemon.json"
    write_private(path, path.read_bytes().replace(b'"port":0', b'"port":"x"'))
    with pytest.raises(KeyRefused) as caught:
        load_connection(home)
    assert made.connection.secret not in str(caught.value) + caught.value.remedy


def test_a_key_is_known_as_text_and_as_the_bytes_that_zap_hands_over(home: Path) -> None:
    made = ensure_local_keys(home)
    text = made.connection.public
    assert made.users.user_for(text) == made.users.user_for(text.encode()) == made.users.user_for(z85.decode(text))
    assert made.users.user_for(text) is not None


@pytest.mark.parametrize("key", ["", "x" * 40, b"", b"\x00" * 32, b"\xff" * 7])
def test_when_a_key_is_unknown_or_none_then_nobody_has_it(home: Path, key: str | bytes) -> None:
    assert ensure_local_keys(home).users.user_for(key) is None


def test_when_a_user_is_added_elsewhere_then_the_running_list_knows(home: Path) -> None:
    running = ensure_local_keys(home).users
    key = _key()
    assert running.user_for(key) is None
    AllowList(home / "users.json").add_user(key, User(name="ada", projects=("show",)))
    assert running.user_for(key) == User(name="ada", roles=("artist",), projects=("show",))


def test_when_users_are_added_at_once_then_none_is_lost(home: Path) -> None:
    ensure_local_keys(home)
    names = [f"user{number}" for number in range(8)]
    threads = [
        threading.Thread(target=lambda name=name: AllowList(home / "users.json").add_user(_key(), User(name=name)))  # type: ignore[misc]
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {user.name for user in AllowList(home / "users.json").users().values()} >= set(names)


def test_when_a_user_is_removed_then_every_key_of_theirs_is_unknown(home: Path) -> None:
    users = ensure_local_keys(home).users
    first, second = _key(), _key()
    users.add_user(first, User(name="ada"))
    users.add_user(second, User(name="ada"))
    assert users.remove_user("ada") == 2
    assert users.user_for(first) is users.user_for(second) is None
    assert len(users.users()) == 1


def test_when_the_list_becomes_unreadable_then_it_knows_nobody_and_says_why(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = ensure_local_keys(home)
    (home / "users.json").chmod(0o644)
    assert made.users.user_for(made.connection.public) is None
    assert "chmod 600" in caplog.text


def test_when_the_disk_does_not_give_the_list_then_it_knows_nobody_and_the_daemon_goes_on(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = ensure_local_keys(home)
    (home / "users.json").unlink()
    (home / "users.json").symlink_to(home / "users.json")
    assert made.users.user_for(made.connection.public) is None
    assert "cannot be read" in caplog.text


def test_when_the_list_is_damaged_while_running_then_it_knows_nobody(home: Path) -> None:
    made = ensure_local_keys(home)
    write_private(home / "users.json", b"{")
    assert made.users.user_for(made.connection.public) is None


def test_when_a_key_is_issued_then_another_machine_gets_in_as_that_user(
    daemon: object, home: Path, tmp_path: Path
) -> None:
    connection = issue_key(home, "ada", roles=("artist",), projects=("show",), host="127.0.0.1")
    carried = tmp_path / "carried" / "daemon.json"
    write_connection(carried, connection)
    assert _mode(carried) == 0o600
    with Client(load_connection(carried)) as client:
        assert client.ping() > 0
    assert AllowList(home / "users.json").user_for(connection.public) == User(name="ada", projects=("show",))


def test_when_a_key_is_issued_then_its_secret_stays_nowhere_here(home: Path) -> None:
    announce_port(home)
    connection = issue_key(home, "ada", roles=("artist",), projects=(), host="render01")
    assert [path.name for path in home.iterdir() if connection.secret in path.read_text()] == []


def announce_port(home: Path) -> Connection:
    ensure_local_keys(home)
    return announce(home, "127.0.0.1", 7788)


def test_when_the_port_is_not_known_then_no_key_is_issued(home: Path) -> None:
    with pytest.raises(RequestError, match="port"):
        issue_key(home, "ada", roles=("artist",), projects=(), host="render01")
    assert len(AllowList(home / "users.json").users()) == 1


@pytest.mark.parametrize(("name", "roles"), [("", ("artist",)), ("a/b", ("artist",)), ("ada", ("king",))])
def test_when_a_user_is_not_one_then_no_key_is_issued(home: Path, name: str, roles: tuple[keys.Role, ...]) -> None:
    announce_port(home)
    with pytest.raises(RequestError, match="not a user"):
        issue_key(home, name, roles=roles, projects=(), host="render01")
    assert len(AllowList(home / "users.json").users()) == 1


def test_when_the_daemon_listens_everywhere_then_its_own_machine_uses_loopback(home: Path) -> None:
    ensure_local_keys(home)
    assert announce(home, "0.0.0.0", 7788).host == "127.0.0.1"  # noqa: S104
    assert announce(home, "10.0.0.5", 7788).host == "10.0.0.5"


def test_when_the_daemon_moves_then_a_known_connection_finds_it_again(home: Path) -> None:
    known = announce_port(home)
    moved = announce(home, "127.0.0.1", 9911)
    assert known.refreshed() == moved
    assert moved.port == 9911


def test_when_the_server_keys_are_lost_then_a_new_connection_is_made(home: Path) -> None:
    before = ensure_local_keys(home).connection
    (home / "server_keys.json").unlink()
    after = ensure_local_keys(home)
    assert after.connection.server_public == after.server.public != before.server_public


def test_a_challenge_is_owner_only_and_new_each_time(home: Path) -> None:
    path, nonce = write_challenge(home)
    assert _mode(path) == 0o600
    assert read_challenge(path) == nonce
    assert write_challenge(home)[1] != nonce
    path.chmod(0o644)
    assert read_challenge(path) is None
