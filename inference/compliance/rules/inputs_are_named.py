"""Each mode needs its inputs; each engine may need more."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, lists, passes, refuses

NEEDED = {"replace": ("plate", "matte", "reference"), "animate": ("driver", "reference")}
USED_BY_THE_PICTURE_PATH = frozenset(
    {"plate", "matte", "reference", "holdout", "clean_plate", "driver", "colour_archive"}
)


class Rule(AdmissionRule):
    """Every input that the mode and the engine need is named; one that nobody reads is listed."""

    def check(self, facts: AdmissionFacts) -> Finding:
        mode, engine = facts.job.settings.mode, facts.engine
        given = {role.partition(".")[0] for role in facts.job.shot.roles()}
        if given & {"plate", "keypoints"}:
            given.add("driver")  # the plate itself drives the character unless a rig's keypoints do
        more = engine.required_inputs.get(mode, ()) if engine else ()
        lacking = [role for role in dict.fromkeys((*NEEDED[mode], *more)) if role not in given]
        if lacking:
            return refuses(
                f"the mode {mode} needs {' and '.join(lacking)}",
                remedy="Give " + ", ".join(option(role) for role in lacking) + ".",
            )
        taken = set(more) | set(engine.optional_inputs.get(mode, ()) if engine else ()) | USED_BY_THE_PICTURE_PATH
        unread = sorted(given - taken)
        if unread:
            return lists(f"the engine {facts.job.settings.engine} does not read {' and '.join(unread)}")
        return passes(f"inputs: {', '.join(facts.job.shot.roles())}")


def option(role: str) -> str:
    return "--plate or --keypoints" if role == "driver" else f"--{role.replace('_', '-')}"
