"""Looking at pictures across the network: a client that proved no machine, a real daemon, real files."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import psutil
import pytest
from daemon_rig import RunningDaemon
from numpy.typing import NDArray
from studio_rig import wait_for

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, PlateError, RequestError
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import issue_key
from understudy.bridge.options import JobOptions
from understudy.bridge.picture_messages import AskPixel, AskProxy
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.inference.drawn_shot import draw_shot

FRAMES = 4


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(tmp_path_factory.mktemp("pictures") / "home")
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    draw_shot(folder, frames=FRAMES, width=160, height=90)
    return folder


@pytest.fixture(scope="module")
def job(daemon: RunningDaemon, shot: Path) -> str:
    options = JobOptions(
        plate=str(shot / "plate/plate.####.exr"), matte=str(shot / "matte/matte.####.exr"),
        reference=str(shot / "reference.png"), rate="24", ocio="none", shot="sh010", engine="identity",
        self_attest="Ada, to look at it from afar",
    )  # fmt: skip
    accepted = send_job(daemon.connection, gather_job(options))
    assert follow_job(daemon.connection, accepted.job_id, None).summary.state == "delivered"
    return accepted.job_id


@pytest.fixture(scope="module")
def folder(daemon: RunningDaemon, job: str) -> Path:
    with Client.connect(daemon.connection) as client:
        return Path(client.outputs(job).folder)


@pytest.fixture
def afar(daemon: RunningDaemon, tmp_path: Path) -> Iterator[Client]:
    """Somebody of every project on another machine: hello, and no proof."""
    with _guest(daemon, f"sup{tmp_path.name[-8:]}", "artist") as client:
        assert not client.same_machine
        yield client


def _guest(daemon: RunningDaemon, name: str, role: str = "artist", *projects: str) -> Client:
    connection = issue_key(daemon.home, name, roles=(role,), projects=projects, host="127.0.0.1")  # type: ignore[arg-type]
    client = Client(connection)
    client.hello()
    return client


def _file(folder: Path, layer: str, at: int = 0) -> tuple[Path, int]:
    path = sorted((folder / layer).glob("*.exr"))[at]
    return path, int(path.stem.rsplit(".", 1)[1])


def _stored(file: Path | bytes) -> tuple[NDArray[Any], dict[str, Any]]:
    with OpenEXR.File(io.BytesIO(file) if isinstance(file, bytes) else str(file)) as opened:
        channels, header = opened.channels(), dict(opened.header())  # closing empties its own
        name = next(name for name in ("RGBA", "RGB", "Y", *channels) if name in channels)
        return np.array(channels[name].pixels), header


def _mean(pixels: NDArray[Any], factor: int) -> NDArray[np.float16]:
    """The mean of each cell as the textbook has it, in 64 bits."""
    high, wide = pixels.shape[0] // factor, pixels.shape[1] // factor
    cut = pixels[: high * factor, : wide * factor].astype(np.float64)
    return cut.reshape(high, factor, wide, factor, *pixels.shape[2:]).mean(axis=(1, 3)).astype(np.float16)


@pytest.mark.parametrize("layer", ["comp", "matte", "difference"])
def test_a_proxy_is_the_area_mean_of_its_frame_and_keeps_its_marks(
    afar: Client, job: str, folder: Path, layer: str
) -> None:
    path, frame = _file(folder, layer)
    small, header = _stored(afar.proxy(AskProxy(job_id=job, layer=layer, frame=frame, width=50)).picture)
    whole, own = _stored(path)
    assert small.dtype == np.float16
    expected = _mean(whole, 4)
    assert np.abs(small.view(np.int16).astype(int) - expected.view(np.int16).astype(int)).max() <= 1  # the last bit
    marks = {name: value for name, value in own.items() if name.startswith("understudy/")}
    assert marks
    assert {name: header[name] for name in marks} == marks
    told = json.loads(header["understudy/proxy"])
    assert told == {"factor": 4, "data": [0, 0, 160, 90], "display": [0, 0, 160, 90]}


def test_a_frame_that_is_small_enough_comes_bit_for_bit(afar: Client, job: str, folder: Path) -> None:
    path, frame = _file(folder, "comp", 1)
    small, _ = _stored(afar.proxy(AskProxy(job_id=job, layer="comp", frame=frame)).picture)
    whole, _ = _stored(path)
    assert np.array_equal(small.view(np.uint16), whole.view(np.uint16))


@pytest.mark.parametrize("at", [(0, 0), (159, 89), (80, 45)])
def test_a_pixel_is_told_as_the_file_stores_it(afar: Client, job: str, folder: Path, at: tuple[int, int]) -> None:
    path, frame = _file(folder, "comp")
    whole, _ = _stored(path)
    told = afar.pixel(AskPixel(job_id=job, layer="comp", frame=frame, x=at[0], y=at[1]))
    assert told.channels == ("R", "G", "B", "A")[: whole.shape[2]]
    assert told.values == whole[at[1], at[0]].astype("<f4").tobytes()


def test_a_pixel_outside_the_data_window_has_no_values(afar: Client, job: str, folder: Path) -> None:
    _, frame = _file(folder, "comp")
    assert afar.pixel(AskPixel(job_id=job, layer="comp", frame=frame, x=-1, y=0)).values == b""


def test_the_plates_proxy_lies_beside_the_comps_to_the_number(afar: Client, job: str, folder: Path, shot: Path) -> None:
    path, frame = _file(folder, "comp")
    comp, _ = _stored(afar.proxy(AskProxy(job_id=job, layer="comp", frame=frame, width=80)).picture)
    plate, header = _stored(afar.proxy(AskProxy(job_id=job, layer="plate", frame=frame, width=80)).picture)
    matte, _ = _stored(folder / f"matte_effective/{path.name.replace('comp', 'matte_effective')}")
    outside = _mean(matte.max(axis=-1), 2) == 0
    assert outside.any()
    assert np.array_equal(plate[outside][..., :3], comp[outside][..., :3])
    assert header["understudy/working_space"].strip() == _stored(path)[1]["understudy/working_space"].strip()


def test_the_reference_is_seen_in_the_takes_space(afar: Client, job: str) -> None:
    pixels, header = _stored(afar.proxy(AskProxy(job_id=job, layer="reference")).picture)
    assert pixels.max() > 0
    assert header["understudy/working_space"]


def test_without_a_name_the_middle_of_the_finished_picture_comes(afar: Client, job: str, folder: Path) -> None:
    path, _ = _file(folder, "comp", FRAMES // 2)
    small, _ = _stored(afar.proxy(AskProxy(job_id=job)).picture)
    assert np.array_equal(small.view(np.uint16), _stored(path)[0].view(np.uint16))


def test_a_frame_that_has_not_changed_is_not_sent_again_and_one_that_has_is(
    afar: Client, job: str, folder: Path
) -> None:
    path, frame = _file(folder, "matte_used")
    first = afar.proxy(AskProxy(job_id=job, layer="matte_used", frame=frame))
    again = afar.proxy(AskProxy(job_id=job, layer="matte_used", frame=frame, known=first.tag))
    assert (again.picture, again.tag) == (b"", first.tag)
    os.utime(path, ns=(0, 0))
    assert afar.proxy(AskProxy(job_id=job, layer="matte_used", frame=frame, known=first.tag)).picture


@pytest.mark.parametrize("layer", ["nothing", "reference.2", "clean_plate", "keypoints"])
def test_a_layer_that_is_not_there_is_refused_in_words(afar: Client, job: str, layer: str) -> None:
    with pytest.raises(RequestError, match="has no"):
        afar.proxy(AskProxy(job_id=job, layer=layer, frame=1001))


@pytest.mark.parametrize("layer", ["../comp", "comp/..", "/etc", "a b", ".hidden"])
def test_a_name_that_is_a_path_is_refused_unread(afar: Client, job: str, layer: str) -> None:
    with pytest.raises(RequestError, match="layer"):
        afar.proxy(AskProxy(job_id=job, layer=layer, frame=1001))


def test_a_key_of_another_project_is_told_of_no_such_job(daemon: RunningDaemon, job: str) -> None:
    with _guest(daemon, "otherproject", "artist", "dune") as stranger:
        for layer in ("comp", "plate", "reference"):
            with pytest.raises(RequestError, match="no job"):
                stranger.proxy(AskProxy(job_id=job, layer=layer, frame=1001))
            with pytest.raises(RequestError, match="no job"):
                stranger.pixel(AskPixel(job_id=job, layer=layer, frame=1001, x=0, y=0))


def test_a_truncated_file_is_named_and_the_next_frame_still_comes(afar: Client, job: str, folder: Path) -> None:
    path, frame = _file(folder, "patch")
    _, good = _file(folder, "patch", 1)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PlateError, match="cannot be read"):
        afar.proxy(AskProxy(job_id=job, layer="patch", frame=frame))
    with pytest.raises(PlateError, match="cannot be read"):
        afar.pixel(AskPixel(job_id=job, layer="patch", frame=frame, x=0, y=0))
    assert afar.proxy(AskProxy(job_id=job, layer="patch", frame=good)).picture


def test_a_header_that_promises_a_huge_picture_ends_nobody(afar: Client, job: str, folder: Path) -> None:
    path, frame = _file(folder, "difference", 2)
    _, good = _file(folder, "difference", 3)
    data = bytearray(path.read_bytes())
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    data[at : at + 16] = struct.pack("<4i", 0, 0, 2**30, 2**20)
    path.write_bytes(data)
    with pytest.raises(PlateError):
        afar.proxy(AskProxy(job_id=job, layer="difference", frame=frame))
    assert afar.proxy(AskProxy(job_id=job, layer="difference", frame=good)).picture


def test_a_process_that_is_killed_comes_back_by_itself(
    afar: Client, daemon: RunningDaemon, job: str, folder: Path
) -> None:
    _, frame = _file(folder, "comp")
    afar.proxy(AskProxy(job_id=job, layer="comp", frame=frame, width=32))
    process = _proxies(daemon)
    os.kill(process.pid, signal.SIGKILL)
    assert afar.proxy(AskProxy(job_id=job, layer="comp", frame=frame, width=33)).picture
    assert _proxies(daemon).pid != process.pid


def test_the_daemons_own_process_has_loaded_no_pixel_library(daemon: RunningDaemon, afar: Client, job: str) -> None:
    afar.proxy(AskProxy(job_id=job, width=64))
    mapped = {Path(one.path).name for one in psutil.Process(daemon.process.pid).memory_maps()}
    assert not [name for name in mapped if "OpenEXR" in name or "OpenColorIO" in name or "multiarray" in name]
    wait_for(lambda: _proxies(daemon).nice() >= 10)


def _proxies(daemon: RunningDaemon) -> psutil.Process:
    (found,) = [
        child for child in psutil.Process(daemon.process.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and any("inference.proxies" in word for word in child.cmdline())
    ]  # fmt: skip
    return found


def test_what_the_gate_set_aside_nobody_but_legal_looks_at(
    daemon: RunningDaemon, job: str, afar: Client, shot: Path
) -> None:
    import sqlite3

    options = JobOptions(
        plate=str(shot / "plate/plate.####.exr"), matte=str(shot / "matte/matte.####.exr"),
        reference=str(shot / "reference.png"), rate="24", ocio="none", shot="sh020", engine="identity",
        self_attest="Ada, to have it set aside", seed=7,
    )  # fmt: skip
    accepted = send_job(daemon.connection, gather_job(options))
    follow_job(daemon.connection, accepted.job_id, None)
    daemon.stop()  # no rule of ours sets an honest take aside: the store is made to say so
    with sqlite3.connect(daemon.home / "store.sqlite") as store:
        store.execute("UPDATE jobs SET state = 'quarantined' WHERE job_id = ?", (accepted.job_id,))
    store.close()
    daemon.start_again()
    with _guest(daemon, "eve", "artist") as eve:
        for layer in ("comp", "plate"):
            with pytest.raises(KeyRefused, match="quarantine"):
                eve.proxy(AskProxy(job_id=accepted.job_id, layer=layer, frame=1001))
            with pytest.raises(KeyRefused, match="quarantine"):
                eve.pixel(AskPixel(job_id=accepted.job_id, layer=layer, frame=1001, x=0, y=0))
