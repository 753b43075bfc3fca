"""A label and the metadata of GB 45438 on the way of a job: in every movie of the picture, in no layer but as asked."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.exr_file import picture_digest, read_attribute
from understudy.bridge.options import JobOptions
from understudy.bridge.shot import RequestedMovie
from understudy.inference.compliance.aigc import aigc_json
from understudy.inference.picture.label import Label
from understudy.inference.picture.movies import MovieReader
from understudy.inference.work_order import WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform

TEXT = "由人工智能生成"
PRODUCER = "001191110000MA01 影"


def made(order: WorkOrder) -> tuple[WorkerEnd, Path]:
    return perform(order, Reporter(Told().append)), Path(order.folder) / "v001"


def labelled(options: JobOptions, folder: Path, **changed: object) -> WorkOrder:
    job = gathered(options)
    movies = (RequestedMovie(layer="comp", kind="prores_422_hq"), RequestedMovie(layer="patch", kind="prores_4444"))
    output = msgspec.structs.replace(job.job.output, movies=movies)
    order = order_of(job, folder, label_text=TEXT, aigc_producer=PRODUCER)
    return msgspec.structs.replace(order, job=msgspec.structs.replace(job.job, output=output), **changed)


def shows(movie: Path, frame: int) -> bool:
    with MovieReader(movie) as reader:
        picture = np.clip(reader.read(frame)[:, :, :3], 0, 1)
        return Label.of(TEXT, reader.width, reader.height).measure(picture).alike > 0.8


def test_movies_of_the_picture_open_with_the_label_and_movies_of_layers_do_not(
    tmp_path: Path, options: JobOptions
) -> None:
    end, version = made(labelled(options, tmp_path / "job"))
    assert end.state == "delivered", end
    said = {finding.rule: finding.message for finding in end.findings}
    assert said["label_is_shown"] == f"2 movies open with the label '{TEXT}'"
    assert shows(version / "review.mp4", 0)
    assert shows(version / "movies" / "comp_prores_422_hq.mov", 0)
    assert not shows(version / "movies" / "patch_prores_4444_straight.mov", 0)


def test_when_its_seconds_are_over_then_the_label_is_gone(tmp_path: Path, options: JobOptions) -> None:
    end, version = made(labelled(options, tmp_path / "job", label_seconds=4 / 24, aigc_producer=""))
    # So short a label is no setting that the daemon takes, and the gate refuses it too.
    assert end.state == "quarantined"
    assert end.error is not None
    assert "review.mp4 shows it for 0.17 s" in end.error.message
    review = next((tmp_path / "job").rglob("review.mp4"))
    assert (shows(review, 3), shows(review, 4)) == (True, False)
    assert not version.exists()


def test_the_metadata_reads_back_byte_for_byte_from_every_movie_and_layer(tmp_path: Path, options: JobOptions) -> None:
    end, version = made(labelled(options, tmp_path / "job"))
    assert end.state == "delivered", end
    wanted = aigc_json(PRODUCER, "testjob1_v001")
    assert json.loads(wanted)["ContentProducer"] == PRODUCER
    for path in (version / "review.mp4", *sorted((version / "movies").iterdir())):
        with MovieReader(path) as movie:
            assert movie.header.attributes["movie/AIGC"] == wanted
    for path in version.rglob("*.exr"):
        assert read_attribute(path, "AIGC") == wanted


def test_the_pixels_of_layers_are_the_same_with_and_without(tmp_path: Path, options: JobOptions) -> None:
    _, with_label = made(labelled(options, tmp_path / "with"))
    _, without = made(order_of(gathered(options), tmp_path / "without"))
    layers = sorted(path.relative_to(without) for path in without.rglob("*.exr"))
    assert layers
    assert [picture_digest(with_label / one) for one in layers] == [picture_digest(without / one) for one in layers]


@pytest.mark.parametrize("text", ["made by \U0001f916", "no more words than a picture of this size can ever hold"])
def test_when_the_label_cannot_be_drawn_then_the_job_fails_before_a_frame_is_made(
    tmp_path: Path, options: JobOptions, text: str
) -> None:
    end, _ = made(labelled(options, tmp_path / "job", label_text=text))
    assert end.state == "failed"
    assert end.error is not None
    assert "label_text" in end.error.remedy
    assert not list((tmp_path / "job").rglob("*.exr"))
