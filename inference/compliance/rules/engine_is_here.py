"""The engine that is asked for, in the mode that is asked for."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import AdmissionRule, lists, passes, refuses


class Rule(AdmissionRule):
    """This daemon has the engine and the engine has the mode; one whose take is previz or no final is listed."""

    def check(self, facts: AdmissionFacts) -> Finding:
        settings, engine = facts.job.settings, facts.engine
        if engine is None:
            return refuses(
                f"there is no engine '{settings.engine}' here",
                remedy=f"Choose one with --engine: {write_list(facts.engines) or 'this daemon has none'}.",
            )
        if settings.mode not in engine.modes:
            return refuses(
                f"the engine {engine.name} has no mode {settings.mode}",
                remedy=f"Choose one with --mode: {write_list(engine.modes)}.",
            )
        if engine.previz:
            return lists(
                f"the engine {engine.name} makes previz, for blocking; every file says so",
                limits="; ".join(engine.limits),
            )
        if engine.not_final:
            return lists(
                f"the take is {engine.not_final}; every file says so, and it is never part of a final",
                remedy="For a final choose another preset.",
            )
        return passes(f"engine {engine.name} {engine.version}, mode {settings.mode}")
