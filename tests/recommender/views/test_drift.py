from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import plotly.graph_objects
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from interests.models import Category, DriftMark, PopulationRun, PopulationShare
from tests import factories, population
from tests.recommender.views import pages


def plot(response: Any, name: str) -> dict[str, Any]:
    found = re.search(
        rf'<script id="{name}-plot" type="application/json">(.*?)</script>',
        response.content.decode(),
        re.DOTALL,
    )
    assert found is not None
    figure: dict[str, Any] = json.loads(found[1])
    # Names of colours are the site's own; the rest must be valid for Plotly.
    coloured = re.sub(r'"(category-\w+|card|sunken|text)(/\d+)?"(?!:)', '"#123456"', found[1])
    plotly.graph_objects.Figure(json.loads(coloured))
    return figure


def documentary() -> int:
    return Category.objects.get(name="Documentary").pk


def test_empty_page_says_how_it_is_filled(analyst: Client, engineer: Client) -> None:
    said = pages.text(analyst.get("/drift"))

    assert "No report on the population yet" in said
    assert "python manage.py import_data FOLDER" in said
    assert "No change of anybody's interests has been raised yet" in said
    assert "Work it out now" not in said
    assert "Work it out now" in pages.text(engineer.get("/drift"))


def test_an_engineer_asks_for_a_report_once(
    engineer: Client, analyst: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks():
        response = engineer.post("/drift/describe")
    again = engineer.post("/drift/describe", follow=True)

    run = PopulationRun.objects.get()
    assert (response.status_code, response["Location"]) == (302, "/drift")
    assert run.requested_by is not None
    assert "A report is under way already." in pages.text(again)
    assert f"report {run.pk} is waiting" in pages.text(again)
    assert analyst.post("/drift/describe").status_code == 403


def test_what_everybody_turns_to_is_told_with_its_surest_move(analyst: Client) -> None:
    population.fill()

    response = analyst.get("/drift")

    said = pages.text(response)
    assert "1,152 events of 48 end users, by week. From report" in said
    assert (
        "Documentary rose from 11.1 % to 44.4 % in the week of 13 April 2026, against up to 12 weeks before: "
        "more than noise, even as the surest of 4 looks."
    ) in said
    names = [trace["name"] for trace in plot(response, "turns-to")["data"]]
    assert names[:6] == [
        "Drama, 95 %", "Documentary, 95 %", "Comedy, 95 %", "Drama", "Documentary", "Comedy",
    ]  # fmt: skip
    assert "Documentary, more than noise" in names[6:]


def test_segments_are_a_heat_map_of_the_category_that_moved(analyst: Client) -> None:
    population.fill()

    response = analyst.get("/drift")

    assert "Which segments move in Documentary?" in pages.text(response)
    assert "Documentary rose in the segment paid to " in pages.text(response)
    (trace,) = plot(response, "segments")["data"]
    assert (trace["type"], trace["y"]) == ("heatmap", ["free", "paid"])
    assert len(trace["x"]) == population.NUM_WEEKS
    assert trace["z"][1][-1] > 3 > abs(trace["z"][0][-1])


def test_a_share_of_a_chosen_category_in_a_chosen_window(analyst: Client) -> None:
    population.fill()
    address = f"/drift?category={documentary()}&show=share&from=2026-04-13&to=2026-04-20&kind=plan"

    response = analyst.get(address)

    (trace,) = plot(response, "segments")["data"]
    assert trace["x"] == ["2026-04-13", "2026-04-20"]
    assert trace["colorscale"] == [[0, "sunken"], [1, "category-2"]]
    assert trace["z"][1] == pytest.approx([7 / 9, 7 / 9], abs=0.12)
    drawn = [trace["name"] for trace in plot(response, "turns-to")["data"]]
    assert drawn[:2] == ["Documentary, 95 %", "Documentary"]
    content = response.content.decode()
    assert f'<option value="{documentary()}" selected>Documentary</option>' in content
    assert '<input type="hidden" name="show" value="share">' in content


def test_events_without_a_category_are_shown_only_where_they_are_asked_for(
    analyst: Client,
) -> None:
    population.fill()
    for row in PopulationShare.objects.filter(segment_kind="all").order_by("period"):
        row.category_ids = [*row.category_ids, 0]
        row.shares, row.low, row.high = [*row.shares, 0.9], [*row.low, 0.8], [*row.high, 1.0]
        row.significances = [*row.significances, 20.0]
        row.save()

    usual, asked = analyst.get("/drift"), analyst.get("/drift?category=0")

    assert "Which segments move in Documentary?" in pages.text(usual)
    names = [trace["name"] for trace in plot(usual, "turns-to")["data"]]
    assert "uncategorised" not in names
    assert '<option value="0">uncategorised</option>' in usual.content.decode()
    drawn = [trace["name"] for trace in plot(asked, "turns-to")["data"]]
    assert drawn[:2] == ["uncategorised, 95 %", "uncategorised"]
    assert '<option value="0" selected>uncategorised</option>' in asked.content.decode()


def test_interest_flows_are_net_of_what_came_back(analyst: Client) -> None:
    population.fill()

    response = analyst.get("/drift")

    # Of 24 paying people Drama loses 0.4 each and Comedy 0.1, and Documentary gains 0.5.
    (trace,) = plot(response, "flows")["data"]
    assert trace["node"]["label"] == ["Drama", "Comedy", "Documentary"]
    assert trace["link"]["value"] == pytest.approx([9.6, 2.4])
    assert (trace["link"]["source"], trace["link"]["target"]) == ([0, 1], [2, 2])
    assert (
        "From the week of 2 March 2026 to the week of 20 April 2026, interest worth 12.0 of 48 end users "
        "changed its place on balance, most of it from Drama to Documentary (9.6). Back and forth it was 12.0."
    ) in pages.text(response)


def test_without_movement_between_two_weeks_nothing_flows(analyst: Client) -> None:
    population.fill()

    said = pages.text(analyst.get("/drift?from=2026-03-02&to=2026-03-09"))

    assert "No flow between these two periods" in said


def test_drifters_are_listed_by_how_many_may_be_wrong(analyst: Client) -> None:
    population.fill()
    first, *_ = population.movers()

    response = analyst.get("/drift?level=5")

    table = pages.table(response, -1)
    assert table[0] == ["#", "End user", "Less and more of", "Drift score", "q", "p", "Events"]
    assert [row[:2] + row[3:5] for row in table[1:]] == [
        ["1", "person 00", "7.0", "< 0.001"],
        ["2", "person 01", "6.5", "< 0.001"],
        ["3", "person 02", "6.0", "< 0.001"],
        ["4", "person 03", "5.5", "< 0.001"],
        ["5", "person 04", "5.0", "< 0.001"],
    ]
    assert f'href="/end-users/{first.pk}"' in response.content.decode()
    assert "5 of 48 end users with enough events; on average at most 5 % of these names" in pages.text(response)  # fmt: skip


def test_drifters_as_csv(analyst: Client) -> None:
    population.fill()

    response = analyst.get("/drift?level=20&format=csv")

    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == 'attachment; filename="drifters.csv"'
    assert lines[0] == "rank,user_id,drift_score,p_value,q_value,events,rising,falling"
    assert lines[1].startswith("1,person 00,7.0,1.27")
    assert len(lines) == 1 + population.NUM_MOVERS


def test_a_page_beyond_the_list_leads_back(analyst: Client) -> None:
    population.fill()

    assert "The list ends before this page" in pages.text(analyst.get("/drift?page=9"))


def test_newest_changes_with_what_people_made_of_them(analyst: Client) -> None:
    drama, comedy = factories.category("Drama"), factories.category("Comedy")
    ann, bob = factories.end_user("ann"), factories.end_user("bob")
    now = timezone.now()
    old = factories.drift_event(ann, rising=drama, falling=comedy, detected_at=now - timedelta(days=9))  # fmt: skip
    new = factories.drift_event(bob, rising=comedy, falling=drama, detected_at=now - timedelta(days=1), is_return=True)  # fmt: skip
    factories.drift_event(bob, rising=drama, falling=comedy, detected_at=now, withdrawn_at=now, num_events=130)  # fmt: skip
    for person, verdict in ((ann, "right"), (bob, "wrong")):
        DriftMark.objects.create(
            end_user=person, detected_at=now, begin_at=now, verdict=verdict, made_at=now
        )

    response = analyst.get("/drift")

    assert pages.table(response) == [
        ["End user", "From what to what", "When and how sure"],
        ["bob", "↓ less Drama ↑ more Comedy a return", "1 day ago 98 % sure"],
        ["ann", "↓ less Comedy ↑ more Drama", "9 days ago 98 % sure"],
    ]
    assert "50 % of 2 marked changes were real." in pages.text(response)
    links = re.findall(r'href="(/end-users/\d+/drift/\d+)"', response.content.decode())
    assert links == [f"/end-users/{bob.pk}/drift/{new.pk}", f"/end-users/{ann.pk}/drift/{old.pk}"]


def test_a_failed_report_is_said_and_the_older_one_shown(analyst: Client) -> None:
    population.fill()
    now = timezone.now()
    PopulationRun.objects.create(
        state="failed", requested_at=now, started_at=now, finished_at=now, error="The disk is full."
    )

    said = pages.text(analyst.get("/drift"))

    assert "The last report failed. The disk is full. The one shown is older." in said
    assert "What does everybody turn to?" in said


@pytest.mark.parametrize(
    "query",
    ["category=7&kind=nothing&level=11&show=x", "from=2030-01-01&to=1999-01-01", "from=x&to=&page=0", "category=99999999999"],
)  # fmt: skip
def test_senseless_filters_show_the_page_all_the_same(analyst: Client, query: str) -> None:
    population.fill()

    response = analyst.get(f"/drift?{query}")

    assert response.status_code == 200
    assert len(pages.table(response, -1)) == 1 + population.NUM_MOVERS


@pytest.mark.parametrize("number", [1, 3])
def test_three_drifters_and_changes_cost_as_much_as_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    population.fill()
    drama, comedy = Category.objects.order_by("colour_rank")[:2]
    people = population.movers()
    for person in people[:number]:
        factories.drift_event(person, rising=drama, falling=comedy)
        person.current_state_id = None
    for person in people[number:]:
        person.drift_score = -1.0
        person.save(update_fields=["drift_score"])
    run = population.report()
    analyst.get("/drift")

    with django_assert_num_queries(22):
        response = analyst.get("/drift")

    assert f"report {run.pk}" in pages.text(response)
    assert len(pages.table(response, -1)) == 1 + number
