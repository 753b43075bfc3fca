"""The names of all that must run in a publish: what is not listed here is not asked for, so a test holds the list."""

from __future__ import annotations

COLLECTOR = "CollectUnderstudyLayers"
RULES = (
    "ValidateUnderstudyFilesAreThere",
    "ValidateUnderstudyEverythingWasSeen",
    "ValidateUnderstudyLayersAreFinal",
    "ValidateUnderstudyLayersAreCleared",
    "ValidateUnderstudyLayersAreNotRevoked",
    "ValidateUnderstudyLayersAreUnchanged",
    "ValidateUnderstudyLayersAreKnown",
    "ValidateUnderstudyPapersWereAskedFor",
)
LAST_RULE = "ValidateUnderstudyEveryRuleRan"
WRITER = "ExtractUnderstudyFinal"
EVERYTHING = (COLLECTOR, *RULES, LAST_RULE, WRITER)
