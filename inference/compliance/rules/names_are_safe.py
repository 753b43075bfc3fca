"""Names become folders and files, on three operating systems."""

import re

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses

# Device names that Windows keeps for itself, with any extension.
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f{}]')


class Rule(AdmissionRule):
    """Shot and project can be a file's name everywhere, and lead nowhere else."""

    def check(self, facts: AdmissionFacts) -> Finding:
        names = {"shot": facts.job.shot.name}
        if facts.job.output.project is not None:
            names["project"] = facts.job.output.project
        wrong = [f"{field} '{name}' {why}" for field, name in names.items() if (why := problem(name))]
        if wrong:
            return refuses(
                f"not usable as a file's name: {'; '.join(wrong)}",
                remedy="Use letters, digits, dots, dashes and underscores, such as SH010_comp.",
            )
        return passes("names are safe")


def problem(name: str) -> str:
    """Return why `name` must not become a folder, or nothing."""
    if not name.strip(". ") or name != name.strip(" ") or name.startswith(".") or name.endswith("."):
        return "begins or ends with a dot or a space"
    if name.startswith(("-", "~")):
        return "begins with a sign that a shell reads"
    found = UNSAFE.search(name)
    if found is not None:
        return f"holds {found.group()!r}"
    return "is reserved by Windows" if RESERVED.match(name) else ""
