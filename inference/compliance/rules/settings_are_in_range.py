"""What the user chose must mean something to the engine."""

import math
from collections.abc import Iterator, Mapping

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import AdmissionRule, lists, passes, refuses

TEXT_LIMIT = 10_000
EXPOSURE_LIMIT_STOPS = 20.0  # a half holds 30 stops above black; twenty off is a slip of the finger


class Rule(AdmissionRule):
    """Every setting is in its range and every engine option is one that the engine reads."""

    def check(self, facts: AdmissionFacts) -> Finding:
        settings, engine = facts.job.settings, facts.engine
        problems: list[str] = []
        stops = settings.exposure_stops
        if stops is not None and not (math.isfinite(stops) and abs(stops) <= EXPOSURE_LIMIT_STOPS):
            problems.append(f"exposure_stops is {stops}; {EXPOSURE_LIMIT_STOPS:g} either way is the limit")
        for name in ("prompt", "negative_prompt"):
            text: str = getattr(settings, name)
            if len(text) > TEXT_LIMIT or "\x00" in text:
                problems.append(f"{name} is {len(text)} characters long; {TEXT_LIMIT} plain ones are the limit")
        if settings.format is not None and settings.mode != "animate":
            problems.append("format is for the mode animate; the mode replace has the plate's size")
        known = engine.options if engine is not None else settings.engine_options
        unknown = [name for name in settings.engine_options if name not in known]
        if unknown:
            problems.append(f"engine_options has {write_list(unknown)}, which {settings.engine} does not read")
        if engine is not None:
            problems += _option_problems(settings.engine_options, engine)
            problems += _misplaced(settings.engine_options, engine, settings.mode)
        if problems:
            return refuses(
                f"settings are out of range: {'; '.join(problems)}",
                remedy=f"The engine {settings.engine} reads: {write_list(tuple(known)) or 'no options'}.",
            )
        unread = [name for name in ("prompt", "negative_prompt") if getattr(settings, name)]
        if unread and engine is not None and not engine.reads_prompt:
            return lists(f"the engine {engine.name} reads no {' and no '.join(unread)}: it is recorded, nothing more")
        return passes("settings are in range")


def _option_problems(options: Mapping[str, str], engine: EngineDescription) -> Iterator[str]:
    """Yield what is wrong with an option's value, by its name."""
    for name, value in options.items():
        words = engine.choices.get(name, ())
        if value in words:
            continue
        if name in engine.ranges:
            least, most = engine.ranges[name]
            number = _number(value)
            if number is None or not least <= number <= most:
                also = f", or one of {', '.join(words)}" if words else ""
                yield f"{name} is '{value}'; {least:g} to {most:g} is the range{also}"
            elif name in engine.whole and not number.is_integer():
                yield f"{name} is '{value}'; a whole number is wanted"
        elif words:
            yield f"{name} is '{value}'; it is one of {', '.join(words)}"


def _misplaced(options: Mapping[str, str], engine: EngineDescription, mode: str) -> Iterator[str]:
    """Yield options that mean nothing in this mode, and those that are said twice in two ways."""
    for name, value in options.items():
        usual = engine.choices.get(name, ("",))[0]
        if engine.only_in.get(name, mode) != mode and value not in (usual, "off"):
            yield f"{name} is for the mode {engine.only_in[name]}, and this is {mode}"
        if name in engine.short_for and value != usual:
            other, word = engine.short_for[name]
            if word in (part.partition(":")[0].strip() for part in options.get(other, "").split(",")):
                yield f"{name} is said twice: by {name}={value} and in {other}={options[other]}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
