"""What is delivered can be checked by anyone, without us: so we check it as they would, before it leaves."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import SealFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import SealingRule, lists, passes, refuses
from understudy.inference.provenance.frame_list import LIST_NAME


class Rule(SealingRule):
    """Every movie and the list of all files read back as signed by us, and nothing is wrong with what they name."""

    def check(self, facts: SealFacts) -> Finding:
        read = {reading.path: reading for reading in facts.signatures}
        unread = [path for path in (*facts.movies, LIST_NAME) if path not in read]
        wrong = [
            f"{reading.path} is {reading.state} ({write_list([*reading.failures, *reading.ingredient_failures], 3)})"
            for reading in facts.signatures
            if reading.state != "Trusted" or reading.failures or reading.ingredient_failures
        ]
        wrong += [f"{path} was not read" for path in unread]
        if wrong:
            return refuses(
                f"what is signed does not read back: {write_list(wrong, 3)}",
                remedy="Check the certificate's dates, and that `trust_anchors` holds its root; `understudy retry`.",
                files=(*unread, *(reading.path for reading in facts.signatures if reading.state != "Trusted")),
            )
        signer = facts.signatures[0].signer
        if facts.development:
            return lists(
                f"{len(read)} signatures read back as trusted on this machine alone: a development certificate signed",
                remedy="For signatures that stand for the studio set `signing_chain` (docs/provenance.md).",
                signer=signer,
            )
        return passes(f"{len(read)} signatures read back as trusted", signer=signer)
