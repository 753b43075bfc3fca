"""Where a label was asked for, whoever sees the movie must be able to read it."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts, MovieProof
from understudy.inference.compliance.rule import DeliveryRule, not_applicable, passes, refuses

LEAST_SECONDS, LEAST_HEIGHT = 2.0, 0.05
"""GB 45438-2025: at the opening for at least 2 s, at least 5 % of the shortest side."""
_HALF_A_FRAME = 0.02


class Rule(DeliveryRule):
    """Every movie of the finished picture opens with the label that was asked for, long and large enough."""

    def check(self, facts: DeliveryFacts) -> Finding:
        labelled = [movie for movie in facts.movies if movie.label]
        if not labelled:
            return not_applicable("no label was asked for")
        bad = [_lack(movie) for movie in labelled if not _shows(movie)]
        if bad:
            return refuses(
                f"the label is not shown as it must be: {'; '.join(bad)}",
                remedy="Retry the job; if it comes again, send its report.",
            )
        height = min(movie.height for movie in labelled)
        return passes(
            f"{len(labelled)} movies open with the label '{labelled[0].label}'",
            height=f"{height:.3f} of the shortest side",
        )


def _shows(movie: MovieProof) -> bool:
    wanted = min(LEAST_SECONDS, movie.seconds) - _HALF_A_FRAME
    return not movie.problem and movie.shown_seconds >= wanted and movie.height >= LEAST_HEIGHT


def _lack(movie: MovieProof) -> str:
    if movie.problem:
        return movie.problem
    return f"{movie.path} shows it for {movie.shown_seconds:.2f} s at {movie.height:.3f} of the shortest side"
