"""Signing: whole or not at all, never over its own source; reading: never more trusting than the settings say."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from understudy.bridge.errors import JobParked, SigningError
from understudy.inference.provenance import credentials
from understudy.inference.provenance.claims import SoftBinding, version_manifest
from understudy.inference.provenance.credentials import Source, read_credentials, sign_beside, sign_in_itself
from understudy.inference.provenance.signing_keys import SigningKey

from .conftest import MADE


def sign(path: Path, key: SigningKey, *sources: Source) -> None:
    sign_in_itself(path, version_manifest(MADE, path.name, sources), sources, key)


def test_when_a_movie_is_signed_then_the_same_path_holds_it_whole_and_nothing_else_lies_there(
    movie: Path, key: SigningKey
) -> None:
    before = movie.read_bytes()
    sign(movie, key)
    assert len(movie.read_bytes()) > len(before)
    assert [path.name for path in movie.parent.iterdir()] == [movie.name]
    reading = read_credentials(movie, key.anchors)
    assert reading is not None
    assert (reading.state, reading.failures) == ("Trusted", ())


def test_when_its_temporary_name_is_a_link_to_the_movie_then_the_movie_is_not_truncated(
    movie: Path, key: SigningKey
) -> None:
    """c2pa truncates a source that is its own target; ours never is, whatever lies under the name."""
    before = movie.read_bytes()
    os.link(movie, movie.with_name(f".{movie.name}.signing"))
    broken = SigningKey(chain=b"no chain", anchors=key.anchors, algorithm="es256", sign=key.sign, development=True)
    with pytest.raises(SigningError):
        sign(movie, broken)
    assert movie.read_bytes() == before
    assert [path.name for path in movie.parent.iterdir()] == [movie.name]


KILLED = """
import dataclasses, json, os, signal, sys
from pathlib import Path
from understudy.bridge.settings import load_settings
from understudy.inference.provenance import credentials
from understudy.inference.provenance.signing_keys import load_signing_key
key = load_signing_key(load_settings())
def kill(data):
    os.kill(os.getpid(), signal.SIGKILL)
if {when!r} == "signs":
    key = dataclasses.replace(key, sign=kill)
else:
    os.fsync = kill
credentials.sign_in_itself(Path({movie!r}), json.loads(sys.argv[1]), (), key)
"""


@pytest.mark.parametrize("when", ["signs", "flushes"])
def test_when_the_signer_is_killed_then_the_movie_is_as_it_was_and_can_be_signed(
    movie: Path, key: SigningKey, home: Path, when: str
) -> None:
    before = movie.read_bytes()
    code = KILLED.format(when=when, movie=str(movie))
    command = [sys.executable, "-c", code, json.dumps(version_manifest(MADE, "movie.mp4", ()))]
    done = subprocess.run(command, env={**os.environ, "UNDERSTUDY_HOME": str(home)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert movie.read_bytes() == before
    sign(movie, key)
    assert [path.name for path in movie.parent.iterdir() if path.is_file()] == [movie.name]


def test_when_the_same_file_is_signed_twice_then_only_what_must_differs(movie: Path, key: SigningKey) -> None:
    """The size and the id are the same: only salts, and what is signed over them, are new."""
    other = Path(shutil.copy(movie, movie.with_name("other.mp4")))
    for path in (movie, other):
        sign_in_itself(path, version_manifest(MADE, "movie.mp4", ()), (), key)
    assert movie.stat().st_size == other.stat().st_size


def test_when_a_tampered_source_is_named_then_the_reading_says_so_although_the_whole_is_trusted(
    movie: Path, key: SigningKey, tmp_path: Path
) -> None:
    """Why inputs are checked before they are added: the state alone says nothing of them."""
    sign(movie, key)
    data = bytearray(movie.read_bytes())
    data[data.rfind(b"mdat") + 40] ^= 1
    movie.write_bytes(data)
    listed, seal = tmp_path / "list.json", tmp_path / "list.c2pa"
    listed.write_text("[]")
    source = Source("driver", "driver.mp4", "inputTo", "video/mp4", movie)
    sign_beside(listed, seal, version_manifest(MADE, "list.json", (source,)), (source,), key)
    reading = read_credentials(listed, key.anchors, sidecar=seal)
    assert reading is not None
    assert reading.state == "Trusted"
    assert reading.tampered


def test_when_no_root_is_known_then_nothing_is_trusted(movie: Path, key: SigningKey) -> None:
    """Settings that the library does not know are ignored in silence: a typing error would turn this green."""
    sign(movie, key)
    reading = read_credentials(movie, b"")
    assert reading is not None
    assert (reading.state, reading.failures) == ("Valid", ("signingCredential.untrusted",))


def test_no_thumbnail_of_an_unreleased_shot_is_embedded(movie: Path, key: SigningKey) -> None:
    sign(movie, key, Source("driver", "plate.####.exr", "inputTo", "image/x-exr"))
    assert b"thumbnail" not in movie.read_bytes()


def test_when_the_time_stamp_authority_does_not_answer_then_it_is_said_and_nothing_is_signed(
    movie: Path, key: SigningKey
) -> None:
    before = movie.read_bytes()
    silent = dataclasses.replace(key, time_stamp_url="http://127.0.0.1:9/")  # the port that discards
    with pytest.raises(SigningError, match=r"movie\.mp4 cannot be signed"):
        sign(movie, silent)
    assert movie.read_bytes() == before


def test_when_there_is_no_room_for_a_signed_copy_then_the_job_parks_and_the_movie_stays(
    movie: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "ROOM_BYTES", 2**60)
    before = movie.read_bytes()
    with pytest.raises(JobParked, match=r"movie\.mp4"):
        sign(movie, key)
    assert movie.read_bytes() == before


def test_when_a_movie_has_a_watermark_then_its_credentials_name_it(movie: Path, key: SigningKey) -> None:
    made = dataclasses.replace(MADE, soft_binding=SoftBinding("org.understudy.wm.1", "c0ffee"))
    sign_in_itself(movie, version_manifest(made, movie.name, ()), (), key)
    reading = read_credentials(movie, key.anchors)
    assert reading is not None
    assert (reading.state, reading.failures) == ("Trusted", ())
    assert b"org.understudy.wm.1" in movie.read_bytes()
