"""A signature over a list proves as much as the list is true."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import SealFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import SealingRule, passes, refuses


class Rule(SealingRule):
    """Every file of the version stands in the signed list with its SHA-256, and nothing else lies beside them."""

    def check(self, facts: SealFacts) -> Finding:
        problems = [f"missing: {write_list(facts.missing)}"] if facts.missing else []
        problems += [f"not listed: {write_list(facts.extra)}"] if facts.extra else []
        problems += [f"altered: {write_list(facts.altered)}"] if facts.altered else []
        renamed = [f"{was} is {now}" for was, now in facts.renamed]
        problems += [f"renamed: {write_list(renamed)}"] if renamed else []
        if problems or not facts.listed:
            return refuses(
                f"the version is not what its list says: {'; '.join(problems) or 'the list is empty'}",
                remedy="Retry the job, and see that nothing else writes into its folder.",
                files=(*facts.missing, *facts.extra, *facts.altered, *(now for _, now in facts.renamed)),
            )
        return passes(f"{facts.listed} files are as they were listed, and nothing else is there")
