"""DaVinci Resolve as a host: the clip under the playhead, or the marked range of its track."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from understudy.bridge.aside import aside
from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.exr_file import read_channels
from understudy.bridge.frames import FrameRange, Handles
from understudy.bridge.host import (
    Delivered,
    Exported,
    Footage,
    RememberedJob,
    Selection,
    Step,
    Steps,
    refuse_handles_beyond,
    refuse_unseen_by_farm,
)
from understudy.bridge.host_numbers import file_footage
from understudy.bridge.settings import load_settings
from understudy.host_plugins.resolve import memory, placing
from understudy.host_plugins.resolve.choices import Choices
from understudy.host_plugins.resolve.clips import (
    Clip,
    clip_under_playhead,
    clips_on,
    marked_range,
    playhead_frame,
    setting,
    timeline_rate,
    video_tracks,
)
from understudy.host_plugins.resolve.colour import science_of
from understudy.host_plugins.resolve.edition import probe
from understudy.host_plugins.resolve.edits import said_of
from understudy.host_plugins.resolve.memory import Anchor
from understudy.host_plugins.resolve.render import POLL_SECONDS, Order, render
from understudy.host_plugins.resolve.session import Session, identity_of
from understudy.host_plugins.resolve.source import RENDER_IT, source_footage, why_not_frame_for_frame, why_not_source

if TYPE_CHECKING:
    from fusionscript import Resolve, Timeline


class ResolveHost:
    """Implements `bridge.host.Host`."""

    name = "DaVinci Resolve"

    def __init__(self, resolve: Resolve | None, choices: Choices, poll_seconds: float = POLL_SECONDS) -> None:
        """Raises HostError for a Resolve that cannot be scripted."""
        self.edition = probe(resolve)
        assert resolve is not None  # noqa: S101 - probe has looked
        self.session = Session(resolve)
        self.choices = choices
        self._poll_seconds = poll_seconds
        self._busy = False

    def select(self) -> Selection:
        if self._busy:
            raise HostError("Resolve renders for another job just now", remedy="Start this one when that is exported.")
        timeline = self.session.timeline
        clip = self._current_clip(timeline)
        rate = timeline_rate(self.session, timeline)
        marked = marked_range(timeline, clip)
        within = marked is None or (marked.first >= clip.start and marked.last < clip.end)
        cut = marked or clip.frames
        frames = cut.with_handles(Handles.parse(self.choices.options.handles))
        why = self._why_render(timeline, clip, within)
        if not why:
            refuse_handles_beyond(frames, clip.reach, clip.name)
        elif any(frames.handles):
            raise HostError(f"{why}; a render has no handles", remedy="Set `handles` to 0, or use the untouched clip.")
        cautions = (why, science_of(self.session, timeline).caution) if why else ()
        anchor = Anchor(
            project=self.session.project.GetName(), timeline=identity_of(timeline), timeline_name=timeline.GetName(),
            clip=clip.item.GetUniqueId(), clip_name=clip.name, track=clip.track, start=clip.start,
            left=None if why_not_frame_for_frame(clip, rate) else clip.left, untouched=not why,
        )  # fmt: skip
        options = self.choices.options
        return Selection(
            shot=options.shot or clip.shot, frames=frames, rate=rate, anchor=anchor.text(),
            plate=f"{clip.name}, {'rendered' if why else 'source frames'}", matte=self._matte_in_words(),
            reference=options.reference or "", clean_plate=options.clean_plate or "",
            cautions=tuple(caution for caution in cautions if caution),
        )  # fmt: skip

    def _current_clip(self, timeline: Timeline) -> Clip:
        """Return the clip under the playhead; where the matte or a take of ours lies over one, that one is meant."""
        clip = clip_under_playhead(timeline)
        if self.choices.matte_from == "track" and clip.track == self.choices.matte_track:
            return self._below(timeline, clip)
        job_id = placing.job_of(clip)
        if not job_id:
            return clip
        made_of = [kept.job for kept in memory.all_kept(self.session) if kept.job.job_id == job_id]
        plate = memory.clip_of(self.session, Anchor.read(made_of[0].anchor)) if made_of else None
        if plate is None:
            raise HostError(
                f"{clip.name} is a take of ours, and the clip that it was made of is gone",
                remedy="Disable the take's track and put the playhead on the clip that is to be recast.",
            )
        return plate

    def _below(self, timeline: Timeline, matte: Clip) -> Clip:
        frame = playhead_frame(timeline, setting(self.session, timeline, "timelineFrameRate"))
        for track in reversed(range(1, matte.track)):
            for clip in clips_on(timeline, track) if timeline.GetIsTrackEnabled("video", track) else ():
                if clip.touches(frame, frame) and not placing.job_of(clip):
                    return clip
        raise HostError(
            f"under the playhead is only {matte.name}, on the matte's track {matte.track}",
            remedy="Put the plate on a track below the matte's, or choose another `matte_track`.",
        )

    def _why_render(self, timeline: Timeline, clip: Clip, within: bool) -> str:
        """Return why the clip's own files will not do, '' where they will. Raises HostError where they must."""
        others = tuple(clips_on(timeline, clip.track))
        why = "" if within else f"the marked range reaches beyond {clip.name}"
        why = why or why_not_source(clip, timeline_rate(self.session, timeline), others)
        why = why or said_of(self.session, timeline, clip)
        if why and self.choices.source == "source":
            raise HostError(why, remedy=RENDER_IT)
        return why or ("a render was asked for" if self.choices.source == "render" else "")

    def _matte_in_words(self) -> str:
        said = {"track": f"video track {self.choices.matte_track}, rendered", "alpha": "the clip's alpha"}
        return said.get(self.choices.matte_from, self.choices.options.matte or "")

    def export(self, selection: Selection, folder: Path) -> Steps[Exported]:
        anchor = Anchor.read(selection.anchor)
        refuse_unseen_by_farm(load_settings().roots, self.default_folder(selection))
        footage: dict[str, Footage] = {}
        yield from self._turn()
        with self._busy_now():
            footage["plate"] = yield from self._plate(selection, anchor, folder)
            if self.choices.matte_from == "track":
                track = self.choices.matte_track
                footage["matte"] = yield from self._rendered(anchor, Order("matte", track, selection.frames), folder)
        if self.choices.matte_from == "alpha":
            with_alpha = partial(_with_alpha, footage["plate"], selection.frames)
            footage["matte"] = yield from aside(with_alpha, "looking for the alpha")
        options = self.choices.options
        for role, typed in (
            ("matte", options.matte),
            ("clean_plate", options.clean_plate),
            ("holdout", options.holdout),
        ):
            if typed and role not in footage:
                first = self.choices.matte_first
                start = selection.frames.cut.first if first is None else first
                footage[role] = yield from aside(
                    partial(file_footage, typed, selection.frames, footage["plate"], movie_first=start),
                    f"looking for {typed}",
                )
        if options.reference:
            footage["reference"] = Footage(typed=options.reference)
        return Exported(footage=footage, window="display")

    def _plate(self, selection: Selection, anchor: Anchor, folder: Path) -> Steps[Footage]:
        if not anchor.untouched:
            alpha = self.choices.matte_from == "alpha"
            return (yield from self._rendered(anchor, Order("plate", anchor.track, selection.frames, alpha), folder))
        clip = memory.clip_of(self.session, anchor)
        if clip is None:
            raise HostError(f"{anchor.clip_name} is no longer on the timeline", remedy="Select it again.")
        yield Step(1, 1, f"{clip.name} goes as it lies on disk")
        return (yield from source_footage(clip, selection.frames))

    def _rendered(self, anchor: Anchor, order: Order, folder: Path) -> Steps[Footage]:
        timeline = self.session.timeline_called(anchor.timeline, anchor.timeline_name)
        if order.track not in video_tracks(timeline):
            raise HostError(
                f"{anchor.timeline_name} has no video track {order.track}",
                remedy="Choose a `matte_track` that is there.",
            )
        if identity_of(self.session.timeline) != anchor.timeline:
            raise HostError(f"{anchor.timeline_name} is no longer open", remedy="Open it and start this again.")
        pattern = yield from render(self.session, timeline, order, folder, self._poll_seconds)
        colour = science_of(self.session, timeline).space if order.name == "plate" else None
        return Footage(typed=pattern.text, ours=True, colour=colour)

    def place(self, delivered: Delivered) -> Steps[None]:
        yield from self._turn()
        with self._busy_now():
            cautions = yield from placing.place(self.session, delivered, self.choices)
        if cautions:
            memory.remember(self.session, delivered.job, "; ".join(cautions))

    def withdraw(self, job: RememberedJob, why: ErrorReport | None) -> None:
        cautions = placing.take_out(self.session, job)
        memory.say_why(self.session, job, why, cautions)

    def remember(self, job: RememberedJob) -> None:
        memory.remember(self.session, job)

    def forget(self, job: RememberedJob) -> None:
        memory.forget(self.session, job)

    def remembered(self) -> tuple[RememberedJob, ...]:
        return tuple(kept.job for kept in memory.all_kept(self.session))

    def anchor_here(self, frames: FrameRange) -> str:
        """Return the clip under the playhead. A take with other numbers belongs there where it is as long as the clip.

        Raises HostError for one of another length: nothing says which frame of the clip is its first.
        """
        anchor = Anchor.read(self.select().anchor)
        clip = memory.clip_of(self.session, anchor)
        cut = frames.cut
        if clip is None or (clip.start <= cut.first and cut.last < clip.end):
            return anchor.text()
        if len(cut) != clip.end - clip.start:
            raise HostError(
                f"the take has {len(cut)} frames, {cut}, and {clip.name} {clip.end - clip.start}, from {clip.start} on",
                remedy="Put the playhead on the clip that the take was made of.",
            )
        return msgspec.structs.replace(anchor, start=cut.first).text()

    def default_folder(self, selection: Selection) -> Path:
        shot = _safe(selection.shot)
        if self.choices.folder:
            folder = Path(self.choices.folder).expanduser()
            if not folder.is_absolute():
                raise HostError(f"{folder} is no whole path", remedy="Write `folder` from the root or the drive on.")
            return folder / shot
        clip = memory.clip_of(self.session, Anchor.read(selection.anchor))
        path = Path(clip.properties.get("File Path", "")) if clip is not None else Path()
        if not path.is_absolute() or not os.access(path.parent, os.W_OK):
            where = f"beside {path}" if path.is_absolute() else "known for it"
            raise HostError(
                f"there is no folder {where} for the takes of {selection.shot}",
                remedy="Say where takes go: `folder` in the dialog or in resolve.json.",
            )
        return path.parent / "understudy" / shot

    def _turn(self) -> Steps[None]:
        """Wait until no other job renders or places: Resolve has one Deliver page and one open timeline."""
        while self._busy:
            yield Step(0, 1, "waiting for another job's turn in Resolve", pause_seconds=self._poll_seconds)

    @contextmanager
    def _busy_now(self) -> Generator[None]:
        self._busy = True
        try:
            yield
        finally:
            self._busy = False


def _with_alpha(plate: Footage, frames: FrameRange) -> Footage:
    """Return the plate's files as the matte. Raises HostError where they hold no alpha."""
    first = Path(plate.files.get(frames.first) or plate.typed.replace("####", f"{frames.first:04}"))
    if first.suffix.lower() == ".exr" and "A" not in {name.rpartition(".")[2] for name in read_channels(first)}:
        raise HostError(
            f"{first} has no alpha channel",
            remedy="Connect the key to the node graph's alpha output, or take the matte from a track or a file.",
        )
    return Footage(typed=plate.typed, files=plate.files, first=plate.first)


def _safe(shot: str) -> str:
    """Return the shot's name as a folder that Resolve's own patterns do not misread."""
    plain = re.sub(r"[%\[\]{}#*?$\"'<>|:]", "_", shot)
    if plain == shot:
        return plain
    import hashlib  # for odd names alone: a start must not pay for it

    return f"{plain}_{hashlib.sha256(shot.encode()).hexdigest()[:6]}"
