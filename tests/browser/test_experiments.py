"""Experiments in a browser: one is made, started, looked at, stopped and decided; with much, with nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Experiment, ExperimentLook, Placement
from recommender.services import answer_counts, experimenting, looking
from recommender.services.answer_counts import Counts
from recommender.services.checking_experiments import Arm
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import LONG, SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in
from tests.recommender.experiments import crowd, started, variants, version

pytestmark = pytest.mark.django_db(transaction=True)
NUM_DAYS = 12


@pytest.fixture(autouse=True)
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say how answers were: all variants alike."""
    monkeypatch.setattr(
        answer_counts,
        "read",
        lambda keys: {key: Counts(41_200, 41_200 * 3.4, 41_200 * 15.0, 1_900, 4, 812) for key in keys},
    )  # fmt: skip


def looked(made: Experiment, *, clicking: tuple[int, ...], num: tuple[int, ...]) -> None:
    """Let people come over some days and look every day."""
    begin = timezone.now() - timedelta(days=NUM_DAYS)
    Experiment.objects.filter(pk=made.pk).update(started_at=begin, ramp_began_at=begin)
    own = variants(made)
    for day in range(NUM_DAYS):
        at = begin + timedelta(days=day, hours=12)
        for variant, some, people in zip(own, clicking, num, strict=True):
            crowd(
                variant, num=people, clicking=some, name=f"{made.pk} {variant.pk} {day}",
                day=at.date(), counted_at=at,
            )  # fmt: skip
        looking.look(experiment_id=made.pk, now=at)


@SIZES
def test_pages_of_experiments(
    page: Page, live_server: LiveServer, complaints: Complaints, size: dict[str, int], theme: str
) -> None:
    site.fill()
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/experiments")
    expect(page.locator(".empty")).to_be_visible()
    accessible(page)
    sure = started(name="Popular", num_buckets=2_000, open_buckets=1_000)
    looked(sure, clicking=(24, 32), num=(80, 80))
    several = started(
        *(Arm(name) if name == "A" else Arm(name, 2, source=source) for name, source in
          (("A", ""), ("B", "trending"), (LONG[:50], "popular"))),
        name=LONG[:200], num_buckets=2_000, open_buckets=2_000, max_slower=0.5, max_empty=0.01,
    )  # fmt: skip
    looked(several, clicking=(20, 22, 24), num=(60, 60, 60))
    mixed = started(Arm("A"), Arm("B", source="popular"), kind="interleave", num_buckets=2_000, open_buckets=2_000)  # fmt: skip

    for made, marks in ((sure, 2), (several, 4)):
        page.goto(f"{live_server.url}/experiments/{made.pk}")
        assert drawn(page, "effect") == marks
        accessible(page)
        assert fits(page), made
    for address in ("/experiments", f"/experiments/{mixed.pk}", "/experiments/new"):
        page.goto(f"{live_server.url}{address}")
        accessible(page)
        assert fits(page), address


def test_an_experiment_from_its_making_to_its_decision(
    page: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    site.fill()
    rules = version(3, max_per_category=2)
    sign_in(page, live_server)

    page.get_by_role("navigation", name="Places").get_by_role("link", name="Experiments").click()
    page.get_by_role("link", name="New experiment").first.click()
    page.get_by_label("Name", exact=True).fill("More variety")
    page.get_by_label("Placement").select_option("home")
    page.get_by_label("Smallest change that matters, %").fill("10")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_text("It does the same as A. Change something.")).to_be_visible()
    # The browser notes the answer to a form that is not right, 422, as a failure.
    assert [heard for heard in complaints.heard if "422" not in heard] == []
    complaints.heard.clear()
    accessible(page)
    page.get_by_label("Rules").nth(1).select_option("home, version 3")
    page.get_by_label("Of these on the first day, %").fill("50")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_text("How long it will take is not known")).to_be_visible()
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_text("It runs. People take part within about a second.")).to_be_visible()
    expect(page.get_by_text("No effect to draw yet")).to_be_visible()

    made = Experiment.objects.get()
    looked(made, clicking=(24, 36), num=(80, 80))
    page.reload()
    look = ExperimentLook.objects.filter(variant__name="B").latest("at")
    assert drawn(page, "effect") == 2
    expect(page.get_by_label("Verdict").get_by_text("B brings 50.0 % more clicks per item seen than A")).to_be_visible()  # fmt: skip
    expect(page.get_by_text(f"to {100 * look.high:.1f}); sure enough to decide.")).to_be_visible()

    page.get_by_label("Open it to, % of its people").fill("80")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("80 % of its people take part.")).to_be_visible()
    page.get_by_label("Stop it, because").fill("Seen enough.")
    page.get_by_role("button", name="Stop: everybody gets what is live").click()
    expect(page.get_by_text("It is stopped: everybody gets what is live.")).to_be_visible()
    page.get_by_role("button", name="Put B live").click()
    expect(page.get_by_text("Decided for B. Version 3 of its rules is live.")).to_be_visible()
    assert Placement.objects.get(name="home").live_version == rules
    with pytest.raises(experimenting.CannotExperiment):
        experimenting.stop(experiment_id=made.pk, reason="", by=None, now=timezone.now())
