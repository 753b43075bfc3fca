from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from blake3 import blake3

from understudy.bridge.errors import JobParked, PlateError, RequestError
from understudy.inference.vault import Vault, inside_roots

MIB = 1024 * 1024


def digest_of(data: bytes) -> str:
    return blake3(data).hexdigest()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", quota_bytes=100 * MIB)


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    path = tmp_path / "plate.0001.exr"
    path.write_bytes(os.urandom(3 * MIB + 17))
    return path


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk on which no file can grow beyond `size`: the kernel itself says so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def send(vault: Vault, data: bytes, owner: str = "ann", piece: int = MIB) -> Path:
    upload = vault.open_partial(digest_of(data), owner)
    for offset in range(upload.length, len(data), piece):
        upload.append(data[offset : offset + piece])
    return upload.finish()


def test_when_a_users_file_is_taken_then_the_blob_has_its_bytes_and_shares_nothing_with_it(
    vault: Vault, plate: Path
) -> None:
    data = plate.read_bytes()
    blob = vault.take_copy(plate, digest_of(data), size=len(data))
    plate.write_bytes(b"overwritten in place")
    assert blob == vault.path(digest_of(data))
    assert blob.read_bytes() == data
    assert blob.stat().st_mode & 0o777 == 0o400
    assert vault.bytes_used == len(data)


def test_when_a_file_that_was_given_up_is_taken_then_it_is_the_same_file_and_read_only(
    vault: Vault, plate: Path
) -> None:
    blob = vault.take_link(plate, digest_of(plate.read_bytes()))
    assert blob.samefile(plate)
    assert blob.stat().st_mode & 0o777 == 0o400


def test_when_somebody_still_writes_a_file_that_was_given_up_then_it_is_copied_instead(
    vault: Vault, plate: Path
) -> None:
    data = plate.read_bytes()
    with plate.open("r+b"):
        blob = vault.take_link(plate, digest_of(data))
    assert not blob.samefile(plate)
    assert blob.read_bytes() == data


@pytest.mark.parametrize("way", ["take_copy", "take_link"])
def test_when_a_file_is_not_what_was_announced_then_it_is_refused_by_name_and_nothing_stays(
    vault: Vault, plate: Path, way: str
) -> None:
    announced = digest_of(b"the plate as it was")
    with pytest.raises(PlateError, match=r"plate\.0001\.exr"):
        getattr(vault, way)(plate, announced)
    assert not vault.has(announced)
    assert vault.bytes_used == 0
    assert [entry for entry in vault.root.rglob("*") if entry.is_file()] == []


@pytest.mark.parametrize("way", ["take_copy", "take_link"])
def test_when_a_file_is_overwritten_and_cut_while_it_is_taken_then_no_wrong_blob_passes(
    vault: Vault, tmp_path: Path, way: str
) -> None:
    path = tmp_path / "plate.exr"
    before, after = os.urandom(8 * MIB), os.urandom(8 * MIB)
    path.write_bytes(before)
    stop = threading.Event()

    def overwrite() -> None:
        while not stop.is_set():
            for content in (after, before[: 5 * MIB], before):
                path.write_bytes(content)

    writer = threading.Thread(target=overwrite)
    writer.start()
    try:
        for _ in range(10):
            with suppress(PlateError):
                getattr(vault, way)(path, digest_of(before))
    finally:
        stop.set()
        writer.join()
    if way == "take_copy" and vault.has(digest_of(before)):
        assert vault.verify(digest_of(before)).read_bytes() == before


@pytest.mark.parametrize("way", ["take_copy", "take_link"])
@pytest.mark.parametrize("kind", ["symlink", "pipe", "folder", "missing", "device"])
def test_when_a_path_is_not_a_plain_file_then_it_is_refused_at_once(
    vault: Vault, plate: Path, tmp_path: Path, way: str, kind: str
) -> None:
    path = tmp_path / kind
    if kind == "symlink":
        path.symlink_to(plate)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    with pytest.raises(PlateError, match=path.name):
        getattr(vault, way)(path, digest_of(plate.read_bytes()))


def test_when_the_size_is_another_than_the_job_says_then_the_file_is_refused_unread(vault: Vault, plate: Path) -> None:
    with pytest.raises(PlateError, match="the job says 5"):
        vault.take_copy(plate, digest_of(plate.read_bytes()), size=5)


