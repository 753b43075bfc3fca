"""A studio's own OCIO config from the artist's disk to the layers: its LUTs, its look, its context variable."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import OpenImageIO
import PyOpenColorIO
import pytest
from numpy.typing import NDArray
from show_config import TEXT, write_show
from spine_rig import RunningDaemon, Told, order_of
from terminal_rig import Ended, Terminal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, PlateError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.gather import gather_job
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import bring_lacking, follow_job
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.daemon.submission import cache_key
from understudy.inference.picture.images import read_image
from understudy.inference.picture.movies import MovieReader
from understudy.inference.work_order import WorkerFindings
from understudy.inference.worker import Reporter, perform

WIDTH, HEIGHT, FRAMES = 120, 80, (1001, 1002)
Pixels = NDArray[Any]


def write_exr(path: Path, pixels: Pixels) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGB": pixels.astype(np.float16)}).write(str(path))


def write_dpx(path: Path, codes: Pixels, transfer: str = "") -> None:
    """Write 10-bit codes, 0 to 1."""
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, 3, "uint16")
    spec.attribute("oiio:BitsPerSample", 10)
    if transfer:
        spec.attribute("dpx:Transfer", transfer)
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image((codes * 65535).astype(np.uint16))
    output.close()


def as_cineon(path: Path) -> None:
    """Rewrite a 10-bit DPX that we wrote as the Cineon file of the same pixels (SMPTE RP 268 and Kodak's draft 4.5)."""
    data = path.read_bytes()
    order = ">" if data[:4] == b"SDPX" else "<"
    (at,) = struct.unpack(f"{order}I", data[4:8])
    pixels = np.frombuffer(data[at : at + WIDTH * HEIGHT * 4], f"{order}u4").astype(">u4").tobytes()
    header = bytearray(2048)
    struct.pack_into(">IIIIII8s", header, 0, 0x802A5FD7, 2048, 1024, 1024, 0, 2048 + len(pixels), b"V4.5")
    header[192:194] = bytes([0, 3])
    for channel in range(3):
        struct.pack_into(
            ">BBBxIIffff", header, 196 + 28 * channel, 0, channel + 1, 10, WIDTH, HEIGHT, 0.0, 0.0, 1023.0, 2.0
        )
    struct.pack_into(">BBBBII", header, 680, 0, 5, 0, 0, 0, 0)
    path.with_suffix(".cin").write_bytes(bytes(header) + pixels)
    path.unlink()


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """Return a folder with a config, a half plate of values to 100, a log plate of the same, a matte, a reference."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    write_show(tmp_path / "show", gain=0.8)
    for frame in FRAMES:
        ramp = np.geomspace(1e-3, 46, WIDTH)[None, :, None] * random.uniform(0.5, 1.0, (HEIGHT, WIDTH, 3))
        write_exr(tmp_path / f"plate.{frame}.exr", ramp)
        write_dpx(tmp_path / f"log.{frame}.dpx", np.clip((np.log2(ramp / 0.18) + 8) / 16, 0, 1), "Logarithmic")
        matte = np.clip(20 - np.hypot(x - 60, y - 40), 0, 8)[..., None].repeat(3, 2) / 8
        write_exr(tmp_path / f"matte.{frame}.exr", matte)
    write_exr(tmp_path / "hero.exr", np.full((300, 300, 3), 0.3))
    return tmp_path


def options(folder: Path, **changed: Any) -> JobOptions:
    said = JobOptions(
        plate=str(folder / "plate.####.exr"), matte=str(folder / "matte.####.exr"), rate="24",
        reference=str(folder / "hero.exr"), engine="identity", self_attest="a test of colour",
        ocio=str(folder / "show/config.ocio"),
    )  # fmt: skip
    return msgspec.structs.replace(said, **changed)


def recast(folder: Path, said: JobOptions, name: str = "job", **environment: str) -> tuple[Path, Told]:
    """Make the job in this process and return its version's folder and what the worker told."""
    told = Told()
    order = order_of(gather_job(said, environment=environment), folder / name)
    told.append(perform(order, Reporter(told.append)))
    return folder / name / "v001", told


def delivered(folder: Path, said: JobOptions, name: str = "job", **environment: str) -> Path:
    version, told = recast(folder, said, name, **environment)
    assert told[-1].state == "delivered", told[-1]
    return version


def refused(folder: Path, said: JobOptions) -> str:
    """Return the refusals of inspection, each of which has a remedy."""
    _, told = recast(folder, said)
    assert told[-1].state == "refused", told[-1]
    refusals = [finding for finding in told[-1].findings if finding.refuses]
    assert all(finding.remedy for finding in refusals)
    return "; ".join(f"{finding.message} [{finding.remedy}]" for finding in refusals)


def layer(version: Path, name: str, frame: int = 1001) -> Pixels:
    return np.asarray(read_image(version / name / f"{name}.{frame}.exr").pixels)


def bare_conversion(folder: Path, pixels: Pixels) -> Pixels:
    """Return what OpenColorIO alone makes of the log plate, from the config's folder."""
    config = PyOpenColorIO.Config.CreateFromFile(str(folder / "show/config.ocio"))
    made = np.dstack([pixels[:, :, :3], np.ones(pixels.shape[:2])]).astype(np.float32)
    processor = config.getProcessor("log_show", "lin_show")
    processor.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGBA(made)
    return made[:, :, :3]


# ---- what is refused


def test_when_the_plates_space_is_unknown_then_near_names_of_that_config_are_offered(folder: Path) -> None:
    said = refused(folder, options(folder, colour="log_shwo"))
    assert "no colour space 'log_shwo' in" in said
    assert "'log_show'" in said


def test_when_a_log_plate_names_no_space_then_it_is_refused_and_none_is_guessed(folder: Path) -> None:
    assert "log picture" in refused(folder, options(folder, plate=str(folder / "log.####.dpx")))


def test_when_the_config_is_newer_than_the_daemons_library_then_both_versions_are_named(folder: Path) -> None:
    (folder / "show/config.ocio").write_text(TEXT.replace("ocio_profile_version: 2.1", "ocio_profile_version: 3.1"))
    said = refused(folder, options(folder))
    assert f"{folder}/show/config.ocio has profile 3.1; the daemon reads up to 2." in said


def test_when_the_config_has_no_scene_linear_role_then_what_to_add_is_said(folder: Path) -> None:
    (folder / "show/config.ocio").write_text(TEXT.replace("  scene_linear: lin_show\n", ""))
    assert "has no role scene_linear" in refused(folder, options(folder))


def test_when_a_lut_of_the_plates_space_is_lacking_then_it_is_named_at_inspection(folder: Path) -> None:
    (folder / "show/luts/house_log.spi1d").unlink()
    assert "house_log.spi1d" in refused(folder, options(folder, colour="house_log"))


def test_when_an_archive_leads_out_of_itself_then_the_entry_is_named(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bad.ocioz", "w") as made:
        made.writestr("config.ocio", TEXT)
        made.writestr("../../evil.cube", "x")
    assert "'../../evil.cube' leads out of the archive" in refused(
        folder, options(folder, ocio=str(folder / "bad.ocioz"))
    )


def test_when_a_cineon_frame_is_cut_short_then_it_is_refused_and_not_filled_with_what_lay_in_memory(
    folder: Path,
) -> None:
    for frame in FRAMES:
        as_cineon(folder / f"log.{frame}.dpx")
    cut = folder / "log.1002.cin"
    cut.write_bytes(cut.read_bytes()[:-4000])
    said = refused(folder, options(folder, plate=str(folder / "log.####.cin"), colour="house_log"))
    assert "log.1002.cin" in said
    assert "ends before its last row" in said


# ---- the promise of the picture


def test_a_half_plate_in_the_studios_own_space_keeps_its_bits_outside_and_comes_back_within_a_thousandth_inside(
    folder: Path,
) -> None:
    version = delivered(folder, options(folder, colour="house_linear"))
    for frame in FRAMES:
        plate = np.asarray(read_image(folder / f"plate.{frame}.exr").pixels)
        comp, matte = layer(version, "comp", frame), layer(version, "matte_effective", frame)[:, :, 0]
        assert np.array_equal(comp.view(np.uint16)[matte == 0], plate.view(np.uint16)[matte == 0])
        inside = plate[matte == 1].astype(np.float32)
        error = np.abs(comp[matte == 1] - inside) / np.maximum(inside.max(axis=-1, keepdims=True), 1e-3)
        assert error.size
        assert error.max() <= 1e-3


@pytest.mark.parametrize("kind", ["dpx", "cin"])
def test_a_log_plate_out_of_the_configs_lut_is_opencolorios_bare_conversion_and_comes_back_within_a_thousandth(
    folder: Path, kind: str
) -> None:
    for frame in FRAMES if kind == "cin" else ():
        as_cineon(folder / f"log.{frame}.dpx")
    version = delivered(folder, options(folder, plate=str(folder / f"log.####.{kind}"), colour="house_log"))
    expected = bare_conversion(folder, np.asarray(read_image(folder / f"log.1001.{kind}").pixels, np.float32))
    comp, matte = layer(version, "comp").astype(np.float32), layer(version, "matte_effective")[:, :, 0]
    assert expected.max() > 30
    assert np.array_equal(comp[matte == 0], expected[matte == 0].astype(np.float16).astype(np.float32))
    inside = expected[matte == 1]
    error = np.abs(comp[matte == 1] - inside) / np.maximum(inside.max(axis=-1, keepdims=True), 1e-3)
    assert error.max() <= 1e-3


def test_the_review_is_seen_through_the_configs_view_with_the_look_of_the_shot_in_its_context(folder: Path) -> None:
    plain = delivered(folder, options(folder), "plain")
    graded = delivered(folder, options(folder), "graded", SHOT="010")
    pictures = []
    for version in (plain, graded):
        with MovieReader(version / "review.mp4") as movie:
            assert "Monitor / Show" in str(movie.header.attributes)
            pictures.append(movie.read(0).mean())
    assert pictures[1] < 0.8 * pictures[0]
    assert np.array_equal(layer(plain, "comp"), layer(graded, "comp"))


# ---- what is told


def test_the_configs_name_and_digest_stand_in_every_file_and_in_the_manifest_and_no_folder_does(folder: Path) -> None:
    said = options(folder)
    digest = gather_job(said, environment={}).job.settings.colour_config
    version = delivered(folder, said)
    assert read_attribute(version / "comp/comp.1001.exr", "understudy/colour_config") == f"config.ocio {digest}"
    manifest = read_manifest((version / "manifest.json").read_bytes())
    (archive,) = (entry for entry in manifest.inputs if entry.role == "colour_archive")
    assert (archive.name, archive.file) == ("config.ocio", digest)
    assert str(folder) not in (version / "manifest.json").read_text()
    assert digest in (version / "report.html").read_text()


def test_what_the_config_lacks_is_listed_with_where_it_is_taken_from(folder: Path) -> None:
    _, told = recast(folder, options(folder))
    listed = [finding for message in told.of(WorkerFindings) for finding in message.findings]
    (lent,) = (finding for finding in listed if finding.rule == "colour_config_is_whole")
    assert lent.outcome == "warn"
    assert "no linear Rec.709, no sRGB-encoded Rec.709: taken from studio-config-v4.0.0" in lent.message
    assert "role aces_interchange" in lent.message


def test_another_value_of_a_lut_or_of_a_context_variable_is_another_picture(folder: Path) -> None:
    keys = set[str]()
    for gain, shot in ((0.8, "010"), (0.8, "020"), (0.9, "010"), (0.8, "010")):
        write_show(folder / "show", gain=gain)
        keys.add(cache_key(gather_job(options(folder), environment={"SHOT": shot}).job, "1"))
    assert len(keys) == 3


# ---- through the daemon

Submit = Callable[..., Ended]


@pytest.fixture
def submit(
    folder: Path, terminal: Terminal, shared_daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Submit]:
    """Return a function that submits the shot and waits. After the test the daemon must still answer."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(shared_daemon.home))
    monkeypatch.delenv("OCIO", raising=False)
    words = ("--plate", folder / "plate.####.exr", "--matte", folder / "matte.####.exr", "--rate", "24", "--engine",
             "identity", "--reference", folder / "hero.exr", "--self-attest", "a test of colour")  # fmt: skip
    yield lambda *more: terminal("submit", *words, "--wait", *more)
    assert shared_daemon.process.poll() is None
    assert terminal("status").code == 0


def test_with_ocio_set_in_the_shell_the_job_uses_it_and_says_so(
    submit: Submit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCIO", str(folder / "show/config.ocio"))
    monkeypatch.setenv("SHOT", "010")
    ended = submit("--out", folder / "out")
    assert ended.code == 0, ended.err
    assert f"OCIO is set here: the job's colour config is {folder}/show/config.ocio" in ended.err
    settings = read_attribute(folder / "out/comp/comp.1001.exr", "understudy/settings") or ""
    assert '"colour_context":{"SHOT":"010"}' in settings


def test_with_none_typed_the_job_uses_the_built_in_config_whatever_ocio_says(
    submit: Submit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    assert submit("--out", folder / "out", "--ocio", "none").code == 0
    assert submit().code != 0
    said = read_attribute(folder / "out/comp/comp.1001.exr", "understudy/colour_config") or ""
    assert said == "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"


def test_when_the_client_died_before_the_config_crossed_then_the_next_one_archives_it_again_and_sends_it(
    folder: Path, shared_daemon: RunningDaemon, home: Path
) -> None:
    gathered = gather_job(options(folder), environment={})
    with Client.connect(shared_daemon.connection) as client:
        job_id = client.submit(gathered.job, f"a token of the folder {folder.name}"[:40]).job_id
    shutil.rmtree(home / "colour_configs")
    assert follow_job(shared_daemon.connection, job_id, folder / "out").summary.state == "delivered"
    with Client.connect(shared_daemon.connection) as client:
        again = client.submit(gathered.job, f"another token of {folder.name}"[:40])
        assert client.lacking(again.job_id) == {}


def test_when_a_config_changed_since_it_was_submitted_then_the_job_gets_the_one_that_it_announced_or_none(
    folder: Path, shared_daemon: RunningDaemon, home: Path
) -> None:
    write_show(folder / "show", gain=0.55)
    gathered = gather_job(options(folder), environment={})
    with Client.connect(shared_daemon.connection) as client:
        job_id = client.submit(gathered.job, f"a token of the folder {folder.name}"[:40]).job_id
        write_show(folder / "show", gain=0.5)
        shelf = (home / "colour_configs").rename(home / "away")
        with pytest.raises(PlateError, match=r"show/config\.ocio has changed"):
            bring_lacking(client, job_id)
        shutil.rmtree(home / "colour_configs")
        shelf.rename(home / "colour_configs")
    assert follow_job(shared_daemon.connection, job_id, folder / "out").summary.state == "delivered"


@pytest.mark.parametrize("text", ["[" * 400_000, "a: &a [" + "*a," * 100_000 + "]", "x: {" * 200_000])
def test_a_config_of_hostile_yaml_is_refused_and_the_daemon_goes_on(submit: Submit, folder: Path, text: str) -> None:
    with zipfile.ZipFile(folder / "bad.ocioz", "w") as made:
        made.writestr("config.ocio", f"ocio_profile_version: 2.1\nroles: {text}\n")
    ended = submit("--ocio", folder / "bad.ocioz")
    assert ended.code == 3
    assert "bad.ocioz cannot be used" in ended.err


def test_a_job_whose_settings_name_an_archive_that_it_does_not_bring_is_refused(
    folder: Path, shared_daemon: RunningDaemon
) -> None:
    job = gather_job(options(folder), environment={}).job
    without = msgspec.structs.replace(job, shot=msgspec.structs.replace(job.shot, colour_archive=None))
    with Client.connect(shared_daemon.connection) as client, pytest.raises(ComplianceError) as problem:
        client.submit(without, f"a token of the folder {folder.name}"[:40])
    assert "an archive that the job does not bring" in str(problem.value.findings)
