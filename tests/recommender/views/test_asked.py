from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from interests import tasks as interests_tasks
from interests.models import DriftEvent, EndUser, TrainingRun
from recommender import tasks
from recommender.selectors import changes
from recommender.services import asking
from recommender.services.asking import Question
from tests import factories
from tests.factories import NOW
from tests.recommender.services.changing import drift_event
from tests.recommender.views import pages

HTMX = {"HX-Request": "true"}
QUERIES_OF_FRAME = 4

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Messages to live workers, none of which goes out."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.answer, "apply_async", lambda **options: messages.append(options))
    return messages


@pytest.fixture
def change() -> DriftEvent:
    person = factories.end_user("ann")
    horror = factories.category("Horror", colour_rank=1)
    documentary = factories.category("Documentary", colour_rank=0)
    return drift_event(
        person, begin=30, raised=55, begin_at=NOW - timedelta(days=9),
        category_ids=[horror.pk, documentary.pk, 0], before=[0.6, 0.3, 0.1], after=[0.2, 0.7, 0.1],
        falling=[horror.pk], rising=[documentary.pk],
    )  # fmt: skip


def address(change: DriftEvent) -> str:
    return f"/end-users/{change.end_user_id}/drift/{change.pk}/recommendations"


def answer(change: DriftEvent, **fields: Any) -> dict[str, Any]:
    """Put an answer in the cache as a live worker would; return it."""
    things = [factories.item(f"i{n}", title=f"Film {n}") for n in range(4)]
    said = {
        "publication_id": 1, "training_run_id": 7, "before": [things[0].pk, things[1].pk, things[2].pk],
        "after": [things[1].pk, things[3].pk, things[2].pk], "num_before": 30, "num_after": 55,
        "usual": [0, 0, 0], "mix_before": {}, "mix_after": {}, **fields,
    }  # fmt: skip
    key = asking.key_of(
        Question.BEFORE_AFTER,
        arguments={"drift_event_id": change.pk, "through": "raised"},
        depends_on=changes.what_answers_depend_on(change.end_user_id),
    )
    asking.keep_answer(key, said, now=0)
    return said


def test_the_first_look_asks_a_live_worker_and_shows_that_it_waits(analyst, change, sent):
    response = analyst.get(address(change), headers=HTMX)

    [message] = sent
    assert message["kwargs"]["question"] == "before_after"
    assert message["kwargs"]["arguments"] == {"drift_event_id": change.pk, "through": "raised"}
    assert (message["expires"], message["retry"]) == (asking.DEADLINE_SECONDS, False)
    poll = f"{address(change)}?asked={message['kwargs']['key']}"
    assert (
        f'hx-get="{poll}" hx-trigger="load delay:150ms, every 500ms"' in response.content.decode()
    )
    assert "A live worker is working it out." in pages.text(response)


def test_while_it_waits_htmx_is_told_nothing_new_and_nobody_is_asked_twice(analyst, change, sent):
    analyst.get(address(change), headers=HTMX)
    key = sent[0]["kwargs"]["key"]

    again = analyst.get(f"{address(change)}?asked={key}", headers=HTMX)
    analyst.get(address(change))

    assert (again.status_code, again.content, len(sent)) == (204, b"", 1)


def test_the_answer_says_what_changed_in_words_and_shows_both_lists(analyst, change, sent):
    answer(change)

    response = analyst.get(address(change), headers=HTMX)

    assert sent == []
    said = pages.text(response)
    assert (
        "Since 23 February 2026: less Horror, more Documentary. 1 of 3 recommendations changed because of "
        "it: over 3 equally long stretches of 25 events before it, 0 did."
    ) in said
    assert pages.table(response, 0) == [
        ["#", "Before the change", "Categories", "After"],
        ["1", "Film 0", "uncategorised", "gone"],
        ["2", "Film 1", "uncategorised", "1"],
        ["3", "Film 2", "uncategorised", "3"],
    ]
    assert pages.table(response, 1)[1:] == [
        ["1", "Film 1", "uncategorised", "2"],
        ["2", "Film 3", "uncategorised", "new"],
        ["3", "Film 2", "uncategorised", "3"],
    ]
    assert "hx-trigger" not in response.content.decode()


def test_interests_stand_beside_what_the_lists_hold(analyst, change):
    falling, rising = change.falling[0], change.rising[0]
    answer(change, mix_before={str(falling): 0.5, "0": 0.5}, mix_after={str(rising): 1.0})

    response = analyst.get(address(change), headers=HTMX)

    assert pages.table(response, 2) == [
        ["Category", "Wanted before", "Wanted since", "Change", "List before", "List after"],
        ["Documentary", "30.0 %", "70.0 %", "+40.0 pp", "0.0 %", "100.0 %"],
        ["Uncategorised", "10.0 %", "10.0 %", "+0.0 pp", "50.0 %", "0.0 %"],
        ["Horror", "60.0 %", "20.0 %", "−40.0 pp", "50.0 %", "0.0 %"],
    ]


def test_without_a_script_it_is_a_page_of_its_own(analyst, change):
    answer(change)

    response = analyst.get(address(change))

    assert [table[0][0] for table in (pages.table(response, n) for n in range(3))] == [
        "#", "#", "Category",
    ]  # fmt: skip
    assert "End users ann Before and after" in pages.text(response)


