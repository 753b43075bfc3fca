"""Where a job's versions go, and which jobs have the same pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import RequestError
from understudy.bridge.record import Record
from understudy.bridge.settings import TEMPLATE, UserSettings
from understudy.bridge.shot import JobRequest, Output, Settings
from understudy.inference.daemon.admission import engine_for
from understudy.inference.daemon.submission import cache_key, place_for
from understudy.inference.engines.descriptions import PREVIEW, WAN_ANIMATE
from understudy.inference.work_order import WorkOrder, layer_path

from .conftest import make_job


@pytest.fixture
def job(tmp_path: Path) -> JobRequest:
    return make_job(tmp_path, content="the same", project="dune").request


def settings(home: Path, template: str = TEMPLATE) -> UserSettings:
    return UserSettings(home=home, template=template)


def test_a_job_of_a_project_goes_where_the_shows_template_says(tmp_path: Path, job: JobRequest) -> None:
    place = place_for(settings(tmp_path), "job0", job)
    assert place.folder == f"{tmp_path}/jobs/dune/sh010/understudy/job0"
    order = WorkOrder(
        job_id="job0", job=job, version=3, actor="a", accepted_at="", blobs={}, folder=place.folder,
        version_folder=place.version_folder, layer_file=place.layer_file,
    )  # fmt: skip
    assert order.version_folder.format(version=3) == "v003"
    assert layer_path(order, "comp", 1001) == "comp/sh010_comp_v003.1001.exr"


def test_a_job_without_a_project_stays_with_the_daemon(tmp_path: Path, job: JobRequest) -> None:
    own = msgspec.structs.replace(job, output=Output())
    assert place_for(settings(tmp_path), "job0", own).folder == f"{tmp_path}/jobs/job0"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{root}/{project}/{shot}/{layer}.{frame:04}.exr", "version"),
        ("{root}/{project}/{shot}/v{version}/{layer}.exr", "frame"),
        ("{root}/{project}/{shot}/v{version}/{layer}.{frame}.dpx", "exr"),
        ("{root}/{project}/{shot}/v{version}/{frame}.exr", "layer"),
        ("{root}/{shot}/v{version}/{layer}/{frame}.exr", "project"),
        ("{root}/{project}/v{version}/{layer}/{shot}.{frame}.exr", "shot"),
        ("{root}/{job}/v{version}/{layer}/{nonsense}.{frame}.exr", "nonsense"),
        ("{root}/{job}/v{version/{layer}/{frame}.exr", "cannot be used"),
    ],
)
def test_a_template_by_which_two_files_would_get_one_name_is_refused(
    tmp_path: Path, job: JobRequest, template: str, why: str
) -> None:
    with pytest.raises(RequestError, match=why):
        place_for(settings(tmp_path, template), "job0", job)


@pytest.mark.parametrize("name", ["{job}", "{0}", "{shot.__class__}"])
def test_a_name_that_looks_like_a_field_is_a_name(tmp_path: Path, job: JobRequest, name: str) -> None:
    odd = msgspec.structs.replace(job, shot=msgspec.structs.replace(job.shot, name=name))
    place = place_for(settings(tmp_path), "job0", odd)
    assert place.folder == f"{tmp_path}/jobs/dune/{name}/understudy/job0"
    assert place.layer_file.format(layer="comp", frame=1, version=1) == f"comp/{name}_comp_v001.0001.exr"


def test_papers_names_and_places_change_no_pixel_and_settings_pictures_and_frames_do(
    tmp_path: Path, job: JobRequest
) -> None:
    def key(**changed: Any) -> str:
        return cache_key(msgspec.structs.replace(job, **changed), "1")

    def shot(**changed: Any) -> str:
        return key(shot=msgspec.structs.replace(job.shot, **changed))

    same = cache_key(job, "1")
    assert key(record=Record(ground="demonstration", attestation="other")) == same
    assert key(output=Output(project="arrakis"), priority=5) == same
    assert shot(name="sh020") == same
    assert key(settings=msgspec.structs.replace(job.settings, seed=1)) != same
    assert shot(rate=None) != same
    assert cache_key(job, "2") != same
    plate = job.shot.plate
    assert plate is not None
    first, *others = plate.pictures.files
    for changed in ({"picture": "a" * 64}, {"frame": 7}):
        files = (msgspec.structs.replace(first, **changed), *others)  # type: ignore[arg-type]
        pictures = msgspec.structs.replace(plate.pictures, files=files)
        assert shot(plate=msgspec.structs.replace(plate, pictures=pictures)) != same
    coloured = msgspec.structs.replace(plate.pictures, colour="ACEScg")
    assert shot(plate=msgspec.structs.replace(plate, pictures=coloured)) != same


def test_admission_judges_the_engine_as_the_settings_make_it_and_as_it_is_where_they_make_none() -> None:
    def engine(name: str, **options: str) -> EngineDescription | None:
        return engine_for(Settings(engine=name, engine_options=options))

    std = engine("wan-animate", preset="std")
    assert std is not None
    assert "preset std" in std.not_final
    assert engine("wan-animate", preset="best") == engine("wan-animate", segment_frames="many") == WAN_ANIMATE
    assert engine("preview", preset="std") == PREVIEW
    assert engine("none such") is None
