from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from interests import tasks
from interests.models import ImportRun, Run, TrackingRun, TrainingRun
from recommender.models import EvaluationRun, Serving
from recommender.selectors import publications
from recommender.services import comparing
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

HTMX = {"HX-Request": "true"}


def test_list_shows_all_kinds_newest_first(analyst: Client) -> None:
    training = factories.training_run()
    publication = factories.publication(
        training_run=training,
        requested_at=NOW + timedelta(hours=1),
        started_at=NOW + timedelta(hours=1),
        finished_at=NOW + timedelta(hours=1, minutes=2),
    )
    imported = ImportRun.objects.create(
        source="x", state="failed", error="No file.", requested_at=NOW - timedelta(hours=1),
        finished_at=NOW,
    )  # fmt: skip

    rows = pages.table(analyst.get("/runs"))

    assert rows[0] == ["Run", "State", "What it says", "Asked for", "Took"]
    assert [[*row[:3], row[4]] for row in rows[1:]] == [
        [f"Publication {publication.pk}", "Done", "", "2 min"],
        [f"Training {training.pk}", "Done", "", "0 s"],
        [f"Import {imported.pk}", "Failed", "No file.", "–"],
    ]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("kind=training", ["Training"]),
        ("kind=nonsense", ["Training", "Evaluation"]),
        ("state=waiting", ["Evaluation"]),
        ("kind=training&state=waiting", []),
        ("page=2", []),
    ],
)
def test_list_is_narrowed(analyst: Client, query: str, kinds: list[str]) -> None:
    factories.training_run()
    EvaluationRun.objects.create(split="time", requested_at=NOW - timedelta(hours=1))

    response = analyst.get(f"/runs?{query}")

    shown = pages.table(response)[1:] if kinds else []
    assert [row[0].split()[0] for row in shown] == kinds
    assert kinds or b"<table" not in response.content


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_as_much_for_three_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        factories.training_run()

    # Session, account, freshness in two, rows, how many, rights in two.
    with django_assert_num_queries(8):
        response = analyst.get("/runs")

    assert len(pages.table(response)) == 1 + number


def test_empty_list_says_what_to_do(analyst: Client) -> None:
    assert "python manage.py import_data FOLDER" in pages.text(analyst.get("/runs"))


def test_training_shows_its_curves_as_a_table_too(analyst: Client) -> None:
    curves = {"loss": [5.0, 4.5], "ndcg@10": [0.01, 0.02], "recall@10": [0.03, 0.04]}
    run = factories.training_run(results={"curves": curves, "best_epoch": 1})

    response = analyst.get(f"/runs/training/{run.pk}")

    assert pages.table(response) == [
        ["Pass", "Loss", "NDCG@10", "Recall@10"],
        ["1", "5.0000", "0.0100", "0.0300"],
        ["2", "4.5000", "0.0200", "0.0400"],
    ]
    said = pages.text(response)
    assert "validation NDCG@10 was best after pass 2, at 0.0200." in said
    assert "Best pass 2 of 2" in said


def test_running_training_shows_progress_and_can_be_stopped_by_engineers(
    analyst: Client, engineer: Client
) -> None:
    run = TrainingRun.objects.create(
        state="started", requested_at=NOW, started_at=NOW, step="pass 3 of 40", share_done=0.25
    )
    address = f"/runs/training/{run.pk}"

    assert "25 % done" in pages.text(analyst.get(address))
    assert "Pass 3 of 40" in pages.text(analyst.get(address))
    assert "Stop this training" not in pages.text(analyst.get(address))
    assert "Stop this training" in pages.text(engineer.get(address))
    assert analyst.post(f"{address}/stop").status_code == 403
    assert engineer.get(f"{address}/stop").status_code == 405
    engineer.post(f"{address}/stop")
    run.refresh_from_db()
    assert run.is_stop_requested
    assert "Asked to stop" in pages.text(engineer.get(address))


def test_poll_ends_with_the_run(analyst: Client) -> None:
    run = TrainingRun.objects.create(state="started", requested_at=NOW, started_at=NOW)
    address = f"/runs/training/{run.pk}"

    part = analyst.get(address, headers=HTMX)
    assert "HX-Refresh" not in part
    assert f'hx-get="{address}"' in part.content.decode()
    assert b"<html" not in part.content

    TrainingRun.objects.filter(pk=run.pk).update(state="done", finished_at=NOW)
    part = analyst.get(address, headers=HTMX)
    assert part["HX-Refresh"] == "true"
    assert b"hx-get" not in part.content


