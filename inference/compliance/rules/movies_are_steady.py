"""A movie is read by frame number: that needs whole pictures at one rate."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, not_applicable, passes, refuses


class Rule(InspectionRule):
    """Movies can be opened, are progressive, and keep one rate."""

    def check(self, facts: InspectionFacts) -> Finding:
        movies = {reading.role: reading.movie for reading in facts.roles if reading.movie is not None}
        if not movies:
            return not_applicable("no input is a movie")
        bad = {role: movie for role, movie in movies.items() if movie.problem}
        if bad:
            return refuses(
                "; ".join(f"{role}: {movie.problem}" for role, movie in bad.items()),
                remedy=" ".join(dict.fromkeys(movie.remedy for movie in bad.values() if movie.remedy)),
                files=(movie.typed for movie in bad.values()),
            )
        return passes(", ".join(f"{role} has {movie.count} pictures at {movie.rate}" for role, movie in movies.items()))
