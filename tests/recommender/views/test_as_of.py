"""A person as of a time: the page, its state, and that nothing later leaks into either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from interests.models import Category, EndUser, Interaction, Item, TrackingRun
from recommender import tasks
from recommender.services import answering
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

AT = NOW + timedelta(days=40)


@pytest.fixture(autouse=True)
def live_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer questions at once, as a live worker would."""

    def send(kwargs: dict[str, Any], **_: Any) -> None:
        answering.answer(now=1_000_000.0, **kwargs)

    monkeypatch.setattr(tasks.answer, "apply_async", send)


@pytest.fixture
def person(db: None) -> EndUser:
    """Make somebody who turns from Drama to War after 60 days, an event a day for 100 days."""
    drama, war = (
        factories.category("Drama", colour_rank=0),
        factories.category("War", colour_rank=1),
    )
    plays = [factories.item(f"play {n}", categories=(drama,), created_at=NOW) for n in range(9)]
    tanks = [factories.item(f"tank {n}", categories=(war,), created_at=NOW) for n in range(9)]
    ann = factories.end_user("ann")
    for day in range(100):
        things = plays if day < 60 else tanks
        at = NOW + timedelta(days=day)
        factories.event(ann, things[day % 9], occurred_at=at, received_at=at)
    return ann


def asked(client: Client, person: EndUser, at: datetime | str) -> tuple[str, list[list[str]]]:
    """Return what the part about the state says at a time, and its table."""
    text = at if isinstance(at, str) else at.isoformat()
    address = f"/end-users/{person.pk}/as-of/state"
    client.get(address, {"at": text})  # asks; the answer is there when it is looked at again
    response = client.get(address, {"at": text})
    _, question, said = pages.text(response).partition("What did this person want then?")
    assert question
    return said, pages.table(response) if "<table" in response.content.decode() else []


def test_the_state_is_that_of_the_time(analyst: Client, person: EndUser) -> None:
    said, rows = asked(analyst, person, AT)
    later, later_rows = asked(analyst, person, NOW + timedelta(days=99))

    assert "41 events on 41 days, the last on 13 Apr 2026" in said
    assert rows[0] == ["Category", "Then", "Lately", "Long run"]
    assert rows[1][0] == "Drama"
    assert "100 events on 100 days" in later
    assert later_rows[1][0] == "War"
    assert "None: nothing beyond this person's own noise had shown by then." in said
    assert "Less Drama, more War" in later


def test_few_events_are_told_so_and_none_as_well(analyst: Client, person: EndUser) -> None:
    few, _ = asked(analyst, person, NOW + timedelta(days=11))
    none, rows = asked(analyst, person, NOW - timedelta(days=1))

    assert "12 events on 12 days" in few
    assert "too little to say whether interests move; 30 are needed" in few
    assert "No event of this person had happened by then: nothing can be said." in none
    assert rows == []


def both_parts(client: Client, person: EndUser) -> tuple[str, str]:
    page = client.get(f"/end-users/{person.pk}/as-of", {"at": AT.isoformat()})
    return pages.text(page), asked(client, person, AT)[0]


def test_nothing_later_leaks_into_the_page(analyst: Client, person: EndUser) -> None:
    drama, war = Category.objects.order_by("pk")
    factories.drift_event(person, rising=war, falling=drama, detected_at=AT - timedelta(days=9))
    before = both_parts(analyst, person)

    # Everything after the time is changed, deleted, added; a tracking and changes come later too.
    later = Interaction.objects.filter(end_user=person, occurred_at__gt=AT)
    later.filter(pk__in=later.values("pk")[:20]).update(item=Item.objects.earliest("pk"))
    later.order_by("-pk")[:5][0].delete()
    for day in range(41, 90):
        at = NOW + timedelta(days=day, hours=1)
        factories.event(person, Item.objects.latest("pk"), occurred_at=at, received_at=at)
    factories.drift_event(
        person, rising=war, falling=drama, num_events=999, detected_at=AT + timedelta(days=1)
    )
    publication = factories.publication()
    publication.switches.create(switched_at=AT + timedelta(days=2))
    after = both_parts(analyst, person)
    Interaction.objects.filter(end_user=person, occurred_at__gt=AT).delete()
    without = both_parts(analyst, person)

    assert after[1] == before[1]
    assert without[1] == before[1]
    body = "As of Look back Now"
    assert [said.partition(body)[2] for said, _ in (after, without)] == [
        before[0].partition(body)[2]
    ] * 2
    assert "change raised: less Drama, more War" in before[0]


def test_what_is_known_today_comes_with_a_word_of_warning(analyst: Client, person: EndUser) -> None:
    TrackingRun.objects.create(
        **factories.done(tracker_version="t", finished_at=NOW + timedelta(days=99))
    )

    said, _ = asked(analyst, person, AT)

    assert "What other people teach is newer than this time" in said


def test_times_worth_a_look_are_changes_and_publications(analyst: Client, person: EndUser) -> None:
    drama, war = Category.objects.order_by("pk")
    factories.drift_event(person, rising=war, falling=drama, detected_at=AT)
    publication = factories.publication()
    publication.switches.create(switched_at=AT + timedelta(days=2))

    page = analyst.get(f"/end-users/{person.pk}/as-of")

    said = pages.text(page)
    assert "13 Apr 2026, 12:00 change raised: less Drama, more War" in said
    assert f"15 Apr 2026, 12:00 publication {publication.pk} began to serve" in said
    assert said.index("15 Apr") < said.index("13 Apr")
    assert 'href="?at=2026-04-13T12%3A00%3A00%2B00%3A00"' in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("yesterday", "“yesterday” is no time. Write it as 2026-03-04 or 2026-03-04T18:30."),
        ("2026-02-31", "is no time"),
        ("0001-01-01T00:00:00+14:00", "is no time"),
        ("2999-01-01", "This time is still to come. Pick one that has passed."),
    ],
)
def test_what_is_no_time_is_told_so(
    analyst: Client, person: EndUser, typed: str, words: str
) -> None:
    response = analyst.get(f"/end-users/{person.pk}/as-of", {"at": typed})

    assert response.status_code == 200
    assert words in pages.text(response)
    part = analyst.get(f"/end-users/{person.pk}/as-of/state", {"at": typed})
    assert part.status_code == 404


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2026-03-05", datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-05T10:30", datetime(2026, 3, 5, 10, 30, tzinfo=UTC)),
        ("2026-03-05T10:30:00 02:00", datetime(2026, 3, 5, 8, 30, tzinfo=UTC)),
        ("2026-03-05T10:30:00.25Z", datetime(2026, 3, 5, 10, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_write_them(typed: str, at: datetime) -> None:
    from recommender.views import as_of

    assert as_of.moment(typed) == at


def test_somebody_who_is_not_there_is_404(analyst: Client) -> None:
    assert analyst.get("/end-users/999/as-of").status_code == 404
    assert analyst.get("/end-users/999/as-of/state?at=2026-03-05").status_code == 404