def test_when_a_path_leads_out_of_the_roots_through_a_symlinked_folder_then_it_is_refused(
    vault: Vault, plate: Path, tmp_path: Path
) -> None:
    shows = tmp_path / "shows"
    shows.mkdir()
    (shows / "way_out").symlink_to(tmp_path)
    sly = shows / "way_out" / plate.name
    assert not inside_roots(sly, [shows])
    assert not inside_roots(shows / ".." / plate.name, [shows])
    assert inside_roots(shows / "a" / "b.exr", [shows])
    with pytest.raises(RequestError, match="outside"):
        vault.take_copy(sly, digest_of(plate.read_bytes()), roots=[shows])
    assert vault.take_copy(sly, digest_of(plate.read_bytes()), roots=[tmp_path])


def test_when_a_path_lies_outside_the_roots_then_the_answer_tells_not_whether_it_exists(
    vault: Vault, plate: Path, tmp_path: Path
) -> None:
    shows = tmp_path / "shows"
    shows.mkdir()
    (tmp_path / "round").symlink_to(tmp_path / "round")
    said = set()
    for path in (plate, tmp_path, tmp_path / "round", tmp_path / "nothing.exr", shows / "way" / ".." / ".." / "x"):
        with pytest.raises(RequestError) as refused:
            vault.take_copy(path, digest_of(plate.read_bytes()), roots=[shows])
        said.add((refused.value.message.replace(str(path), "it"), refused.value.remedy))
    assert len(said) == 1


def test_when_an_upload_is_cut_then_it_goes_on_where_it_stopped_also_after_a_restart(tmp_path: Path) -> None:
    data = os.urandom(3 * MIB)
    first = Vault(tmp_path / "vault", 100 * MIB).open_partial(digest_of(data), "ann")
    first.append(data[:MIB])
    first.close()
    again = Vault(tmp_path / "vault", 100 * MIB)
    assert again.resume_offset(digest_of(data), "ann") == MIB
    assert again.bytes_used == MIB
    blob = send(again, data)
    assert blob.read_bytes() == data
    assert again.bytes_used == len(data)
    assert again.resume_offset(digest_of(data), "ann") == 0


