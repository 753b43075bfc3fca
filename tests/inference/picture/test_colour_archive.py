"""A studio's own config out of an archive: what harms is refused by name, what lacks is lent, LUTs are its own."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest
from show_config import TEXT, log_curve, write_show

from understudy.bridge.colour_config import archive_of
from understudy.bridge.errors import RequestError
from understudy.bridge.exr_file import file_digest
from understudy.inference.picture.colour import LINEAR_REC709, SRGB_TEXTURE, ColourConfig
from understudy.inference.picture.colour_archive import ENTRIES_LIMIT
from understudy.inference.picture.colour_configs import open_archive

AP1 = "!<BuiltinTransform> {style: ACEScg_to_ACES2065-1}"
XYZ = "!<BuiltinTransform> {style: UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD}"
HOUSE = "!<MatrixTransform> {matrix: [3, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1]}"
"""A camera's own primaries, which nobody else has."""

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return archive_of(str(write_show(tmp_path / "show", gain=0.8)))


def opened(archive: Path, **context: str) -> ColourConfig:
    """Return the config as a job has it: by the archive's digest, under the name that the artist typed."""
    digest = file_digest(archive)
    return ColourConfig("/show/config.ocio", open_archive(archive, "/show/config.ocio", digest, context))


def refused(archive: Path) -> RequestError:
    with pytest.raises(RequestError) as problem:
        opened(archive).check_reach("log_show")
    assert "/show/config.ocio" in problem.value.message
    assert problem.value.remedy
    return problem.value


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("config.ocio", TEXT)
        for name, content in members:
            made.writestr(name, content)
    return path


