from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from interests.models import Alias, Controls, EndUser, EventKind, Impression, Interaction, Item
from recommender.models import OutcomeOfPerson, OutcomeRefusal
from recommender.ranking.answer_ids import AnswerId
from recommender.services import outcomes
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def kinds() -> None:
    known = {"view": "click", "purchase": "conversion", "like": "like", "dislike": "dislike"}
    for name, outcome in {**known, "rating": "rating", "bookmark": ""}.items():
        EventKind.objects.update_or_create(name=name, defaults={"outcome": outcome})


def answer_text(person: EndUser | None, at: datetime = NOW, **fields: Any) -> str:
    origin = {"run": 7, "placement": 1, "version": 2, "source": "s", **fields}
    answer = AnswerId(
        end_user=person.pk if person else 0, at_ms=int(at.timestamp() * 1000), **origin
    )
    return Signer(salt="recommendation").sign(answer.to_text())


def see(person: EndUser, item: Item, text: str, **fields: Any) -> Impression:
    return Impression.objects.create(
        end_user=person,
        item=item,
        event_id=f"impression {next(_numbers)}",
        recommendation_id=text,
        **{"occurred_at": NOW + MINUTE, "received_at": NOW + MINUTE, **fields},
    )


def do(person: EndUser, item: Item, text: str, kind: str, **fields: Any) -> Interaction:
    fields = {"occurred_at": NOW + 2 * MINUTE, "received_at": NOW + 2 * MINUTE, **fields}
    return factories.event(person, item, kind=kind, recommendation_id=text, **fields)


def count(now: datetime = NOW) -> None:
    """Note what is there, and count it once it has settled."""
    outcomes.count(now=now)
    outcomes.count(now=now + MINUTE)


def counts(*names: str) -> list[tuple[Any, ...]]:
    return list(OutcomeOfPerson.objects.order_by("end_user", "day", "hour").values_list(*names))


def refusals() -> dict[str, int]:
    return dict(OutcomeRefusal.objects.values_list("reason", "num"))


def test_each_item_of_an_answer_counts_once():
    person, one, two = factories.end_user(), factories.item(), factories.item()
    text = answer_text(person, variants=(5, 3))
    for item in (one, two, two):
        see(person, item, text)
    do(person, one, text, "view")
    do(person, one, text, "view")
    do(person, one, text, "purchase", value=12.5)
    do(person, one, text, "bookmark")
    see(person, two, answer_text(person, NOW + MINUTE, variants=(5, 3)))

    count()

    outcome = OutcomeOfPerson.objects.get()
    assert (outcome.end_user, outcome.day, outcome.hour) == (person, NOW.date(), NOW.hour)
    assert (outcome.placement, outcome.version, outcome.run, outcome.source) == (1, 2, 7, "s")
    assert outcome.variants == [3, 5]
    assert (outcome.answers, outcome.impressions) == (2, 3)
    assert (outcome.clicks, outcome.conversions, outcome.revenue) == (1, 1, 12.5)


def test_dwell_is_summed_and_the_last_judgement_of_an_item_counts():
    person, one, two = factories.end_user(), factories.item(), factories.item()
    text = answer_text(person)
    see(person, one, text)
    for seconds in (4.0, 6.5):
        see(person, one, text, dwell_seconds=seconds)
    do(person, one, text, "dislike", occurred_at=NOW + MINUTE)
    do(person, one, text, "like", occurred_at=NOW + 3 * MINUTE)
    do(person, two, text, "dislike")
    do(person, two, text, "rating", value=2.0, occurred_at=NOW + MINUTE)
    do(person, two, text, "rating", value=4.0, occurred_at=NOW + 2 * MINUTE)

    count()

    outcome = OutcomeOfPerson.objects.get()
    assert (outcome.impressions, outcome.dwell_seconds, outcome.num_dwells) == (2, 10.5, 2)
    assert (outcome.likes, outcome.feedbacks) == (1, 2)
    assert (outcome.rating_sum, outcome.num_ratings) == (4.0, 1)


def test_an_answer_that_nobody_saw_does_not_count():
    person, item = factories.end_user(), factories.item()
    do(person, item, answer_text(person), "view")

    count()

    assert counts("clicks") == []
    assert refusals() == {}


def test_what_is_forged_foreign_or_late_is_told_and_not_counted():
    person, other, item = factories.end_user(), factories.end_user(), factories.item()
    own = answer_text(person)
    see(person, item, own)
    see(person, item, own + "x")
    see(person, item, "made up")
    see(person, item, Signer(salt="recommendation").sign("1.2.3"))
    see(person, item, answer_text(other))
    see(person, item, own, is_time_doubtful=True, occurred_at=NOW - timedelta(days=20_000))
    do(person, item, own, "view", occurred_at=NOW + timedelta(days=7, seconds=1))

    count()
    count(NOW + 5 * MINUTE)

    assert counts("answers", "impressions", "clicks") == [(1, 1, 0)]
    assert refusals() == {"forged": 2, "unreadable": 1, "foreign": 1, "doubtful": 1, "late": 1}


def test_answers_to_strangers_and_to_guests_who_became_members_are_anybodys():
    person, guest, item = factories.end_user(), factories.end_user(), factories.item()
    see(person, item, answer_text(None, source="f"))
    see(person, item, answer_text(guest, NOW + timedelta(hours=1)))
    guest.delete()

    count()

    assert counts("source", "impressions") == [("f", 1), ("s", 1)]


