from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import connection

from interests.models import ChangeMark, EndUser, InterestState, RunState
from recommender.models import PublicationRun, Serving, SimilarItems, Slate, Switch
from recommender.services import recommending, switching
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def published(*, minutes: int = 0) -> PublicationRun:
    at = NOW + timedelta(minutes=minutes)
    made = factories.publication(is_serving=False, finished_at=at)
    person, _ = EndUser.objects.get_or_create(user_id="reader", defaults={"created_at": NOW})
    factories.slate(made, person, [factories.item()])
    return made


def switch(publication: PublicationRun) -> PublicationRun | None:
    return switching.switch_to(publication=publication, by="ada", reason="better", now=NOW)


def state_of(person: EndUser, *, minutes: int) -> None:
    state = InterestState.objects.create(
        end_user=person, tracker_version="test", at=NOW, category_ids=[0], weights=[1.0],
        long_term=[1.0], short_term=[1.0], event_shares=[1.0], num_events=1, active_days=1,
        events_through=NOW + timedelta(minutes=minutes), created_at=NOW,
    )  # fmt: skip
    EndUser.objects.filter(pk=person.pk).update(current_state=state)


def test_switching_returns_what_served_and_keeps_a_log():
    first, second = published(), published()

    before = [switch(first), switch(second)]

    assert before == [None, first]
    assert Serving.objects.get().publication == second
    log = Switch.objects.order_by("pk").values_list("publication", "switched_by", "reason")
    assert list(log) == [(first.pk, "ada", "better"), (second.pk, "ada", "better")]


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.STOPPED])
def test_only_a_publication_that_is_done_can_serve(state):
    publication = published()
    PublicationRun.objects.filter(pk=publication.pk).update(state=state)

    with pytest.raises(switching.CannotSwitch, match=f"is {state}; only one that is done"):
        switch(publication)

    assert not Serving.objects.exists()


def test_a_publication_without_slates_cannot_serve():
    publication = factories.publication(is_serving=False)

    with pytest.raises(switching.CannotSwitch, match="are gone. Publish its training again"):
        switch(publication)


def test_rolling_back_twice_goes_back_two_steps_and_no_further():
    first, second, third = published(), published(), published()
    for publication in (first, second, third):
        switch(publication)

    back = [switching.roll_back(by="ada", now=NOW) for _ in range(2)]

    assert back == [second, first]
    assert Serving.objects.get().publication == first
    with pytest.raises(switching.CannotSwitch, match="No slates of what served before"):
        switching.roll_back(by="ada", now=NOW)


def test_rolling_back_goes_by_what_served_and_not_by_numbers():
    first, second, third = published(), published(), published()
    for publication in (first, second, third, second):
        switch(publication)

    back = [switching.roll_back(by="ada", now=NOW) for _ in range(3)]

    assert back == [third, second, first]


def test_an_older_publication_that_was_let_serve_is_gone_back_from():
    first, second = published(), published()
    for publication in (first, second, first):
        switch(publication)

    assert switching.roll_back(by="ada", now=NOW) == second
    assert switching.roll_back(by="ada", now=NOW) == first
    with pytest.raises(switching.CannotSwitch, match="No slates of what served before"):
        switching.roll_back(by="ada", now=NOW)


def test_what_was_gone_back_from_is_not_gone_back_to():
    first, second, third = published(), published(), published()
    switch(first)
    switch(second)
    switching.roll_back(by="ada", now=NOW)
    switch(third)

    assert switching.roll_back(by="ada", now=NOW) == first


def test_slates_to_go_back_to_are_those_that_served_last():
    runs = [published(minutes=number) for number in range(4)]
    for run in (runs[0], runs[1], runs[2], runs[0], runs[3]):
        switch(run)

    assert switching.clear_away(now=NOW) == [runs[1].pk]
    assert switching.roll_back(by="ada", now=NOW) == runs[0]


def test_rolling_back_before_anything_serves_says_so():
    with pytest.raises(switching.CannotSwitch, match="Nothing serves yet"):
        switching.roll_back(by="ada", now=NOW)


def test_a_publication_that_never_served_is_not_gone_back_to():
    first, _, third = published(), published(), published()
    switch(first)
    switch(third)

    assert switching.roll_back(by="ada", now=NOW) == first


def test_people_whose_slates_lag_behind_their_states_are_marked():
    publication = factories.publication(is_serving=False)
    fresh, stale, new, stateless = (factories.end_user() for _ in range(4))
    for person in (fresh, stale, stateless):
        factories.slate(publication, person, [factories.item()], events_through=NOW)
    state_of(fresh, minutes=0)
    state_of(stale, minutes=1)
    state_of(new, minutes=1)
    ChangeMark.objects.create(end_user=stale, marked_at=NOW - timedelta(hours=1), generation=4)

    switch(publication)

    marks = ChangeMark.objects.order_by("pk").values_list("end_user", "marked_at", "generation")
    assert list(marks) == [(stale.pk, NOW - timedelta(hours=1), 5), (new.pk, NOW, 1)]


def test_slates_more_than_two_publications_back_are_cleared_away():
    runs = [published(minutes=number) for number in range(5)]
    item = factories.item()
    for run in runs:
        SimilarItems.objects.create(publication=run, item=item, items=[], item_ids=[], scores=[])
        switch(run)

    cleared = switching.clear_away(now=NOW)

    kept = [run.pk for run in runs[2:]]
    assert cleared == [run.pk for run in runs[:2]]
    assert sorted(Slate.objects.values_list("publication", flat=True)) == kept
    assert sorted(SimilarItems.objects.values_list("publication", flat=True)) == kept
    assert PublicationRun.objects.count() == 5
    runs[0].refresh_from_db()
    assert runs[0].results == {"slates_removed_at": NOW.isoformat()}


def test_a_publication_newer_than_what_serves_is_not_cleared_away():
    old, waiting = published(minutes=0), published(minutes=1)
    switch(old)

    assert switching.clear_away(now=NOW) == []
    assert waiting.slates.count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_answer_mixes_two_publications_while_the_switch_is_flipped():
    ann = factories.end_user("ann")
    runs = [factories.publication(is_serving=False) for _ in range(2)]
    items = {run.pk: [factories.item(f"{run.pk}-{n}") for n in range(60)] for run in runs}
    for run in runs:
        factories.slate(run, ann, items[run.pk])
    switching.switch_to(publication=runs[0], by="test", reason="", now=NOW)
    is_over = threading.Event()

    def flip() -> None:
        for number in itertools.count(1):
            if is_over.is_set():
                break
            switching.switch_to(publication=runs[number % 2], by="test", reason="", now=NOW)
        connection.close()

    flipping = threading.Thread(target=flip)
    flipping.start()
    try:
        answers = [
            recommending.recommend(user_id="ann", n=50, explain=True, now=NOW) for _ in range(300)
        ]
    finally:
        is_over.set()
        flipping.join()

    assert {answer.run for answer in answers} == {run.pk for run in runs}
    for answer in answers:
        assert [one.item_id for one in answer.items] == [f"{answer.run}-{n}" for n in range(50)]