@pytest.mark.parametrize("address", ["/runs/training/99", "/runs/nonsense/1", "/runs/difference"])
def test_run_that_is_not_there_is_404(analyst: Client, address: str) -> None:
    response = analyst.get(address)

    assert response.status_code == 404
    assert "There is nothing here" in pages.text(response)


def test_engineer_starts_a_training_and_its_task_goes_out_after_commit(
    engineer: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[Run] = []
    monkeypatch.setattr(tasks, "enqueue_run", sent.append)

    with django_capture_on_commit_callbacks(execute=True):
        response = engineer.post("/runs/start-training")

    run = TrainingRun.objects.get()
    assert response["Location"] == f"/runs/training/{run.pk}"
    assert (run.state, run.requested_by.get_username()) == ("waiting", "engineer")  # type: ignore[union-attr]
    assert sent == [run]


def test_analyst_starts_nothing(analyst: Client) -> None:
    assert "Start a training" not in pages.text(analyst.get("/runs"))
    assert analyst.post("/runs/start-training").status_code == 403
    assert not TrainingRun.objects.exists()


def test_rollback_asks_once_and_then_serves_the_one_before(engineer: Client) -> None:
    person, thing = factories.end_user(), factories.item()
    older, newer = factories.publication(), factories.publication()
    for publication in (older, newer):
        factories.slate(publication, person, [thing])
        publication.switches.create(switched_at=NOW)

    asked = pages.text(engineer.get("/runs/rollback"))
    assert f"Serve publication {older.pk} again?" in asked
    assert "replace it for 1 end user at once" in asked
    assert Serving.objects.get().publication == newer

    said = pages.text(engineer.post("/runs/rollback", follow=True))
    assert f"Publication {older.pk} serves again." in said
    assert Serving.objects.get().publication == older


def test_rollback_with_nothing_to_go_back_to_says_so(engineer: Client, analyst: Client) -> None:
    assert "Nothing serves yet." in pages.text(engineer.get("/runs/rollback"))
    assert "there is nothing to go back to" in pages.text(
        engineer.post("/runs/rollback", follow=True)
    )
    assert analyst.post("/runs/rollback").status_code == 403


def test_difference_counts_what_comes_and_goes(analyst: Client) -> None:
    people = [factories.end_user() for _ in range(2)]
    things = [factories.item(title=f"Film {n}") for n in range(3)]
    older, newer = factories.publication(), factories.publication()
    factories.slate(older, people[0], things[:2])
    factories.slate(older, people[1], things[:2])
    factories.slate(newer, people[0], things[:2])
    factories.slate(newer, people[1], things[1:])

    response = analyst.get(f"/runs/difference?older={older.pk}&newer={newer.pk}")

    said = pages.text(response)
    assert "See another top ten 50.0 %" in said
    assert "Items kept, on average 75.0 %" in said
    assert pages.table(response, 0) == [["Item", "Top tens"], ["Film 2", "+1"]]
    assert pages.table(response, 1) == [["Item", "Top tens"], ["Film 0", "−1"]]


def test_import_leads_to_its_quality_report(analyst: Client) -> None:
    run = ImportRun.objects.create(**factories.done(source="folder"))

    page = analyst.get(f"/runs/import/{run.pk}").content.decode()

    assert (
        f'<a class="button button-main" href="/imports/{run.pk}">Open the quality report</a>'
        in page
    )


def test_import_shows_what_became_of_its_lines(analyst: Client) -> None:
    counts = {"lines": 1200, "good": 1100, "duplicates": 60, "bad": 40}
    results = {"format": "csv", "is_epoch": False, "kind": "event", "files": {"events.csv": counts}}
    run = ImportRun.objects.create(**factories.done(source="folder", results=results))

    said = pages.text(analyst.get(f"/runs/import/{run.pk}"))

    assert "Format csv Lines 1,200 Good 1,100 Duplicates 60 Bad, set aside 40" in said
    assert "epoch" not in said


def test_publication_tells_times_and_units_and_nothing_empty(analyst: Client) -> None:
    results = {
        "num_end_users": 1200, "num_items": 300, "slate_length": 50, "seconds": 4.2,
        "end_users_per_second": 285.7, "events_through": "2026-11-21T00:55:24.184541+00:00",
        "switched": True, "not_switched_because": "",
    }  # fmt: skip
    run = factories.publication(results=results)

    response = analyst.get(f"/runs/publication/{run.pk}")

    said = pages.text(response)
    assert "Recommendations for 1,200 end users Chosen from 300 items" in said
    assert "Took over when done yes" in said
    assert '<dt>Has seen events until</dt><dd><time datetime="2026-11-21T00:55:24+00:00"' in (
        response.content.decode()
    )
    assert "Why not" not in said


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("interest_network: Pass 2 over the events", "Network: pass 2 over the events"),
        ("item_knn: similarities", "Item-KNN: similarities"),
        ("slates: 500 of 900 end users", "Slates: 500 of 900 end users"),
        ("reading events", "Reading events"),
    ],
)
def test_step_reads_well(analyst: Client, step: str, shown: str) -> None:
    run = TrainingRun.objects.create(state="started", requested_at=NOW, started_at=NOW, step=step)

    assert f"<p>{shown}</p>" in analyst.get(f"/runs/training/{run.pk}").content.decode()


