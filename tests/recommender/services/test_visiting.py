"""Visits of simulated people: what they see and do is stored, and counted as outcomes of the answers they got."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Sum
from django.utils import timezone

from interests.models import ChangeMark, EndUser, ImportRun, Impression, Interaction
from recommender.models import OutcomeOfPerson, OutcomeRefusal
from recommender.services import outcomes, visiting
from recommender.services.visiting import NobodySimulated, Visits
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def simulated(folder: Path) -> None:
    """Fill the site with six people of two tastes, and what is popular; the folder is where they came from."""
    rows = "".join(f"reader {number},Ann\n" for number in range(6))
    (folder / "users.csv").write_text(f"user_id,name\n{rows}")
    ImportRun.objects.create(**factories.done(settings={"is_simulated": True}, source=str(folder)))
    crime, poems = factories.category("Crime"), factories.category("Poems")
    shelves = [[factories.item(categories=(shelf,)) for _ in range(8)] for shelf in (crime, poems)]
    for number in range(6):
        person = factories.end_user(f"reader {number}")
        for thing in shelves[number % 2]:
            factories.event(person, thing)
    factories.popular([*shelves[0], *shelves[1]])


def test_what_is_seen_and_clicked_is_counted_as_it_happened(tmp_path):
    simulated(tmp_path)
    visits = Visits(seed=0)

    done = [visits.once(now=timezone.now()) for _ in range(40)]

    shown, clicked = (sum(getattr(one, name) for one in done) for name in ("shown", "clicked"))
    assert (shown > 0, clicked > 0) == (True, True)
    assert Impression.objects.filter(dwell_seconds=None).count() == shown
    assert Impression.objects.filter(dwell_seconds__gte=1).count() == clicked
    now = timezone.now()
    outcomes.count(now=now)
    outcomes.count(now=now + timedelta(minutes=1))
    counted = OutcomeOfPerson.objects.aggregate(
        Sum("impressions"), Sum("clicks"), Sum("num_dwells")
    )
    assert counted == {
        "impressions__sum": shown, "clicks__sum": clicked, "num_dwells__sum": clicked,
    }  # fmt: skip
    assert not OutcomeRefusal.objects.exists()


def test_each_visit_says_how_many_events_call_for_a_new_slate(tmp_path):
    simulated(tmp_path)
    before = Interaction.objects.count()
    visits = Visits(seed=1)

    marked = sum(visits.once(now=timezone.now()).marked for _ in range(20))

    assert Interaction.objects.count() - before == marked > 0
    assert ChangeMark.objects.count() > 0


def test_new_people_come(tmp_path, monkeypatch):
    simulated(tmp_path)
    monkeypatch.setattr("interests.drift.visitors.NEW_VISITOR_CHANCE", 1.0)
    visits = Visits(seed=0)

    for _ in range(3):
        visits.once(now=timezone.now())

    assert EndUser.objects.filter(user_id__startswith="visitor-").count() == 3


def test_people_begin_with_what_they_did_last(tmp_path, monkeypatch):
    simulated(tmp_path)
    monkeypatch.setattr(visiting, "LAST_EVENTS", 2)
    monkeypatch.setattr("interests.drift.visitors.NEW_VISITOR_CHANCE", 0.0)
    monkeypatch.setattr("interests.drift.visitors.CHANGE_CHANCE", 0.0)
    reader, poem = (
        EndUser.objects.get(user_id="reader 0"),
        factories.item(categories=(factories.category("Travel"),)),
    )
    for hours in (1, 2):
        factories.event(reader, poem, occurred_at=NOW + timedelta(hours=hours))
    visits = Visits(seed=0)

    for _ in range(60):
        visits.once(now=timezone.now())

    found = Interaction.objects.filter(
        end_user=reader, recommendation_id="", occurred_at__gt=NOW + timedelta(days=1)
    )
    assert set(found.values_list("item__categories__name", flat=True)) == {"Travel"}


def test_somebody_real_among_them_is_left_alone(tmp_path):
    simulated(tmp_path)
    factories.event(factories.end_user("ada"), factories.item())
    visits = Visits(seed=2)

    for _ in range(60):
        visits.once(now=timezone.now())

    assert Impression.objects.exclude(end_user__user_id="ada").exists()
    assert not Impression.objects.filter(end_user__user_id="ada").exists()


def test_real_people_are_left_alone():
    ImportRun.objects.create(**factories.done(settings={"is_simulated": False}))
    factories.event(factories.end_user(), factories.item())

    with pytest.raises(NobodySimulated, match="holds no simulated population"):
        Visits(seed=0)

    assert not Impression.objects.exists()
