from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests.models import ChosenSettings
from recommender import tasks
from recommender.models import Study, Trial
from tests import factories
from tests.factories import NOW
from tests.recommender.views import pages

HTMX = {"HX-Request": "true"}
SPACE = [
    {"name": "regularisation", "kind": "Real", "low": 1.0, "high": 10_000.0, "is_log": True},
    {"name": "half_life", "kind": "Choice", "values": [None, 2.0]},
]
USUAL = {"regularisation": 200.0, "half_life": None}
BEST = {"regularisation": 52.5, "half_life": 2.0}


def finished(**fields) -> Study:
    results = {
        "best": {"number": 2, "ndcg": 0.12, "params": BEST, "settings": BEST},
        "start_ndcg": 0.1,
        "importances": {"regularisation": 0.97, "half_life": 0.03},
        "num_users": 610,
    }
    fields = {
        "algorithm": "ease", "num_trials": 4, "space": SPACE, "start": USUAL, "results": results,
        **fields,
    }  # fmt: skip
    study = Study.objects.create(**factories.done(**fields))
    for number, value, params in ((0, 0.1, USUAL), (1, None, USUAL), (2, 0.12, BEST), (3, 0.11, {**BEST, "half_life": None})):  # fmt: skip
        Trial.objects.create(
            **factories.done(
                study=study, number=number, value=value, settings=params, is_pruned=value is None
            )
        )
    return study


def running(**fields) -> Study:
    return Study.objects.create(
        algorithm="als", state="started", requested_at=NOW, started_at=NOW, num_trials=10, **fields
    )


@pytest.fixture
def sent(monkeypatch) -> list[Study]:
    found: list[Study] = []
    monkeypatch.setattr(tasks, "enqueue_run", found.append)
    return found


def test_without_studies_the_page_says_what_one_does(analyst: Client, engineer: Client) -> None:
    page = analyst.get("/studies").content.decode()

    assert "Nothing has been studied yet" in page
    assert "An engineer can start one." in page
    assert "Start the study" not in page
    assert "Start the study" in engineer.get("/studies").content.decode()