def test_nobody_answered_in_time_is_said_and_who_looks_again_asks_again(analyst, change, sent):
    analyst.get(address(change), headers=HTMX)
    key = sent[0]["kwargs"]["key"]
    cache.set(f"asked:{key}", {"asked_at": 0})

    late = analyst.get(f"{address(change)}?asked={key}", headers=HTMX)

    assert len(sent) == 1
    assert "No live worker answers" in pages.text(late)
    assert f'href="{address(change)}"' in late.content.decode()
    analyst.get(address(change))
    assert len(sent) == 2


def test_why_there_is_no_answer_is_said(analyst, change, sent):
    analyst.get(address(change), headers=HTMX)
    asking.keep_failure(sent[0]["kwargs"]["key"], "Nothing serves yet.", now=0)

    assert "There is no answer Nothing serves yet. Ask again" in pages.text(
        analyst.get(address(change), headers=HTMX)
    )


def test_new_events_are_asked_about_anew(analyst, change, sent):
    analyst.get(address(change), headers=HTMX)

    factories.event(change.end_user, factories.item())
    analyst.get(f"{address(change)}?asked={sent[0]['kwargs']['key']}", headers=HTMX)

    assert len({message["kwargs"]["key"] for message in sent}) == 2


def test_the_queue_that_is_away_is_said(analyst, change, monkeypatch):
    def refuse(**_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(tasks.answer, "apply_async", refuse)

    said = pages.text(analyst.get(address(change), headers=HTMX))

    assert "The queue cannot be reached, so no live worker can be asked." in said


@pytest.mark.parametrize("number", [1, 3])
def test_an_answer_of_three_items_asks_as_much_as_one_of_one(
    analyst: Client, change: DriftEvent, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:  # fmt: skip
    said = answer(change)
    answered = {**said, "before": said["before"][:number], "after": said["after"][:number]}
    key = asking.key_of(
        Question.BEFORE_AFTER,
        arguments={"drift_event_id": change.pk, "through": "raised"},
        depends_on=changes.what_answers_depend_on(change.end_user_id),
    )
    asking.keep_answer(key, answered, now=0)

    # The change, what the answer depends on in two, the person, categories, items in two.
    with django_assert_num_queries(2 + 7):
        analyst.get(address(change), headers=HTMX)


def test_somebody_elses_change_is_not_there(analyst, change):
    other = factories.end_user("bob")

    assert (
        analyst.get(f"/end-users/{other.pk}/drift/{change.pk}/recommendations").status_code == 404
    )


def of_then(person: EndUser, at: str = "2026-03-01T12:00:00Z") -> str:
    return f"/end-users/{person.pk}/as-of/recommendations?at={at}"


def test_a_list_of_then_is_asked_for_where_a_network_of_then_is_there(analyst, sent):
    person = factories.end_user("ann")
    run = factories.training_run(window_to=NOW - timedelta(days=9), weights_path="networks/1")

    analyst.get(of_then(person), headers=HTMX)
    [message] = sent
    film = factories.item("film", title="Film")
    said = {"training_run_id": run.pk, "items": [film.pk], "num_events": 31, "mix": {}}
    asking.keep_answer(message["kwargs"]["key"], said, now=0)
    response = analyst.get(of_then(person), headers=HTMX)

    assert message["kwargs"]["arguments"] == {
        "end_user_id": person.pk, "at": "2026-03-01T12:00:00+00:00",
    }  # fmt: skip
    assert (
        f"From the 31 events until then, by the network of training {run.pk} , which has seen events "
        "through 23 February 2026, 12:00 and none later."
    ) in pages.text(response)
    assert pages.table(response)[1] == ["1", "Film", "uncategorised"]


def test_where_every_network_is_newer_one_for_then_can_be_trained(engineer, monkeypatch, sent):
    monkeypatch.setattr(interests_tasks, "enqueue_run", lambda run: started.append(run.pk))
    started: list[int] = []
    person = factories.end_user("ann")
    factories.training_run(window_to=NOW)

    page = engineer.get(of_then(person))
    with pytest.MonkeyPatch.context() as context:
        context.setattr("django.db.transaction.on_commit", lambda send: send())
        posted = engineer.post("/runs/train-until", {"at": "2026-03-01T12:00:00+00:00"})

    assert "The network is newer than this time" in pages.text(page)
    assert sent == []
    run = TrainingRun.objects.latest("pk")
    assert (run.settings["until"], run.window_to.isoformat()) == (
        "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00+00:00",
    )  # fmt: skip
    assert (started, posted.headers["Location"]) == ([run.pk], f"/runs/training/{run.pk}")
    assert f"Look at training {run.pk}" in pages.text(engineer.get(of_then(person)))


def test_an_analyst_may_not_start_a_training(analyst):
    person = factories.end_user("ann")

    assert "An engineer can ask for it." in pages.text(analyst.get(of_then(person)))
    assert analyst.post("/runs/train-until", {"at": "2026-03-01"}).status_code == 403


@pytest.mark.parametrize("at", ["", "soon", "2026-13-45T00:00"])
def test_a_time_that_is_none_is_not_there(analyst, at):
    assert analyst.get(of_then(factories.end_user("ann"), at)).status_code == 404
