"""What a process of the gate does: imports the rules by name, lets pyblish publish once, answers line by line.

nursery.py forks the process. It decides nothing: what is missing here is found missing by gate.py. Nothing heavy is
imported: a gate must answer faster than an artist notices.
"""

from __future__ import annotations

import importlib

import msgspec
import pyblish.plugin
import pyblish.util

from understudy.inference.compliance.answers import Answers, Ended, Trouble
from understudy.inference.compliance.facts import AdmissionFacts, DeliveryFacts, InspectionFacts, SealFacts
from understudy.inference.compliance.rule import GateRule, describe

FACTS: dict[str, type[msgspec.Struct]] = {
    "admission": AdmissionFacts,
    "inspection": InspectionFacts,
    "delivery": DeliveryFacts,
    "sealing": SealFacts,
}


def import_rules(package: str, names: tuple[str, ...], answers: Answers) -> list[type[GateRule]]:
    """Return the rules that can be imported, in the order of `names`; each that cannot is told as a trouble."""
    rules: list[type[GateRule]] = []
    for name in names:
        try:
            rule: type[GateRule] = importlib.import_module(f"{package}.{name}").Rule
            rule.name = name
        except BaseException as problem:  # noqa: BLE001  # sys.exit at import must not end the others
            answers.write(Trouble(rule=name, text=f"could not be imported: {describe(problem)}"))
            continue
        if not rule.active:
            answers.write(Trouble(rule=name, text="is switched off (active = False)"))
        rules.append(rule)
    return rules


def run(stage: str, package: str, names: tuple[str, ...], facts: bytes, answers: Answers) -> None:
    """Publish once with exactly these rules. pyblish's own discovery would drop a broken file silently."""
    context = pyblish.plugin.Context()
    context.data["facts"] = msgspec.json.decode(facts, type=FACTS[stage])
    context.data["answers"] = answers
    pyblish.util.publish(context, import_rules(package, names, answers), targets=["default"])
    answers.write(Ended(answered=answers.answered))
