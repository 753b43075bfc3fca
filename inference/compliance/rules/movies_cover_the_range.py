"""A movie's frames count from a stated number; the range must lie inside."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts, MovieReading
from understudy.inference.compliance.rule import InspectionRule, not_applicable, passes, refuses


class Rule(InspectionRule):
    """Every movie has every frame of the range."""

    def check(self, facts: InspectionFacts) -> Finding:
        wanted = facts.job.shot.range
        movies = {r.role: r.movie for r in facts.roles if r.movie is not None and not r.movie.problem}
        if not movies:
            return not_applicable("no input is a movie that can be read")
        short = [
            f"{role} {movie.typed} has frames {movie.first}-{last(movie)}"
            for role, movie in movies.items()
            if wanted.first < movie.first or wanted.last > last(movie)
        ]
        if short:
            return refuses(
                f"{', '.join(short)}; the shot is {wanted}",
                remedy="Choose --frames inside the movie, or say with --first which number its first picture has.",
                files=(movie.typed for movie in movies.values()),
            )
        return passes(f"{len(movies)} movies cover {wanted}")


def last(movie: MovieReading) -> int:
    return movie.first + movie.count - 1
