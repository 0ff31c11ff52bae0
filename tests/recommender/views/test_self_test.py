from __future__ import annotations

import pytest
from django.test import Client

from interests.drift import detectors
from interests.models import DetectorChoice, SelfTestRun
from interests.services import detecting
from recommender import tasks
from tests import factories
from tests.factories import NOW

OWN = detectors.DEFAULT.threshold


def reached(threshold: float, false: float, found: float) -> dict[str, object]:
    return {
        "threshold": threshold, "false_alarms_per_1000": false, "found_share": found,
        "low": found - 0.1, "high": found + 0.1, "median_delay": 18.0, "late_delay": None,
    }  # fmt: skip


def finished() -> SelfTestRun:
    rows = [reached(OWN, 4.0, 0.8), reached(2 * OWN, 0.5, 0.4)]
    results = {"num_end_users": 30, "num_events": 4000, "num_changes": 28, "reached": rows}
    return SelfTestRun.objects.create(
        **factories.done(settings={"threshold": OWN}, results=results)
    )


@pytest.fixture
def sent(monkeypatch) -> list[SelfTestRun]:
    found: list[SelfTestRun] = []
    monkeypatch.setattr(tasks, "enqueue_run", found.append)
    return found


def test_without_a_test_the_page_says_what_one_does(analyst: Client, engineer: Client) -> None:
    page = analyst.get("/drift/self-test").content.decode()

    assert "Not tested yet" in page
    assert "An engineer can start it." in page
    assert "Test now" not in page
    assert "Test now" in engineer.get("/drift/self-test").content.decode()


def test_the_table_marks_the_threshold_in_force_and_the_figure_says_what_it_reaches(
    analyst: Client,
) -> None:
    finished()

    context = analyst.get("/drift/self-test").context

    lines = context["report"].lines
    assert [(line.threshold, line.is_in_force) for line in lines] == [
        (OWN, True),
        (2 * OWN, False),
    ]
    figure = context["figure"]
    assert figure.sentence == (
        "At the threshold in force 80 % of known changes are found, with one false alarm in "
        "250 events."
    )
    assert [trace["x"] for trace in figure.plot["data"]] == [[4.0, 0.5], [4.0]]
    assert figure.rows[1] == [f"{2 * OWN:.2f}", "0.50", "40.0%", "30.0%", "50.0%"]


def test_an_engineer_starts_a_test_once(
    engineer: Client, sent, django_capture_on_commit_callbacks
) -> None:
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            engineer.post("/drift/self-test/start")

    run = SelfTestRun.objects.get()
    assert sent == [run]
    assert run.settings == {"threshold": OWN}
    assert "waits for a worker" in engineer.get("/drift/self-test").content.decode()


def test_an_engineer_chooses_a_threshold_and_goes_back(engineer: Client) -> None:
    run = finished()

    engineer.post(f"/drift/self-test/{run.pk}/choose", {"threshold": repr(2 * OWN)})
    chosen = detecting.settings_in_force().threshold
    page = engineer.get("/drift/self-test")
    engineer.post(f"/drift/self-test/{run.pk}/choose", {"threshold": "usual"})

    assert chosen == 2 * OWN
    assert page.context["chosen"].false_alarms_per_1000 == 0.5
    assert "chosen by engineer" in page.content.decode()
    assert detecting.settings_in_force() == detectors.DEFAULT


@pytest.mark.parametrize("threshold", ["3", "nan", "much", ""])
def test_a_threshold_that_was_not_tried_is_refused_in_words(
    engineer: Client, threshold: str
) -> None:
    run = finished()

    page = engineer.post(f"/drift/self-test/{run.pk}/choose", {"threshold": threshold}, follow=True)

    assert "Choose one of its table." in page.content.decode()
    assert not DetectorChoice.objects.exists()


def test_analysts_look_and_do_not_choose(analyst: Client) -> None:
    run = finished()

    answers = [
        analyst.post("/drift/self-test/start").status_code,
        analyst.post(f"/drift/self-test/{run.pk}/choose", {"threshold": "usual"}).status_code,
    ]

    assert answers == [403, 403]
    assert (SelfTestRun.objects.count(), DetectorChoice.objects.count()) == (1, 0)
    assert 'name="threshold"' not in analyst.get("/drift/self-test").content.decode()


def test_a_failed_test_says_why(analyst: Client) -> None:
    SelfTestRun.objects.create(
        state="failed", requested_at=NOW, finished_at=NOW, error="There are no events yet."
    )

    page = analyst.get("/drift/self-test").content.decode()

    assert "The last self-test failed: There are no events yet." in page


def test_the_table_downloads_as_csv(analyst: Client) -> None:
    finished()

    text = b"".join(analyst.get("/drift/self-test?format=csv")).decode("utf-8-sig")

    assert text.splitlines()[1] == f"{OWN},4.0,0.8,{0.8 - 0.1},{0.8 + 0.1},18.0,"
