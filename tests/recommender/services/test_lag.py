from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache

from interests.models import ChangeMark
from recommender.models import LagSample
from recommender.services import lag
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.delete_many([lag.REFRESHED_KEY, lag.SAMPLED_KEY])


def samples() -> list[tuple[object, ...]]:
    rows = LagSample.objects.order_by("at")
    return list(rows.values_list("lag_seconds", "num_waiting", "num_set_aside", "num_refreshed"))


def test_a_sample_says_who_waits_for_how_long_and_who_was_renewed_since():
    people = [factories.end_user() for _ in range(3)]
    for number, person in enumerate(people):
        ChangeMark.objects.create(end_user=person, marked_at=NOW - timedelta(seconds=10 * number))
    ChangeMark.objects.filter(end_user=people[2]).update(failures=3, failed_generation=1)
    lag.note_refreshed(40)

    lag.sample(now=NOW)
    lag.note_refreshed(2)
    ChangeMark.objects.all().delete()
    lag.sample(now=NOW + timedelta(minutes=1))

    assert samples() == [(10.0, 2, 1, 40), (0.0, 0, 0, 2)]


def test_people_are_counted_on_when_redis_began_anew():
    lag.note_refreshed(40)
    lag.sample(now=NOW)
    cache.delete(lag.REFRESHED_KEY)
    lag.note_refreshed(3)

    lag.sample(now=NOW + timedelta(minutes=1))

    assert samples()[-1] == (0.0, 0, 0, 3)


def test_samples_are_kept_for_a_week():
    lag.sample(now=NOW)
    lag.sample(now=NOW + timedelta(days=7, minutes=1))

    assert [sample.at for sample in LagSample.objects.all()] == [NOW + timedelta(days=7, minutes=1)]
