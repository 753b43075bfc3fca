"""The config that decides every value is one that the job brings, or one that everybody has."""

import re

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses

ARCHIVE_LIMIT_BYTES = 1 << 30  # what the artist's side packs at most
VALUE_LIMIT = 1024
DIGEST = re.compile(r"[0-9a-f]{64}\Z")
VARIABLE = re.compile(r"[A-Za-z_]\w{0,63}\Z", re.ASCII)


class Rule(AdmissionRule):
    """The settings name a built-in config, or the job's own archive by its digest; context variables are plain text."""

    def check(self, facts: AdmissionFacts) -> Finding:
        settings, own = facts.job.settings, facts.job.shot.colour_archive
        name, context = settings.colour_config, settings.colour_context
        problems = [
            f"the context variable {variable[:64]!r} is not plain text"
            for variable, value in context.items()
            if not VARIABLE.match(variable) or len(value) > VALUE_LIMIT or not value.isprintable()
        ]
        if own is None and DIGEST.match(name):
            problems.append(f"the colour config {name} is an archive that the job does not bring")
        if own is not None and (len(own.pictures.files) != 1 or own.pictures.files[0].file != name):
            problems.append(f"the job brings the colour config {own.pictures.typed}, but its settings name {name}")
        if own is not None and own.pictures.files[0].size > ARCHIVE_LIMIT_BYTES:
            problems.append(
                f"the colour config {own.pictures.typed} has {own.pictures.files[0].size} bytes; "
                f"{ARCHIVE_LIMIT_BYTES} are the limit"
            )
        if problems:
            return refuses(
                "; ".join(problems), remedy="Name the config with --ocio, or take the built-in: --ocio none."
            )
        values = ", ".join(f"{variable}={value}" for variable, value in sorted(context.items()))
        told = f"{own.pictures.typed}" if own is not None else f"built in: {name}"
        return passes(f"the colour config is {told}{f', with {values}' if values else ''}", config=name)