def test_settings_of_a_training_are_those_it_used(analyst: Client) -> None:
    used = {"width": 64, "dropout": 0.4, "max_epochs": 60, "max_seconds": None}
    run = factories.training_run(settings={"max_epochs": 60}, results={"settings": used})

    said = pages.text(analyst.get(f"/runs/training/{run.pk}"))

    assert "Width of embeddings 64 Dropout 40.0 % At most 60 passes" in said


def test_difference_kept_with_the_publication_is_read_and_not_worked_out(
    analyst: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = factories.publication()
    person, thing = factories.end_user(), factories.item(title="Film")
    newer = factories.publication(is_serving=False)
    factories.slate(newer, person, [thing])
    factories.slate(older, person, [])
    newer.results = comparing.with_serving(newer)
    newer.save()
    monkeypatch.setattr(publications, "difference", None)

    response = analyst.get(f"/runs/difference?older={older.pk}&newer={newer.pk}")

    assert pages.table(response, 0) == [["Item", "Top tens"], ["Film", "+1"]]
    assert "when that was made" in pages.text(response)
    assert f"Compare with publication {older.pk}" in pages.text(
        analyst.get(f"/runs/publication/{newer.pk}")
    )


def test_difference_too_large_for_a_request_says_where_it_is_kept(
    analyst: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = factories.publication(), factories.publication()
    for publication in (older, newer):
        factories.slate(publication, factories.end_user(), [])
    monkeypatch.setattr(publications, "COMPARED_AT_ONCE", 1)

    said = pages.text(analyst.get(f"/runs/difference?older={older.pk}&newer={newer.pk}"))

    assert "Too many recommendations to compare while you wait" in said
    assert f"Open publication {newer.pk}" in said


def test_publication_tells_by_what_it_is_ranked(analyst: Client) -> None:
    usual = factories.publication(is_serving=False)
    run = factories.publication(
        algorithm="ease", settings={"switch": True, "set": {"regularisation": 50.0}}
    )

    said = pages.text(analyst.get(f"/runs/publication/{run.pk}"))

    assert "Ranked by ease Takes over when done yes Regularisation 50" in said
    run.results = {
        "algorithm_settings": {"regularisation": 3.0, "half_life": None},
        "settings_from": "settings of evaluation 7",
    }
    run.save()
    said = pages.text(analyst.get(f"/runs/publication/{run.pk}"))
    assert "Settings of what ranks settings of evaluation 7" in said
    assert "Ranked by ease Takes over when done yes Regularisation 3" in said
    assert "Ranked by interest_network" in pages.text(analyst.get(f"/runs/publication/{usual.pk}"))


def test_page_of_a_tracking_shows_no_gate_of_its_tracker(analyst: Client) -> None:
    """A tracking keeps its learned gate under the name that publications keep theirs by."""
    run = TrackingRun.objects.create(
        **factories.done(results={"gate": {"out": [0.1], "pool": [[0.2]]}}), tracker_version="t"
    )

    said = pages.text(analyst.get(f"/runs/tracking/{run.pk}"))

    assert f"Tracking {run.pk}" in said
    assert "The gate was not asked" not in said
