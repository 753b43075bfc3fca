"""What is asked for beside the layers is judged before anything is made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.bridge.shot import Output, RequestedMovie


def facts(make: Any, *movies: RequestedMovie, multipart: bool = False) -> Any:
    return make.admission(msgspec.structs.replace(make.job(), output=Output(movies=movies, multipart=multipart)))


def test_when_nothing_is_asked_for_beside_the_layers_then_the_rule_does_not_apply(say: Any, make: Any) -> None:
    assert say("deliverables_are_known", facts(make)).outcome == "not_applicable"


def test_when_movies_are_of_layers_that_are_made_then_they_pass(say: Any, make: Any) -> None:
    comp = RequestedMovie(layer="comp", kind="prores_422_hq")
    patch = RequestedMovie(layer="patch", kind="prores_4444", alpha="premultiplied")
    assert say("deliverables_are_known", facts(make, comp, patch, multipart=True)).outcome == "pass"


@pytest.mark.parametrize(
    ("movies", "word"),
    [
        ((RequestedMovie(layer="glow", kind="prores_422_hq"),), "no layer 'glow'"),
        ((RequestedMovie(layer="patch", kind="dnxhr_hqx"),), "patch has alpha, which dnxhr_hqx cannot hold"),
        ((RequestedMovie(layer="comp", kind="dnxhr_hqx"),) * 2, "twice"),
    ],
)
def test_when_a_movie_cannot_be_made_then_it_is_refused_by_name(say: Any, make: Any, movies: Any, word: str) -> None:
    found = say("deliverables_are_known", facts(make, *movies))
    assert found.refuses
    assert word in found.message
    assert "prores_4444" in found.remedy


def test_when_a_movie_is_asked_of_a_layer_with_a_size_of_its_own_then_it_is_refused(say: Any, make: Any) -> None:
    with_face = msgspec.structs.replace(make.PREVIEW, layers={"replace": ("comp", "face"), "animate": ("beauty",)})
    asked = facts(make, RequestedMovie(layer="face", kind="prores_422_hq"))
    found = say("deliverables_are_known", msgspec.structs.replace(asked, engine=with_face))
    assert found.refuses
    assert "face has a size of its own" in found.message


def test_when_a_movie_is_asked_of_a_signed_layer_then_it_is_refused(say: Any, make: Any) -> None:
    signed = msgspec.structs.replace(make.PREVIEW, layers={"replace": ("comp", "difference"), "animate": ("beauty",)})
    asked = facts(make, RequestedMovie(layer="difference", kind="prores_4444"))
    found = say("deliverables_are_known", msgspec.structs.replace(asked, engine=signed))
    assert found.refuses
    assert "difference is signed, and no movie holds what is below zero" in found.message
