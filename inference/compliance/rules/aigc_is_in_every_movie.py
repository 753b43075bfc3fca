"""Where metadata of generated content was asked for, every movie must carry it to the byte."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, not_applicable, passes, refuses

AIGC = "AIGC"


class Rule(DeliveryRule):
    """Every movie carries the JSON of GB 45438 under `AIGC`; the layers' is held to by `provenance_is_complete`."""

    def check(self, facts: DeliveryFacts) -> Finding:
        wanted = facts.marks.get(AIGC, "")
        if not wanted:
            return not_applicable("no metadata of generated content was asked for")
        wrong = [movie.path for movie in facts.movies if movie.aigc != wanted]
        if wrong or not facts.movies:
            return refuses(
                f"{write_list(wrong, 3) or 'no movie'} does not carry the job's {AIGC} metadata",
                remedy="Retry the job; if it comes again, send its report.",
            )
        return passes(f"{len(facts.movies)} movies carry the job's {AIGC} metadata")