def test_counting_twice_changes_nothing_and_late_rows_join_their_hour():
    person, item = factories.end_user(), factories.item()
    text = answer_text(person)
    see(person, item, text)
    count()
    before = counts("impressions", "clicks")
    later = NOW + timedelta(days=3)
    do(person, item, text, "view", occurred_at=later, received_at=later)

    count(later)
    count(later + 5 * MINUTE)

    assert before == [(1, 0)]
    assert counts("day", "hour", "impressions", "clicks") == [(NOW.date(), NOW.hour, 1, 1)]


def test_a_row_that_commits_late_with_a_smaller_key_is_counted():
    person, item = factories.end_user(), factories.item()
    text = answer_text(person)
    slow = see(person, item, text)
    key = slow.pk
    slow.delete()
    see(person, factories.item(), text)

    outcomes.count(now=NOW)  # notes the greater key
    outcomes.count(now=NOW + timedelta(seconds=20))  # too early to believe it
    see(person, item, text, pk=key)
    outcomes.count(now=NOW + MINUTE)

    assert counts("impressions") == [(2,)]


def test_rows_are_counted_in_parts(monkeypatch):
    monkeypatch.setattr(outcomes, "ROWS_AT_ONCE", 2)
    person, items = factories.end_user(), [factories.item() for _ in range(5)]
    text = answer_text(person)
    for item in items:
        see(person, item, text)
        do(person, item, text, "view")
    # As where millions of events came before.
    Interaction.objects.filter(pk=Interaction.objects.latest("pk").pk).update(id=10**12)

    count()

    assert counts("impressions", "clicks") == [(5, 5)]


def test_recounting_puts_right_what_is_wrong_in_an_hour():
    person, item = factories.end_user(), factories.item()
    see(person, item, answer_text(person))
    see(person, item, answer_text(person, NOW - timedelta(hours=1)))
    count()
    OutcomeOfPerson.objects.update(impressions=99, source="f")

    outcomes.recount(since=NOW, until=NOW + timedelta(hours=1), now=NOW)

    assert counts("hour", "source", "impressions") == [(11, "f", 99), (12, "s", 1)]


def test_rows_that_a_member_takes_over_are_the_members():
    member, guest, item = factories.end_user(), factories.end_user(), factories.item()
    see(guest, item, answer_text(guest))
    count()
    Impression.objects.update(end_user=member)
    guest.delete()
    Alias.objects.create(user_id="guest", end_user=member, created_at=NOW + 2 * MINUTE)

    outcomes.count(now=NOW + 3 * MINUTE)

    assert counts("end_user", "impressions") == [(member.pk, 1)]


def test_who_opts_out_is_counted_no_longer():
    person, other, item = factories.end_user(), factories.end_user(), factories.item()
    for own in (person, other):
        see(own, item, answer_text(own))
    count()
    Controls.objects.create(end_user=person, is_opted_out=True, updated_at=NOW + 2 * MINUTE)

    outcomes.count(now=NOW + 3 * MINUTE)

    assert counts("end_user") == [(other.pk,)]


def test_what_somebody_wants_forgotten_does_not_count():
    person, item = factories.end_user(), factories.item()
    text = answer_text(person)
    see(person, item, text)
    see(person, factories.item(), text, occurred_at=NOW + timedelta(days=1))
    Controls.objects.create(end_user=person, forget_before=NOW + timedelta(hours=1), updated_at=NOW)

    count()

    assert counts("impressions") == [(1,)]


def test_an_item_was_looked_at_for_half_an_hour_at_most():
    person, item = factories.end_user(), factories.item()
    text = answer_text(person)
    see(person, item, text)
    see(person, item, text, dwell_seconds=86_400.0)

    count()

    assert counts("dwell_seconds", "num_dwells") == [(1_800.0, 1)]


def test_what_is_read_and_sent_back_through_the_api_is_counted():
    person, item = factories.end_user("ada"), factories.item("book")
    publication = factories.publication()
    factories.slate(publication, person, [item])
    headers = {
        name: {"Authorization": f"Bearer {factories.api_key(scope)}"}
        for name, scope in (("read", "recommendations:read"), ("write", "events:write"))
    }
    address = "/api/v1/users/ada/recommendations"
    answer = Client().get(address, headers=headers["read"]).json()
    event = {
        "user_id": "ada",
        "item_id": answer["items"][0]["item_id"],
        "recommendation_id": answer["recommendation_id"],
    }
    kinds = {"impression": None, "dwell": 12.5, "view": None, "purchase": 30.0}
    body = [{"event_id": kind, "kind": kind, "value": value, **event} for kind, value in kinds.items()]  # fmt: skip

    sent = Client().post("/api/v1/events", {"events": body}, "application/json", headers=headers["write"])  # fmt: skip
    count(timezone.now())

    assert sent.json()["accepted"] == 4
    assert counts("end_user", "run", "source", "impressions", "clicks", "conversions", "revenue", "dwell_seconds") == [
        (person.pk, publication.pk, "s", 1, 1, 1, 30.0, 12.5)
    ]  # fmt: skip
    assert refusals() == {}
