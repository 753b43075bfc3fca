"""Runs a real daemon in a process of its own, with stub workers and, unless told otherwise, a gate of one rule.

The rule refuses a record of which `record_id` is `refuse me`; a registry that holds consents is asked as well.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding, UnderstudyError
from understudy.bridge.gpu_settings import parse_gpus
from understudy.bridge.settings import load_settings
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.registered import judge_registry
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.daemon.process import serve
from understudy.inference.daemon.submission import judge_admission

STUB = Path(__file__).with_name("stub_worker.py")


async def one_rule(facts: AdmissionFacts) -> tuple[Finding, ...]:
    refused = facts.job.record.record_id == "refuse me"
    said = Finding(
        rule="one_rule", outcome="refuse" if refused else "pass", message="the record says so", remedy="mend it"
    )
    if not facts.registry.consents_known:
        return (said,)
    borne_out = judge_registry(facts.job, facts.registry, facts.today)
    return (said, msgspec.structs.replace(borne_out, rule="registry_bears_it_out"))


def main() -> int:
    arguments = json.loads(sys.argv[1])
    real_gate = arguments.pop("real_gate", False)
    settings = load_settings(arguments)
    grace = {"cancel": 1.5, "pause": 1.5, "close": 1.0}
    executor = LocalExecutor(
        settings.slots,
        (sys.executable, str(STUB)),
        grace_seconds=grace,
        gpus=parse_gpus(settings.gpus, settings.gpus_per_slot),
    )
    try:
        serve(
            settings,
            executor=executor,
            gate=judge_admission if real_gate else one_rule,
            ready=lambda port: print(port, flush=True),
        )
    except UnderstudyError as problem:
        print(problem.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
