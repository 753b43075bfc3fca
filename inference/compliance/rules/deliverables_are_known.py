"""What was asked for beside the layers must be something that can be made of them."""

from understudy.bridge.errors import Finding
from understudy.bridge.shot import OWN_SIZES, SIGNED_LAYERS
from understudy.bridge.words import PREMULTIPLIED_LAYERS
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import AdmissionRule, not_applicable, passes, refuses
from understudy.inference.work_order import layers_of


class Rule(AdmissionRule):
    """Movies are of layers that the engine makes, once each, and alpha goes only where it can be kept."""

    def check(self, facts: AdmissionFacts) -> Finding:
        output, engine = facts.job.output, facts.engine
        if not output.movies and not output.multipart:
            return not_applicable("layers, review and report are all that was asked for")
        made = layers_of(facts.job, engine) if engine is not None else ()
        problems = [
            f"there is no layer '{movie.layer}' to make a movie of"
            for movie in output.movies
            if movie.layer not in made
        ]
        problems += [
            f"{movie.layer} has a size of its own, and a movie has the picture's"
            for movie in output.movies
            if movie.layer in made and movie.layer in OWN_SIZES
        ]
        problems += [
            f"{movie.layer} has alpha, which {movie.kind} cannot hold"
            for movie in output.movies
            if movie.layer in PREMULTIPLIED_LAYERS and movie.kind != "prores_4444"
        ]
        problems += [
            f"{movie.layer} is signed, and no movie holds what is below zero"
            for movie in output.movies
            if movie.layer in made and movie.layer in SIGNED_LAYERS
        ]
        if len(set(output.movies)) != len(output.movies):
            problems.append("a movie is asked for twice")
        if problems:
            return refuses(
                f"deliverables: {'; '.join(problems)}",
                remedy=f"Layers of this engine: {write_list(made)}. prores_4444 keeps alpha.",
            )
        return passes(f"{len(output.movies)} movies{' and a multi-part EXR a frame' if output.multipart else ''}")
