"""The leaderboard, two algorithms beside each other, and the way of a publication through the gate."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import EndUser, Item
from recommender.models import (
    EvaluationList,
    EvaluationQuestion,
    EvaluationRun,
    MetricValue,
    PairedTest,
    PublicationRun,
    Serving,
    Slate,
)
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_walk import NARROW, WIDE, accessible, drawn, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
# Name, NDCG, seconds to fit, bytes.
ALGORITHMS = (
    ("most_popular", 0.02, 0.1, 80_000),
    ("item_knn", 0.035, 1.4, 12_000_000),
    ("als", 0.03, 8.0, 6_000_000),
    ("ease", 0.04, 2.0, 40_000_000),
    ("interest_network", 0.05, 90.0, None),
)


def fill() -> EvaluationRun:
    """Make the usual small site with a leaderboard of five algorithms and lists of one end user."""
    person = site.fill()
    run = EvaluationRun.objects.get(split="leave-one-out")
    run.metric_values.all().delete()
    run.results = {
        "baseline": "ease",
        "unfitted": {"svd": "It needs two items: bring more events."},
        "algorithms": {
            name: {"fit_seconds": seconds, "score_seconds": 0.5, "memory_bytes": memory}
            for name, _, seconds, memory in ALGORITHMS
        },
    }
    run.save()
    for segment, factor in (("all", 1.0), ("drifting end users", 0.5)):
        for name, ndcg, _, _ in ALGORITHMS:
            for metric in ("ndcg@10", "recall@10"):
                value = factor * ndcg
                MetricValue.objects.create(
                    evaluation_run=run, algorithm=name, metric=metric, segment=segment, value=value,
                    low=0.9 * value, high=1.1 * value, num_users=610,
                )  # fmt: skip
    for place, (first, value, _, _) in enumerate(ALGORITHMS):
        for second, other, _, _ in ALGORITHMS[place + 1 :]:
            PairedTest.objects.create(
                evaluation_run=run, first=first, second=second, difference=value - other,
                low=value - other - 0.001, high=value - other + 0.001, p_value=0.01,
            )  # fmt: skip
    _lists(run, person)
    return run


def _lists(run: EvaluationRun, person: EndUser) -> None:
    things = list(Item.objects.order_by("pk"))
    question = EvaluationQuestion.objects.create(
        evaluation_run=run, end_user=person, num_events=40, seen=[thing.pk for thing in things[:4]],
        seen_at=[factories.NOW] * 4, targets=[things[7].pk],
    )  # fmt: skip
    for place, (name, _, _, _) in enumerate(ALGORITHMS):
        items = [thing.pk for thing in things[5 + place % 3 : 9 + place % 3]]
        ndcg = 0.5 if things[7].pk in items else 0.0
        EvaluationList.objects.create(question=question, algorithm=name, items=items, ndcg=ndcg)


def names(page: Page) -> list[str]:
    return page.locator(".board tbody .board-name").all_inner_texts()


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")])
def test_leaderboard_is_sorted_filtered_and_held_against_any_baseline(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    fill()
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of these two
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    sign_in(page, live_server)
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Leaderboard").click()
    assert drawn(page, "costs") == 2
    accessible(page)
    assert names(page) == ["Network", "EASE baseline", "Item-KNN", "ALS", "Most popular", "SVD"]
    expect(page.get_by_text("It needs two items: bring more events.")).to_be_visible()

    page.get_by_role("link", name="Fit", exact=True).click()
    expect(page).to_have_url(re.compile(r"sort=fit"))
    assert names(page)[:2] == ["Most popular", "Item-KNN"]
    page.get_by_label("Baseline").select_option("als")
    expect(page).to_have_url(re.compile(r"baseline=als"))
    assert names(page)[2:4] == ["EASE", "ALS baseline"]
    row = page.locator(".board tr", has_text="Network")
    expect(row).to_contain_text("+0.0200")
    page.get_by_label("Family").select_option("factors and linear")
    expect(page).to_have_url(re.compile(r"family=factors"))
    assert names(page) == ["EASE", "ALS baseline", "SVD"]
    page.get_by_role("link", name="Clear filters").click()
    page.get_by_label("End users", exact=True).select_option("each")
    expect(page.get_by_role("columnheader", name="Drifting end users")).to_be_visible()
    accessible(page)


def test_headings_stay_in_sight_however_many_algorithms_there_are(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    run = fill()
    MetricValue.objects.bulk_create(
        MetricValue(
            evaluation_run=run, algorithm=f"algorithm_{number}", metric="ndcg@10", segment="all",
            value=0.01, num_users=610,
        )
        for number in range(60)
    )  # fmt: skip
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/evaluation")

    board = page.locator(".board")
    last = page.get_by_text("It needs two items: bring more events.")
    last.scroll_into_view_if_needed()

    expect(last).to_be_in_viewport()
    assert board.evaluate("node => node.scrollTop") > 0
    top = board.bounding_box()
    heading = page.get_by_role("columnheader", name="Algorithm", exact=True).bounding_box()
    assert top and heading and heading["y"] == pytest.approx(top["y"], abs=2)


def test_without_script_filters_and_order_work_by_buttons_and_links(
    browser: object, live_server: LiveServer
) -> None:
    fill()
    page = browser.new_page(java_script_enabled=False)  # type: ignore[attr-defined]
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/evaluation")

    page.get_by_label("Family").select_option("order")
    page.get_by_label("Metric", exact=True).select_option("recall@10")
    page.get_by_role("button", name="Show").click()
    assert names(page) == ["Network"]
    page.get_by_role("link", name="Clear filters").click()
    page.get_by_role("link", name="Algorithm", exact=True).click()
    assert names(page)[0] == "ALS"
    page.close()


def test_two_algorithms_are_compared_for_one_person(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    fill()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/evaluation")

    page.get_by_role("link", name="Compare two for one person").click()
    expect(page.get_by_role("heading", name="What does Network recommend?")).to_be_visible()
    accessible(page)
    page.get_by_label("Second").select_option("als")
    expect(page.get_by_role("heading", name="What does ALS recommend?")).to_be_visible()
    expect(page.locator(".lists .tag-accent").first).to_have_text("hit")
    page.get_by_label("User id").fill("nobody")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("kept no lists of nobody")
    accessible(page)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")])
def test_a_publication_is_held_then_promoted_past_the_gate(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    fill()
    serving = Serving.objects.get().publication
    candidate = factories.publication(training_run=serving.training_run, is_serving=False)
    slate = Slate.objects.filter(publication=serving).get()
    thing = Item.objects.get(pk=slate.items[0])
    factories.slate(candidate, slate.end_user, [thing])
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of these two
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/runs/publication/{candidate.pk}")

    page.get_by_label("Keep it from serving, because").fill("wait for Monday")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("wait for Monday")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="Promote…").click()
    expect(page.get_by_text("the gate is closed")).to_be_visible()
    expect(page.get_by_text("Coverage: not met")).to_be_visible()
    accessible(page)
    page.get_by_role(
        "button", name="Force it past the gate"
    ).click()  # the browser asks for a reason
    assert Serving.objects.get().publication == serving
    page.get_by_label("Why it is to serve all the same").fill("one film is meant")
    page.get_by_role("button", name="Force it past the gate").click()

    expect(page.get_by_text(f"Publication {candidate.pk} serves now.")).to_be_visible()
    assert Serving.objects.get().publication == candidate
    assert PublicationRun.objects.get(pk=candidate.pk).held_at is None
