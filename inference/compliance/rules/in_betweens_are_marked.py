"""A frame that shows another frame's picture says so, and its take is never part of a final."""

from collections.abc import Iterator

from understudy.bridge.errors import Finding
from understudy.inference.cadence import MADE
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.marks import NOT_FINAL
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, lists, not_applicable, passes, refuses

WORDS = {"held": 1, "interpolated": 2}
"""What an in-between may be, and of how many made frames."""


class Rule(DeliveryRule):
    """Where not every frame was made, each file says whether its frame is made, held or interpolated, and of which."""

    def check(self, facts: DeliveryFacts) -> Finding:
        not_final = facts.marks.get(NOT_FINAL, "")
        if facts.made is None:
            return lists(_never(not_final)) if not_final else not_applicable("a picture was made for every frame")
        made = frozenset(facts.made)
        between = [frame for frame in facts.range if frame not in made]
        wrong = dict(_wrong(facts, made))
        if wrong or not made:
            return refuses(
                f"{len(wrong)} files do not say whether their picture was made for their frame: "
                f"{write_list(list(wrong.values()), 3)}",
                remedy="Retry the job; files that another program rewrote are made again.",
                files=wrong,
            )
        if between and not not_final:
            return refuses(
                f"{len(between)} frames have no picture of their own, and the take does not say that it is no final",
                remedy="Send the report of this job: a mark was not made.",
                frames=between,
            )
        if not_final:
            return lists(
                f"{len(between)} of {len(facts.range)} frames are in-betweens and say so; {_never(not_final)}",
                remedy="For a final choose another preset.",
                frames=between,
            )
        return passes(f"{len(facts.readings)} files say that their picture was made for their frame")


def _wrong(facts: DeliveryFacts, made: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Yield the path of each file that does not say what its frame is, and that in words."""
    for reading in facts.readings:
        word, shown = reading.in_between
        frames = shown.split()
        if reading.frame in made:
            sound = (word, frames) == (MADE, [str(reading.frame)])
        else:
            sound = WORDS.get(word) == len(frames) and all(_is_one_of(name, made) for name in frames)
        if not sound:
            yield reading.path, f"{reading.path} says '{word}' of frame '{shown}'"


def _is_one_of(name: str, made: frozenset[int]) -> bool:
    return name.removeprefix("-").isdigit() and int(name) in made


def _never(not_final: str) -> str:
    return f"the take is never part of a final: {not_final}"
