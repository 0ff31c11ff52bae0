from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender.models import OutcomeRate, OutcomeRefusal, Placement
from tests.recommender.views import pages

pytestmark = pytest.mark.django_db


def home() -> Placement:
    found, _ = Placement.objects.get_or_create(
        name="default", defaults={"created_at": timezone.now()}
    )
    return found


def rate(value: float, *, half: float | None = 0.002, **fields: Any) -> OutcomeRate:
    known: dict[str, Any] = {
        "span": "last-7-days", "begins_at": datetime(2026, 1, 1, tzinfo=UTC),
        "ends_at": datetime(2026, 1, 8, tzinfo=UTC), "placement": home().pk, "dimension": "all",
        "part": "", "metric": "click_through", "numerator": 10.0, "denominator": 1000.0, "num_people": 80,
    }  # fmt: skip
    interval = {"low": value - half, "high": value + half} if half is not None else {}
    return OutcomeRate.objects.create(value=value, **{**known, **interval, **fields})


def stats(response: HttpResponseBase) -> dict[str, str]:
    page = response.content.decode()  # type: ignore[attr-defined]
    found = re.findall(r'stat-name">(.*?)</span><span class="stat-value">(.*?)</span>', page)
    return {name: value.replace("\u2009", " ") for name, value in found}


def test_page_says_how_a_placement_does_against_the_time_before(analyst: Client) -> None:
    rate(0.041)
    rate(0.036, span="7-days-before")
    rate(12.3, metric="dwell", half=1.0, median=9.5)
    rate(0.5, metric="satisfaction", half=None, num_people=12)

    response = analyst.get("/outcomes")

    assert stats(response) == {
        "Click-through": "4.1 % ± 0.2",
        "Conversion": "–",
        "Dwell": "12.3 s ± 1.0",
        "Satisfaction": "50.0 %",
        "Rating": "–",
    }
    said = pages.text(response)
    assert (
        "Click-through is 4.1 % ± 0.2 over the last 7 days, of 1,000 items seen by 80 people; "
        "+0.5 pp against the 7 days before, more than noise." in said
    )
    assert "half of the people longer than 9.5 s" in said
    assert "nothing to compare with in the 7 days before" in said


def test_change_that_could_be_noise_is_called_so(analyst: Client) -> None:
    rate(0.041)
    rate(0.040, span="7-days-before")

    said = pages.text(analyst.get("/outcomes"))

    assert "+0.1 pp against the 7 days before, could be noise." in said


def test_table_splits_by_source_and_says_what_personal_answers_are_worth(analyst: Client) -> None:
    rate(0.04)
    rate(0.05, dimension="source", part="slate", denominator=800.0, num_people=60)
    rate(0.02, dimension="source", part="fallback", denominator=200.0, num_people=20)
    rate(0.01, dimension="source", part="slate", metric="conversion", half=None)
    rate(0.03, dimension="drift", part="drifting")

    response = analyst.get("/outcomes")

    assert pages.table(response, -1) == [
        ["Source", "Click-through", "Conversion", "Items seen", "People"],
        ["Slate", "5.0 % ± 0.2", "1.0 %", "800", "80"],
        ["Fallback", "2.0 % ± 0.2", "–", "200", "20"],
    ]
    assert (
        "Personal answers: 5.0 % ± 0.2 of items seen are clicked; fallback: 2.0 % ± 0.2: 2.5 times as many, "
        "more than noise." in pages.text(response)
    )
    other = analyst.get("/outcomes?split=drift")
    assert pages.table(other, -1)[1][:2] == ["Drifting", "3.0 % ± 0.2"]


def test_figure_draws_days_with_whiskers_where_they_are_known(analyst: Client) -> None:
    rate(0.04)
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days, half in ((0, None), (1, 0.01)):
        begin = today - timedelta(days=days)
        rate(0.04 + days / 100, half=half, span="day", begins_at=begin)

    page = analyst.get("/outcomes").content.decode()

    found = re.search(r'<script id="over-time-plot" type="application/json">(.*?)</script>', page)
    assert found
    [line] = json.loads(found[1])["data"]
    assert line["x"] == [(today - timedelta(days=1)).isoformat(), today.isoformat()]
    assert line["y"] == [0.05, 0.04]
    assert line["error_y"]["array"] == [pytest.approx(0.01), None]


def test_hours_of_parts_are_lines_of_their_own(analyst: Client) -> None:
    rate(0.04)
    hour = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for part, value in (("slate", 0.05), ("fallback", 0.02)):
        rate(value, dimension="source", part=part)
        rate(value, dimension="source", part=part, span="hour", begins_at=hour)

    page = analyst.get("/outcomes?split=source&by=hour").content.decode()

    found = re.search(r'<script id="over-time-plot" type="application/json">(.*?)</script>', page)
    assert found
    lines = json.loads(found[1])["data"]
    assert {line["name"]: line["y"] for line in lines} == {"Slate": [0.05], "Fallback": [0.02]}


def test_without_outcomes_the_page_says_how_to_send_them(analyst: Client) -> None:
    home()

    said = pages.text(analyst.get("/outcomes"))

    assert "No outcomes of “default” in this window" in said
    assert '"kind": "impression", "user_id": "ada"' in said


def test_what_was_not_counted_is_told(analyst: Client) -> None:
    home()
    today = timezone.now().date()
    for days, num in ((0, 3), (1, 4), (8, 100)):
        OutcomeRefusal.objects.create(day=today - timedelta(days=days), reason="foreign", num=num)
    OutcomeRefusal.objects.create(day=today, reason="forged", num=9)

    said = pages.text(analyst.get("/outcomes"))

    assert (
        "9: the recommendation_id was not signed here; 7: the answer was given to somebody else."
        in said
    )


def test_csv_holds_every_rate_of_the_window(analyst: Client) -> None:
    rate(0.041)
    rate(0.05, dimension="source", part="slate")
    rate(0.3, span="last-day")

    response = analyst.get("/outcomes?format=csv")

    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert list(csv.reader(io.StringIO(text))) == [
        ["dimension", "part", "metric", "value", "low", "high", "median", "of", "people"],
        ["all", "", "click_through", "0.041", "0.039", "0.043000000000000003", "", "1000.0", "80"],
        ["source", "Slate", "click_through", "0.05", "0.048", "0.052000000000000005", "", "1000.0", "80"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address", ["?days=x", "?placement=none&metric=5&split=%00", "?days=-1&by=w"]
)
def test_filters_that_make_no_sense_are_passed_over(analyst: Client, address: str) -> None:
    rate(0.041)

    response = analyst.get(f"/outcomes{address}")

    assert stats(response)["Click-through"] == "4.1 % ± 0.2"


@pytest.mark.parametrize("number", [1, 3])
def test_page_asks_as_much_for_three_parts_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    rate(0.041)
    for part in ("slate", "fallback", "session")[:number]:
        rate(0.05, dimension="source", part=part)

    with django_assert_num_queries(10):
        analyst.get("/outcomes")
