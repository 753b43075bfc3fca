"""Numbers that no shot has are refused before anyone makes room for them."""

from collections import Counter

from understudy.bridge.errors import Finding
from understudy.bridge.shot import Pictures
from understudy.inference.compliance.facts import FILES_LIMIT, FRAMES_LIMIT, AdmissionFacts
from understudy.inference.compliance.phrases import write_frames
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses

FILE_LIMIT_BYTES = 2**40  # an hour of uncompressed UHD float is under this


class Rule(AdmissionRule):
    """Counts and sizes are those of a shot; a frame is named once; a movie or a still is one file."""

    def check(self, facts: AdmissionFacts) -> Finding:
        shot = facts.job.shot
        problems: list[str] = []
        if len(shot.range) > FRAMES_LIMIT:
            problems.append(f"the range {shot.range} has {len(shot.range)} frames; {FRAMES_LIMIT} are the limit")
        roles = shot.roles()
        count = sum(len(pictures.files) for pictures in roles.values())
        if count > FILES_LIMIT:
            problems.append(f"the job names {count} files; {FILES_LIMIT} are the limit")
        for role, pictures in roles.items():
            problems += [f"{role} {pictures.typed} {problem}" for problem in pictures_problems(pictures)]
        sizes: dict[str, int] = {}
        for pictures in roles.values():
            for file in pictures.files:
                if sizes.setdefault(file.file, file.size) != file.size:
                    problems.append(f"{file.typed} is named with two sizes")
        if problems:
            return refuses(
                f"the files cannot be right: {'; '.join(problems[:8])}",
                remedy="Check the patterns and --frames; cut a longer shot into parts.",
            )
        return passes(f"{count} files, {len(shot.range)} frames", bytes=str(sum(sizes.values())))


def pictures_problems(pictures: Pictures) -> list[str]:
    """Return what cannot be right about the files of one role."""
    found = [f"names {file.typed} of {file.size} bytes" for file in pictures.files if file.size > FILE_LIMIT_BYTES]
    if pictures.kind == "sequence":
        frames = Counter(file.frame for file in pictures.files)
        twice = [frame for frame, times in frames.items() if times > 1 and frame is not None]
        if twice:
            found.append(f"names frame {write_frames(twice)} more than once")
        if None in frames:
            found.append("holds a file without a frame number")
    elif len(pictures.files) != 1:
        found.append(f"is a {pictures.kind} of {len(pictures.files)} files")
    return found