def written_as(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry


def light(value: float = 0.5) -> np.ndarray:
    return np.full((1, 1, 3), value, np.float32)


# ---- what harms


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.cube", "/etc/x.cube", "luts/../../x.cube", "C:/x.cube"])
def test_when_an_entry_leads_out_of_the_archive_then_it_is_refused_by_name(tmp_path: Path, name: str) -> None:
    message = refused(packed(tmp_path / "a", (name, b"x"))).message
    assert name in message
    assert "leads out" in message


def test_when_an_entry_is_a_link_then_it_is_refused_by_name(tmp_path: Path) -> None:
    link = written_as("luts/house_log.spi1d", stat.S_IFLNK | 0o777)
    assert "'luts/house_log.spi1d' is a link" in refused(packed(tmp_path / "a", (link, b"/etc/passwd"))).message


def test_when_an_archive_would_unpack_to_gigabytes_then_nothing_is_unpacked(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "a", ("luts/house_log.spi1d", bytes(300 << 20)))
    assert bomb.stat().st_size < 1 << 20
    assert "314572800 bytes" in refused(bomb).message


def test_when_an_entry_unpacks_to_more_than_it_says_then_no_more_is_taken(tmp_path: Path) -> None:
    path = packed(tmp_path / "a", ("luts/house_log.spi1d", bytes(1 << 20)))
    data = path.read_bytes()
    path.write_bytes(data.replace((1 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert "house_log.spi1d" in refused(path).message


def test_when_an_archive_has_more_entries_than_any_config_then_they_are_not_read(tmp_path: Path) -> None:
    many = packed(tmp_path / "a", *((f"{number}", b"") for number in range(ENTRIES_LIMIT)))
    assert f"more than {ENTRIES_LIMIT} entries" in refused(many).message


def test_when_a_name_is_there_twice_then_it_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed(tmp_path / "a", ("luts/x.cube", b"1"), ("luts/x.cube", b"2"))
    assert "'luts/x.cube' is there twice" in refused(path).message


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"PK" + bytes(100), lambda data: data[::-1]],
)
def test_when_an_archive_is_damaged_then_it_is_refused_without_a_crash(
    archive: Path, damage: Callable[[bytes], bytes]
) -> None:
    archive.write_bytes(damage(archive.read_bytes()))
    assert "no zip archive" in refused(archive).message


def test_when_a_lut_rots_within_the_archive_then_it_is_refused(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    at = data.find(b"Components 1")
    data[at + 40] ^= 1
    archive.write_bytes(bytes(data))
    assert "house_log.spi1d" in refused(archive).message


def test_when_an_archive_holds_no_config_then_that_is_said(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as made:
        made.writestr("sub/config.ocio", TEXT)
    assert "no config.ocio at its root" in refused(tmp_path / "a").message


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "\nfamily_separator: !!python/object/apply:os.system ['touch {mark}']\n",
        TEXT.replace("name: log_show", "name: !<tag:yaml.org,2002:js/function> 'function () {{}}'"),
        TEXT.replace("roles:", "roles: &a [*a, *a]\nnothing:"),
    ],
)
def test_a_tag_that_would_run_code_elsewhere_runs_nothing(tmp_path: Path, text: str) -> None:
    mark = tmp_path / "mark"
    with zipfile.ZipFile(tmp_path / "a", "w") as made:
        made.writestr("config.ocio", text.replace("{mark}", str(mark)))
    with pytest.raises(RequestError):
        opened(tmp_path / "a").check_reach("log_show")
    assert not mark.exists()


@pytest.mark.parametrize("path", ["{file}", "../../../../../../..{file}", "${{ROOT}}{file}"])
def test_a_config_reads_no_file_of_this_machine_though_it_be_a_lut(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.spi1d").write_text(log_curve())
    name = path.format(file=tmp_path / "secret.spi1d")
    with zipfile.ZipFile(tmp_path / "a", "w") as made:
        made.writestr("config.ocio", TEXT.replace("house_log.spi1d", f'"{name}"').replace("luts:", "luts:/:"))
    assert "secret.spi1d" in refused(tmp_path / "a").message


def test_a_newer_profile_is_refused_by_both_numbers(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as made:
        made.writestr("config.ocio", TEXT.replace("ocio_profile_version: 2.1", "ocio_profile_version: 2.99"))
    ours = ".".join(PyOpenColorIO.GetVersion().split(".")[:2])
    assert f"/show/config.ocio has profile 2.99; the daemon reads up to {ours}" in refused(tmp_path / "a").message


def test_when_a_lut_is_not_in_the_archive_then_it_is_named_without_our_own_paths(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a")
    message = refused(archive).message
    assert "'luts/house_log.spi1d'" in message
    assert file_digest(archive) not in message


def test_an_unknown_space_is_refused_with_the_nearest_names_of_that_config(archive: Path) -> None:
    with pytest.raises(RequestError, match=r"no colour space 'log_shw' in /show/config\.ocio") as problem:
        opened(archive).resolve("log_shw")
    assert "'log_show'" in problem.value.remedy


# ---- LUTs and context variables


def test_a_log_space_of_the_config_goes_through_its_own_lut_and_back(archive: Path) -> None:
    show = opened(archive)
    assert show.convert(light(), "house_log", "lin_show") == pytest.approx(0.18, rel=1e-3)
    assert show.convert(light(0.18), "lin_show", "compositing_log") == pytest.approx(0.5, rel=1e-3)


def test_values_are_those_of_opencolorio_on_the_folder_itself(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show", gain=0.8)
    own = PyOpenColorIO.Config.CreateFromFile(str(config)).getProcessor("log_show", "lin_show")
    pixels = np.random.default_rng(3).random((1, 500, 4)).astype(np.float32)
    expected = pixels.copy()
    own.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGBA(expected)
    assert np.array_equal(opened(archive_of(str(config))).convert(pixels, "log_show", "lin_show"), expected)


def test_a_context_variable_of_the_job_chooses_the_look_and_without_one_the_configs_default_does(archive: Path) -> None:
    plain = opened(archive).display_codes(light(0.18), "lin_show", "Monitor", "Show")
    graded = opened(archive, SHOT="010").display_codes(light(0.18), "lin_show", "Monitor", "Show")
    stops = (0.5 - 0.4) * 16  # the look of shot 010 scales log codes by 0.8
    assert plain == pytest.approx(0.18 ** (1 / 2.2), rel=1e-3)
    assert graded == pytest.approx((0.18 * 2.0**-stops) ** (1 / 2.2), rel=1e-2)


def test_the_daemons_own_environment_does_not_reach_a_jobs_colours(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOT", "010")
    codes = opened(archive).display_codes(light(0.18), "lin_show", "Monitor", "Show")
    assert codes == pytest.approx(0.18 ** (1 / 2.2), rel=1e-3)


def test_two_shows_with_luts_of_one_name_do_not_share_them(tmp_path: Path) -> None:
    first = archive_of(str(write_show(tmp_path / "one", gain=1.0)))
    second = archive_of(str(write_show(tmp_path / "two", gain=0.8)))
    codes = [
        opened(path, SHOT="010").display_codes(light(0.18), "lin_show", "Monitor", "Show")[0, 0, 0]
        for path in (first, second)
    ]
    assert codes[0] > 1.2 * codes[1]


def test_an_archive_by_opencolorio_itself_is_read(tmp_path: Path) -> None:
    config = PyOpenColorIO.Config.CreateFromFile(str(write_show(tmp_path / "show")))
    config.archive(str(tmp_path / "show.ocioz"))
    show = ColourConfig.open(str(tmp_path / "show.ocioz"))
    assert show.convert(light(), "log_show", "lin_show") == pytest.approx(0.18, rel=1e-3)


# ---- what a config lacks


def without(*lines: str) -> str:
    return "\n".join(line for line in TEXT.splitlines() if not any(word in line for word in lines)) + "\n"


def lacking(tmp_path: Path, *lines: str) -> ColourConfig:
    return opened(archive_of(str(write_show(tmp_path / "show", without(*lines)))))


def test_what_a_config_lacks_is_taken_from_the_built_in_one_through_its_aces_role_and_told(archive: Path) -> None:
    show = opened(archive)
    assert show.borrowed() == (
        "the colour config /show/config.ocio has no linear Rec.709, no sRGB-encoded Rec.709: taken from "
        "studio-config-v4.0.0_aces-v2.0_ocio-v2.5 through its role aces_interchange"
    )
    white = show.convert(light(1.0), SRGB_TEXTURE, "lin_show")
    assert white == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("line", ["name: Linear Rec.709 (sRGB)", "name: x\n    aliases: [lin_rec709_scene]"])
def test_a_space_that_the_config_has_under_its_usual_name_or_its_interop_id_is_its_own(
    tmp_path: Path, line: str
) -> None:
    own = f"{TEXT}  - !<ColorSpace>\n    {line}\n    encoding: scene-linear\n"
    said = opened(archive_of(str(write_show(tmp_path / "show", own)))).borrowed()
    assert "no sRGB-encoded Rec.709" in said
    assert "no linear Rec.709" not in said


def test_where_only_the_xyz_role_is_there_it_joins_the_two_as_exactly(tmp_path: Path, archive: Path) -> None:
    through_aces, through_xyz = opened(archive), lacking(tmp_path / "b", "aces_interchange")
    assert "through its role cie_xyz_d65_interchange" in through_xyz.borrowed()
    pixels = np.array([[[0.9, 0.2, 0.05]]], np.float32)
    expected = through_aces.convert(pixels, "lin_show", LINEAR_REC709)
    assert through_xyz.convert(pixels, "lin_show", LINEAR_REC709) == pytest.approx(expected, rel=1e-3)
    assert through_xyz.convert(expected, LINEAR_REC709, "lin_show") == pytest.approx(pixels, rel=1e-3)


def test_where_no_role_joins_the_two_a_space_that_opencolorio_recognises_does(tmp_path: Path, archive: Path) -> None:
    recognised = lacking(tmp_path / "b", "interchange")
    assert "which OpenColorIO recognises" in recognised.borrowed()
    expected = opened(archive).convert(light(), "lin_show", LINEAR_REC709)
    assert recognised.convert(light(), "lin_show", LINEAR_REC709) == pytest.approx(expected, rel=1e-3)


def test_where_nothing_joins_the_two_what_to_add_is_said(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show", without("interchange").replace(AP1, HOUSE).replace(XYZ, HOUSE))
    with pytest.raises(RequestError, match="cannot convert 'lin_show'") as problem:
        opened(archive_of(str(config))).borrowed()
    assert "aces_interchange" in problem.value.remedy


def test_a_config_without_a_display_is_reviewed_through_the_built_in_ones_and_that_is_told(tmp_path: Path) -> None:
    text = TEXT.replace("  Monitor:\n    - !<View> {name: Show, colorspace: shown, looks: grade}\n", "")
    text = text.replace("displays:\n", "").replace("[Monitor]", "[]").replace("[Show]", "[]")
    show = opened(archive_of(str(write_show(tmp_path / "show", text))))
    assert "no a display" not in show.borrowed()
    assert "no display" in show.borrowed()
    view = show.review_view("lin_show")
    assert 60 < show.display(light(0.18), "lin_show", view.display, view.view)[0, 0, 0] < 140


def test_scene_light_is_reviewed_through_the_configs_own_view_and_look(archive: Path) -> None:
    assert opened(archive).review_view("lin_show")[:2] == ("Monitor", "Show")
    opened(archive).check_view()


def test_a_view_whose_look_has_no_lut_is_refused_by_the_luts_name(tmp_path: Path) -> None:
    config = write_show(tmp_path / "show")
    (tmp_path / "show/looks/000/grade.cube").unlink()
    with pytest.raises(RequestError, match=r"grade\.cube") as problem:
        opened(archive_of(str(config))).check_view()
    assert "'Monitor'" in problem.value.remedy