def test_the_list_shows_what_each_study_found(analyst: Client) -> None:
    done, at_work = finished(), running()
    Trial.objects.create(study=at_work, number=0, state="started", requested_at=NOW)

    rows = pages.table(analyst.get("/studies"))

    assert [row[:6] for row in rows] == [
        ["Study", "State", "Trials", "Usual settings", "Best found", "Gain"],
        [f"Study {at_work.pk} ALS", "Started", "0 of 10", "–", "–", "–"],
        [f"Study {done.pk} EASE", "Done", "4 of 4", "0.1000", "0.1200", "+20.0 %"],
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_and_for_three(
    analyst: Client, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(number):
        finished()
    analyst.get("/studies")

    with django_assert_num_queries(9):
        assert len(analyst.get("/studies").context["rows"]) == number


def test_a_study_shows_its_trials_the_best_first(analyst: Client) -> None:
    study = finished()

    page = analyst.get(f"/studies/{study.pk}")

    rows = pages.table(page, -1)
    assert [row[:4] for row in rows] == [
        ["Trial", "NDCG@10 ↓", "Regularisation", "Half life"],
        ["2 best", "0.1200", "52.5", "2"],
        ["3", "0.1100", "52.5", "none"],
        ["0 usual", "0.1000", "200", "none"],
        ["1", "ended early", "200", "none"],
    ]
    by_number = analyst.get(f"/studies/{study.pk}?sort=number")
    assert [row[0] for row in pages.table(by_number, -1)[1:]] == ["0 usual", "1", "2 best", "3"]


def test_the_figures_answer_their_questions_from_stored_rows(analyst: Client) -> None:
    study = finished()

    history, where, matter = analyst.get(f"/studies/{study.pk}").context["figures"]

    assert history.sentence == (
        "From 0.1000 with the usual settings to 0.1200 (+20.0 %), found by trial 2."
    )
    assert [trace["y"] for trace in history.plot["data"]] == [[0.1, 0.12, 0.11], [0.1, 0.12, 0.12]]
    assert where.question == "Where do good values of regularisation lie?"
    assert where.plot["layout"]["xaxis"]["type"] == "log"
    assert [trace["x"] for trace in where.plot["data"]] == [[200.0, 52.5], [52.5]]
    assert matter.sentence == (
        "Regularisation decides most: 97 % of what differs; little depends on half life."
    )
    other = analyst.get(f"/studies/{study.pk}?setting=half_life").context["figures"][1]
    assert [trace["x"] for trace in other.plot["data"]] == [["none", "none"], ["2"]]


def test_while_it_runs_the_page_asks_again_and_at_its_end_is_shown_whole(analyst: Client) -> None:
    at_work = running()
    Trial.objects.create(study=at_work, number=0, state="started", requested_at=NOW, share_done=0.4)
    address = f"/studies/{at_work.pk}"

    page = analyst.get(address).content.decode()
    part = analyst.get(address, headers=HTMX)
    ended = analyst.get(f"/studies/{finished().pk}", headers=HTMX)

    assert "0 of 10 trials have ended, 1 at work" in " ".join(page.split())
    assert 'hx-trigger="every 3s"' in part.content.decode()
    assert "<html" not in part.content.decode()
    assert ("HX-Refresh" in part, ended["HX-Refresh"]) == (False, "true")


@pytest.mark.parametrize("number", [1, 3])
def test_a_study_takes_the_same_queries_however_many_trials(
    analyst: Client, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    study = running(space=SPACE)
    for n in range(number):
        Trial.objects.create(**factories.done(study=study, number=n, value=0.1, settings=USUAL))
    analyst.get(f"/studies/{study.pk}")

    with django_assert_num_queries(11):
        analyst.get(f"/studies/{study.pk}")


def test_an_engineer_starts_a_study(
    engineer: Client, sent, django_capture_on_commit_callbacks
) -> None:
    asked = {
        "algorithm": "ease",
        "sampler": "grid",
        "trials": "12",
        "at_once": "2",
        "split": "time",
    }

    with django_capture_on_commit_callbacks(execute=True):
        page = engineer.post("/studies/start", asked, follow=True)

    study = Study.objects.get()
    assert sent == [study]
    assert (study.algorithm, study.sampler, study.num_trials, study.max_at_once, study.split) == (
        "ease", "grid", 12, 2, "time",
    )  # fmt: skip
    assert study.requested_by.username == "engineer"
    assert page.redirect_chain == [(f"/studies/{study.pk}", 302)]
    assert "Waiting for a worker" in page.content.decode()


def test_a_study_that_makes_no_sense_is_refused_in_words(engineer: Client, sent) -> None:
    asked = {
        "algorithm": "ease",
        "sampler": "tpe",
        "trials": "many",
        "at_once": "2",
        "split": "time",
    }

    page = engineer.post("/studies/start", asked, follow=True)

    assert "From 2 to 1,000 trials make sense, not 0." in page.content.decode()
    assert (Study.objects.count(), sent) == (0, [])


def test_the_best_settings_are_used_by_one_click_and_taken_back_by_another(
    engineer: Client,
) -> None:
    study = finished()

    page = engineer.post(f"/studies/{study.pk}/use", follow=True).content.decode()

    chosen = ChosenSettings.objects.get()
    assert (chosen.algorithm, chosen.settings, chosen.study_number) == ("ease", BEST, study.pk)
    assert "The next evaluation and publication is made with the settings of study" in page
    assert "What this study found, for the next evaluation and publication" in page
    assert "Use the best settings" not in page
    listed = pages.table(engineer.get("/studies"))[1]
    assert listed[:2] == ["EASE", "Half life 2, Regularisation 52.5 for the next evaluation and publication"]  # fmt: skip
    engineer.post("/studies/use-usual", {"algorithm": "ease"})
    assert not ChosenSettings.objects.exists()


def test_a_study_that_found_nothing_better_offers_nothing(engineer: Client) -> None:
    study = finished(
        results={"best": {"number": 0, "ndcg": 0.1, "params": USUAL}, "start_ndcg": 0.1}
    )

    page = engineer.post(f"/studies/{study.pk}/use", follow=True).content.decode()

    assert "has found nothing better than the usual settings of ease" in page
    assert "Use the best settings" not in page
    assert not ChosenSettings.objects.exists()


def test_analysts_look_and_change_nothing(analyst: Client) -> None:
    study = finished()

    codes = [
        analyst.post("/studies/start").status_code,
        analyst.post(f"/studies/{study.pk}/use").status_code,
        analyst.post("/studies/use-usual").status_code,
        analyst.post(f"/runs/study/{study.pk}/stop").status_code,
    ]

    assert codes == [403, 403, 403, 403]
    assert "Use the best settings" not in analyst.get(f"/studies/{study.pk}").content.decode()


def test_a_study_is_among_the_runs_and_can_be_stopped(engineer: Client) -> None:
    study = running()

    rows = pages.table(engineer.get("/runs?kind=study"))
    engineer.post(f"/runs/study/{study.pk}/stop")

    assert rows[1][0] == f"Study {study.pk}"
    assert engineer.get(f"/runs/study/{study.pk}").url == f"/studies/{study.pk}"
    study.refresh_from_db()
    assert study.is_stop_requested
    assert "Asked to stop" in engineer.get(f"/studies/{study.pk}").content.decode()


def test_the_trials_download_as_csv(analyst: Client) -> None:
    study = finished()

    text = b"".join(analyst.get(f"/studies/{study.pk}?format=csv")).decode()

    assert text.splitlines()[:3] == [
        "trial,state,ndcg@10,ended_early,seconds,settings,error",
        "0,done,0.1,False,0.0,regularisation=200; half_life=none,",
        "1,done,,True,0.0,regularisation=200; half_life=none,",
    ]


def test_there_is_no_page_of_a_study_that_is_not_there(analyst: Client) -> None:
    assert analyst.get("/studies/999999").status_code == 404
