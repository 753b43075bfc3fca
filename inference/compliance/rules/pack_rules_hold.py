"""Laws, contracts and clients' wishes are data: every pack that applies is asked, and every rule of it answers."""

from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.pack_rules import judge_packs
from understudy.inference.compliance.rule import AdmissionRule, Several


class Rule(AdmissionRule):
    """Every rule of every policy pack that applies was evaluated on what the record states."""

    def check(self, facts: AdmissionFacts) -> Several:
        return judge_packs(facts.job, "admission", facts.today, facts.actor, facts.packs, facts.registry)