def test_when_an_upload_is_half_done_then_another_owner_starts_from_nothing(vault: Vault) -> None:
    data = os.urandom(MIB)
    vault.open_partial(digest_of(data), "ann").append(data[: MIB // 2])
    assert vault.resume_offset(digest_of(data), "bob") == 0
    assert vault.resume_offset(digest_of(data), "ann") == MIB // 2


def test_when_two_owners_upload_the_same_file_at_once_then_both_end_well(vault: Vault) -> None:
    data = os.urandom(2 * MIB)
    ann, bob = (vault.open_partial(digest_of(data), owner) for owner in ("ann", "bob"))
    for upload in (ann, bob):
        upload.append(data)
    assert ann.finish() == bob.finish()
    assert vault.path(digest_of(data)).read_bytes() == data
    assert vault.bytes_used == len(data)


def test_when_many_threads_take_the_same_file_then_there_is_one_blob_and_the_count_is_right(
    vault: Vault, plate: Path
) -> None:
    digest = digest_of(plate.read_bytes())
    threads = [threading.Thread(target=vault.take_copy, args=(plate, digest)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vault.bytes_used == plate.stat().st_size
    assert [path.name for path in vault.root.rglob("*") if path.is_file()] == [digest[2:]]


def test_when_what_was_uploaded_is_something_else_then_it_is_refused_and_removed(vault: Vault) -> None:
    promised = digest_of(b"promised")
    upload = vault.open_partial(promised, "ann")
    upload.append(b"something else")
    with pytest.raises(PlateError, match=promised):
        upload.finish()
    assert vault.resume_offset(promised, "ann") == 0
    assert vault.bytes_used == 0


def test_when_the_quota_is_reached_then_the_job_parks_and_what_arrived_stays(tmp_path: Path, plate: Path) -> None:
    vault = Vault(tmp_path / "small", quota_bytes=2 * MIB)
    data = plate.read_bytes()
    upload = vault.open_partial(digest_of(data), "ann")
    upload.append(data[:MIB])
    with pytest.raises(JobParked, match="vault is full"):
        upload.append(data[MIB : 2 * MIB + 1])
    assert vault.resume_offset(digest_of(data), "ann") == MIB == vault.bytes_used
    with pytest.raises(JobParked):
        vault.take_copy(plate, digest_of(data))
    vault.quota_bytes = 10 * MIB
    upload.append(data[MIB:])
    assert upload.finish().read_bytes() == data


def test_when_the_disk_is_full_then_the_job_parks_and_the_upload_goes_on_when_there_is_room(
    vault: Vault, plate: Path
) -> None:
    data = plate.read_bytes()
    upload = vault.open_partial(digest_of(data), "ann")
    upload.append(data[:MIB])
    with largest_file(MIB + MIB // 2), pytest.raises(JobParked, match="disk of the vault is full"):
        upload.append(data[MIB : 2 * MIB])
    assert vault.resume_offset(digest_of(data), "ann") == MIB == vault.bytes_used
    upload.append(data[MIB:])
    assert upload.finish().read_bytes() == data


def test_when_the_disk_is_full_while_a_file_is_copied_then_the_job_parks_and_nothing_stays(
    vault: Vault, plate: Path
) -> None:
    with largest_file(MIB), pytest.raises(JobParked):
        vault.take_copy(plate, digest_of(plate.read_bytes()))
    assert vault.bytes_used == 0
    assert [path for path in vault.root.rglob("*") if path.is_file()] == []


def test_when_a_blob_is_damaged_on_disk_then_verifying_says_so_and_asks_for_it_again(vault: Vault, plate: Path) -> None:
    digest = digest_of(plate.read_bytes())
    blob = vault.take_copy(plate, digest)
    assert vault.verify(digest) == blob
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.seek(MIB)
        file.write(b"\0\0\0\0damage")
    with pytest.raises(PlateError, match="damaged"):
        vault.verify(digest)
    assert not vault.has(digest)
    with pytest.raises(PlateError):
        vault.verify(digest)


def test_when_a_blob_cannot_be_read_then_it_is_parked_for_and_not_asked_for_again(vault: Vault, plate: Path) -> None:
    digest = digest_of(plate.read_bytes())
    blob = vault.take_copy(plate, digest)
    blob.unlink()
    blob.mkdir()  # there, and not to be read: as with EIO, ESTALE or EMFILE
    with pytest.raises(JobParked, match="Is a directory"):
        vault.verify(digest)
    assert vault.has(digest)


def test_when_the_vault_is_cleaned_then_the_least_recently_used_go_first_and_never_one_that_is_kept(
    tmp_path: Path,
) -> None:
    vault = Vault(tmp_path / "vault", quota_bytes=10 * MIB)
    contents = [bytes([n]) * MIB for n in range(8)]
    for age, content in enumerate(contents):
        os.utime(send(vault, content), (1000 + age, 1000 + age))
    vault.touch(digest_of(contents[1]))
    keep = {digest_of(contents[0])}
    freed = vault.clean(keep, room_bytes=5 * MIB)
    assert freed == 3 * MIB
    assert [n for n, content in enumerate(contents) if vault.has(digest_of(content))] == [0, 1, 5, 6, 7]
    vault.clean({digest_of(content) for content in contents}, room_bytes=10 * MIB)
    assert vault.bytes_used == 5 * MIB


def test_when_the_vault_is_cleaned_then_half_sent_files_of_dead_jobs_go_and_those_of_live_ones_stay(
    vault: Vault,
) -> None:
    live, dead = digest_of(b"live"), digest_of(b"dead")
    uploads = {digest: vault.open_partial(digest, "ann") for digest in (live, dead)}
    for upload in uploads.values():
        upload.append(b"half")
    assert vault.clean({live}, room_bytes=0) == 4
    assert vault.resume_offset(live, "ann") == 4
    with pytest.raises(PlateError, match="no job needs it"):
        uploads[dead].append(b"more")
    assert vault.bytes_used == 4


def test_when_a_copy_was_broken_off_by_a_kill_then_the_next_start_removes_it(tmp_path: Path) -> None:
    Vault(tmp_path / "vault", MIB)
    (tmp_path / "vault" / "partial" / "abc.1.2.copy").write_bytes(b"half")
    vault = Vault(tmp_path / "vault", MIB)
    assert vault.bytes_used == 0
    assert not list((tmp_path / "vault" / "partial").iterdir())


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_when_a_name_is_no_digest_then_no_path_is_made_of_it(vault: Vault, name: str) -> None:
    with pytest.raises(ValueError, match="not a BLAKE3"):
        vault.path(name)
