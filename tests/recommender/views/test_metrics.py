from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from interests.models import ChangeMark
from recommender.models import OutcomeRate, OutcomeRefusal, Placement
from recommender.services import lag
from recsite.celery import QUEUES
from tests import factories

pytestmark = pytest.mark.django_db


def read() -> dict[str, dict[tuple[str, ...], float]]:
    key = factories.api_key("metrics:read")
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {key}"})
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[
                tuple(value for _, value in sorted(sample.labels.items(), reverse=True))
            ] = sample.value
    return found


def test_metrics_tell_how_the_site_stands():
    now = timezone.now()
    factories.publication()
    people = [factories.end_user() for _ in range(3)]
    for number, person in enumerate(people):
        ChangeMark.objects.create(end_user=person, marked_at=now - timedelta(seconds=60 * number))
    ChangeMark.objects.filter(end_user=people[2]).update(failures=3, failed_generation=1)
    placement = Placement.objects.create(name="home", created_at=now)
    OutcomeRate.objects.create(
        span="last-day", begins_at=now, ends_at=now, placement=placement.pk, dimension="all",
        metric="click_through", value=0.04, numerator=4, denominator=100, num_people=50,
    )  # fmt: skip
    OutcomeRefusal.objects.create(day=now.date(), reason="forged", num=7)
    before = lag.refreshed_in_all()
    lag.note_refreshed(5)

    found = read()

    assert found["recsite_waiting_people"] == {(): 2.0}
    assert found["recsite_set_aside_people"] == {(): 1.0}
    assert 60 <= found["recsite_lag_seconds"][()] < 120
    assert found["recsite_redis_up"] == {(): 1.0}
    assert set(found["recsite_queue_length"]) == {(queue,) for queue in QUEUES}
    assert found["recsite_runs"]["done", "publication"] == 1.0
    assert found["recsite_runs"]["failed", "training"] == 0.0
    assert found["recsite_outcome_rate"] == {("home", "click_through"): 0.04}
    assert found["recsite_outcomes_refused_total"]["forged",] == 7.0
    assert found["recsite_refreshed_people_total"] == {(): before + 5.0}
    assert found["recsite_serving_age_seconds"][()] > 0


def test_metrics_of_an_empty_site_say_so():
    found = read()

    assert found["recsite_waiting_people"] == {(): 0.0}
    assert found["recsite_lag_seconds"] == {(): 0.0}
    assert "recsite_serving_age_seconds" not in found
    assert "recsite_outcome_rate" not in found


def test_metrics_are_read_by_the_same_number_of_queries(django_assert_num_queries):
    key = factories.api_key("metrics:read")
    headers = {"Authorization": f"Bearer {key}"}
    Client().get("/metrics", headers=headers)  # the key is looked up once in two seconds

    with django_assert_num_queries(15):
        Client().get("/metrics", headers=headers)
    for number in range(3):
        Placement.objects.create(name=f"place-{number}", created_at=timezone.now())
        factories.publication()

    with django_assert_num_queries(15):
        Client().get("/metrics", headers=headers)
