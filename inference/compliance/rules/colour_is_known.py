"""Colour is declared, or assumed by a stated rule and listed; an unknown name is refused."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes, refuses


class Rule(InspectionRule):
    """Every picture's colour space is one that the config knows."""

    def check(self, facts: InspectionFacts) -> Finding:
        colours = {role.role: role.colour for role in facts.roles if role.colour and role.role != "colour_archive"}
        typed = {role.role: role.typed for role in facts.roles}
        if not colours:
            return not_applicable("no colour space was resolved")
        unknown = {role: colour for role, colour in colours.items() if colour.problem}
        if unknown:
            return refuses(
                "; ".join(f"{role} {typed[role]}: {colour.problem}" for role, colour in unknown.items()),
                remedy=" ".join(dict.fromkeys(colour.remedy for colour in unknown.values())),
                files=(typed[role] for role in unknown),
            )
        spaces = ", ".join(f"{role} is {colour.space}" for role, colour in colours.items())
        assumed = {role: colour for role, colour in colours.items() if colour.assumed}
        if assumed:
            return lists(
                "; ".join(colour.assumed for colour in assumed.values()),
                remedy="Name the plate's space with --colour if this is not so.",
                files=(typed[role] for role in assumed),
                spaces=spaces,
            )
        return passes(spaces)
