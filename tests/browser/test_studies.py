"""A study on its page: its trials, its figures, and its best settings put to use by one click."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from interests.models import ChosenSettings
from recommender.models import Study, Trial
from tests import factories
from tests.browser import site
from tests.browser.conftest import Complaints
from tests.browser.test_more_pages import SIZES, fits, prepared
from tests.browser.test_walk import accessible, drawn, sign_in
from tests.factories import NOW

NUM_TRIALS = 40
SPACE = [
    {"name": "regularisation", "kind": "Real", "low": 1.0, "high": 10_000.0, "is_log": True},
    {"name": "half_life", "kind": "Choice", "values": [None, 2.0, 5.0]},
]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def studied() -> Study:
    """Make a finished study of 40 trials, and an engineer who looks at it."""
    account = User.objects.create_user("ada", "ada@example.org", site.PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    values = [0.1 + 0.001 * ((7 * number) % NUM_TRIALS) for number in range(NUM_TRIALS)]
    best = values.index(max(values))
    settings = [
        {"regularisation": 1.2**number, "half_life": (None, 2.0, 5.0)[number % 3]}
        for number in range(NUM_TRIALS)
    ]
    found = {"number": best, "ndcg": values[best], "params": settings[best]}
    study = Study.objects.create(
        **factories.done(
            algorithm="ease", num_trials=NUM_TRIALS, space=SPACE, start=settings[0],
            results={
                "best": found, "start_ndcg": values[0], "num_users": 610,
                "importances": {"regularisation": 0.9, "half_life": 0.1},
            },
        )
    )  # fmt: skip
    for number, value in enumerate(values):
        Trial.objects.create(
            **factories.done(study=study, number=number, value=value, settings=settings[number])
        )
    return study


@SIZES
def test_the_best_settings_of_a_study_are_put_to_use(
    page: Page, live_server: LiveServer, complaints: Complaints, studied: Study, size: dict[str, int], theme: str
) -> None:  # fmt: skip
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/studies")
    assert fits(page)
    accessible(page)

    page.get_by_role("link", name=f"Study {studied.pk}").click()
    expect(page.get_by_role("heading", name=f"Study {studied.pk}: EASE")).to_be_visible()
    assert [drawn(page, name) for name in ("history", "slice", "importance")] == [2, 2, 1]
    assert fits(page)
    accessible(page)
    expect(page.get_by_text("1–30 of 40 trials")).to_be_visible()
    page.get_by_role("link", name="Half life").first.click()
    expect(
        page.get_by_role("heading", name="Where do good values of half life lie?")
    ).to_be_visible()

    page.get_by_role("button", name="Use the best settings").click()
    expect(page.get_by_text("is made with the settings of study")).to_be_visible()
    assert ChosenSettings.objects.get().settings == studied.results["best"]["params"]
    page.goto(f"{live_server.url}/studies")
    assert fits(page)
    accessible(page)
    page.get_by_role("button", name="Use the usual settings of EASE again").click()
    expect(page.get_by_text("The usual settings are used again.")).to_be_visible()


@SIZES
def test_a_study_at_work_shows_each_trial_as_it_ends(
    page: Page, live_server: LiveServer, complaints: Complaints, studied: Study, size: dict[str, int], theme: str
) -> None:  # fmt: skip
    Study.objects.update(state="started", finished_at=None, results={}, num_trials=41)
    prepared(page, size=size, theme=theme)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/studies/{studied.pk}")
    expect(page.get_by_text("40 of 41 trials have ended")).to_be_visible()
    assert fits(page)
    accessible(page)

    Trial.objects.create(
        study=studied, number=40, state="started", requested_at=NOW, share_done=0.5,
        settings={"regularisation": 9.0, "half_life": None},
    )  # fmt: skip

    expect(page.get_by_text("40 of 41 trials have ended, 1 at work")).to_be_visible()
    Study.objects.update(state="done", finished_at=NOW, share_done=1.0)
    expect(page.get_by_text("How did it end?")).to_be_visible()
