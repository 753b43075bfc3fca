from __future__ import annotations

from understudy.bridge.consent import ConsentScope
from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.papers_messages import ConsentCard, FieldAsked, Judged, PersonCard
from understudy.ui import papers_words
from understudy.ui.consent_rows import consent_rows, ends_in_words, found
from understudy.ui.papers_findings import TOP, asked_fields, by_field, shown_fields, summary, unsound

TODAY = "2026-11-28"


def finding(outcome: str, *fields: str, rule: str = "a.b", message: str = "") -> Finding:
    return Finding(rule=rule, outcome=outcome, message=message, fields=fields)


def card(consent_id: str, **changed: object) -> ConsentCard:
    plain = {"consent_id": consent_id, "talent": "ana", "scope": ConsentScope(), "signed_on": "2026-01-01"}
    return ConsentCard(**{**plain, **changed})  # type: ignore[arg-type]


def test_when_a_rule_reads_many_fields_then_its_finding_stands_at_the_first_that_is_lacking() -> None:
    asked = asked_fields(
        [
            FieldAsked(path="disclosure.form", required=True, stated=True),
            FieldAsked(path="disclosure.placement", required=True),
        ]
    )
    placed = by_field([finding("refuse", "disclosure.form", "disclosure.placement")], asked)
    assert list(placed) == ["disclosure.placement"]


def test_when_a_field_has_many_findings_then_the_worst_comes_first_and_what_passed_says_nothing() -> None:
    said = [finding("pass", "use.media"), finding("warn", "use.media"), finding("refuse", "use.media")]
    assert [one.outcome for one in by_field(said, {})["use.media"]] == ["refuse", "warn"]


def test_when_no_field_mends_it_then_a_finding_stands_at_the_top() -> None:
    assert list(by_field([finding("warn", rule="packs.territories")], {})) == [TOP]


def test_when_something_is_asked_of_people_then_their_list_is_shown_with_every_pack_that_asks() -> None:
    asked = asked_fields(
        [
            FieldAsked(path="cast[].union", packs=("sag@1.0.0",), rules=("sag.union",), stated=True),
            FieldAsked(path="cast[].minor", packs=("base@2.0.0", "sag@1.0.0"), required=True),
        ]
    )
    assert asked["cast"].packs == ("sag", "base")
    assert asked["cast"].missing
    assert "cast" in shown_fields(asked, {}, everything=False)
    assert "cn.label" not in shown_fields(asked, {}, everything=False)


def test_when_a_record_is_unsound_in_many_places_then_each_has_a_finding_of_its_own() -> None:
    problem = RequestError("the record is not sound: `use.territories` has 'X'; `cast[0].talent` 'bo' is nowhere")
    placed = by_field(unsound(problem), {})
    assert set(placed) == {"use.territories", "cast"}
    unread = unsound(RequestError("the record does not read: Expected `bool`, got `str` - at `$.content.intimate`"))
    assert list(by_field(unread, {})) == ["content.intimate"]


def test_the_summary_counts_what_refuses_and_what_warns_and_says_who_vouches() -> None:
    said = (finding("refuse"), finding("broken"), finding("warn"), finding("pass"))
    text = summary(Judged(packs=(), fields=(), findings=said, vouched_by="registry"))
    assert text.startswith("2 rules refuse, 1 warns. Vouched for by this studio's registry")
    assert text.endswith(papers_words.SUMMARY_LATER)  # not stated: warns now, refuses when the take is to leave
    assert summary(Judged(packs=(), fields=(), findings=(), vouched_by="")).startswith("Nothing refuses")


def test_how_long_a_consent_still_counts_is_said_in_words() -> None:
    assert ends_in_words(card("c"), TODAY) == "no end"
    assert ends_in_words(card("c", expires_on=TODAY), TODAY) == "2026-11-28, ends today"
    assert ends_in_words(card("c", expires_on="2026-11-27"), TODAY) == "2026-11-27, ran out yesterday"
    assert ends_in_words(card("c", expires_on="2026-12-08"), TODAY) == "2026-12-08, 10 days left"
    assert ends_in_words(card("c", revoked_on="2026-10-01", revoked=True), TODAY) == "revoked on 2026-10-01"


def test_when_consents_are_searched_then_every_word_must_be_in_them_and_what_covers_comes_first() -> None:
    cards = [card("c-1", why_not="for DE"), card("c-2", covers=True, scope=ConsentScope(projects=("dune",)))]
    rows = consent_rows(cards, [PersonCard(talent="ana", name="Ana Lopez")], TODAY)
    assert [row.card.consent_id for row in rows] == ["c-2", "c-1"]
    assert [row.card.consent_id for row in found(rows, "lopez DUNE", covering=False)] == ["c-2"]
    assert [row.card.consent_id for row in found(rows, "", covering=True)] == ["c-2"]
