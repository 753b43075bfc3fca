"""What every host must do with a whole job, from the selection to what it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from daemon_rig import RunningDaemon
from host_rig import FIRST, FRAMES, RATE, Desk, Drawn, HostRig, read_exr

from understudy.bridge.client import Client
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, Handles

AWKWARD = "Größe 50% [final] $shot"
"""Names that a host's own language, a pattern or a shell might take for something else."""


class JobsContract:
    """Of every host: what was selected is what is sent, and what comes back is shown at the plate's own frames."""

    # ---- what is selected -------------------------------------------------------------------------------------------

    def test_when_a_shot_is_selected_then_its_frames_rate_and_names_are_the_host_s_own(
        self, rig: HostRig, drawn: Drawn
    ) -> None:
        rig.make_shot(drawn, shot="sh010", rate=RATE)
        before = rig.surroundings()
        selection = rig.host.select()
        assert (selection.shot, selection.frames, selection.rate) == (
            "sh010", FrameRange(FIRST, FIRST + FRAMES - 1), RATE,
        )  # fmt: skip
        assert selection.plate
        assert selection.matte
        assert selection.reference
        assert rig.surroundings() == before

    # ---- a whole job ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("untouched", [True, False])
    def test_when_a_shot_is_recast_then_the_host_shows_the_comp_at_the_plate_s_own_frames(
        self, desk: Desk, drawn: Drawn, untouched: bool
    ) -> None:
        if not untouched and not desk.rig.renders:
            pytest.skip(f"{desk.rig.host.name} never renders")
        desk.rig.make_shot(drawn, shot="sh020", rate=RATE, untouched=untouched)
        job = desk.submit(engine="preview")
        desk.wait(job)
        assert job.notice.stage == "placed", job.notice
        assert job.remembered is not None
        folder = Path(job.remembered.folder)
        comps = sorted(folder.rglob("comp.*.exr"))
        assert [int(path.name.split(".")[-2]) for path in comps] == list(range(FIRST, FIRST + FRAMES))
        for frame, path in zip(range(FIRST, FIRST + FRAMES), comps, strict=True):
            shown, wanted = desk.rig.picture(frame)[..., :3], read_exr(path)[..., :3]
            # A host that works in float32 shows `patch` over the plate; the file holds it rounded once to half.
            np.testing.assert_allclose(shown, wanted, rtol=2**-10, atol=2**-14)
        assert np.abs(wanted - read_exr(Path(drawn.plate.replace("####", f"{frame:04}")))[..., :3]).max() > 0.1

    def test_when_a_job_is_sent_then_rate_range_and_shot_reach_the_daemon_exactly(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh030", rate=RATE)
        job = desk.submit()
        desk.wait(job)
        with Client.connect(daemon.connection) as client:
            shot = client.show_job(job.notice.job_id).job.shot
        assert (shot.name, shot.rate, shot.range) == ("sh030", RATE, FrameRange(FIRST, FIRST + FRAMES - 1))
        assert shot.plate is not None
        assert shot.plate.pictures.colour, "the plate's colour space is named, never left to a guess"
        assert [file.frame for file in shot.plate.pictures.files] == list(range(FIRST, FIRST + FRAMES))

    @pytest.mark.parametrize("handles", [Handles(1, 1), Handles(2, 0), Handles(0, 1)], ids=str)
    def test_when_handles_are_asked_for_then_layers_cover_them_and_the_host_and_the_review_show_the_cut(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon, handles: Handles
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh033", rate=RATE, handles=handles)
        whole = FrameRange(FIRST, FIRST + FRAMES - 1, *handles)
        assert desk.rig.host.select().frames == whole
        job = desk.submit(engine="preview")
        desk.wait(job)
        assert job.notice.stage == "placed", job.notice
        with Client.connect(daemon.connection) as client:
            assert client.show_job(job.notice.job_id).job.shot.range == whole
        assert job.remembered is not None
        folder = Path(job.remembered.folder)
        for layer in ("patch", "comp", "matte"):
            files = folder.rglob(f"{layer}.*.exr")
            assert sorted(int(path.name.split(".")[-2]) for path in files) == list(whole), layer
        assert _pictures_in(folder / "review.mp4") == len(whole.cut)
        shown, has = desk.rig.placed()
        assert has == FrameRange(whole.first, whole.last)
        assert shown == (whole.cut if desk.rig.edits else has)
        for frame in whole.cut:
            wanted = read_exr(next(folder.rglob(f"comp.{frame}.exr")))[..., :3]
            np.testing.assert_allclose(desk.rig.picture(frame)[..., :3], wanted, rtol=2**-10, atol=2**-14)

    def test_when_handles_reach_past_the_end_of_the_source_then_they_are_refused_with_what_there_is(
        self, desk: Desk, drawn: Drawn
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh034", rate=RATE, handles=Handles(1, 1))
        desk.rig.ask_handles(Handles(1, 99))
        with pytest.raises(HostError, match=r"1\S99") as refusal:
            desk.rig.host.select()
        assert "andles" in refusal.value.remedy

    def test_when_a_stage_begins_then_it_counts_nothing_of_the_stage_before(self, desk: Desk, drawn: Drawn) -> None:
        desk.rig.make_shot(drawn, shot="sh035", rate=RATE)
        job = desk.submit(engine="preview", seed=4)
        counted: set[tuple[str, int]] = set()

        def ended() -> bool:
            counted.add((job.notice.stage, job.notice.total))
            return job.ended

        desk.turn_until(ended)
        there = {total for stage, total in counted if stage in ("queued", "running", "checking")}
        assert there, counted
        assert max(there) < 1000, f"bytes that were sent, counted on as pictures: {counted}"

    def test_when_names_hold_spaces_brackets_percents_and_umlauts_then_nothing_is_lost(
        self, desk: Desk, drawn: Drawn
    ) -> None:
        desk.rig.make_shot(drawn, shot=AWKWARD, rate=RATE, untouched=not desk.rig.renders)
        job = desk.submit()
        desk.wait(job)
        assert job.notice.stage == "placed", job.notice
        assert desk.rig.picture(FIRST).max() > 0


def _pictures_in(movie: Path) -> int:
    """Count the samples of an MP4's one track (ISO/IEC 14496-12, `stsz`): no host's Python has a decoder."""
    data = movie.read_bytes()
    assert data.count(b"stsz") == 1, "the review has one track"
    start = data.index(b"stsz") + 4 + 4 + 4  # after the name: version and flags, one size for all
    return int.from_bytes(data[start : start + 4], "big")
