"""What people say about their own recommendations holds, and what was worked out before is gone."""

from datetime import timedelta

import pytest

from interests.models import (
    ChangeMark,
    Controls,
    DriftEvent,
    EndUser,
    Interaction,
    InterestState,
)
from interests.selectors import events, histories, people, population_events
from interests.services import controlling, tracking
from interests.services.controlling import ControlsInvalid, Wishes
from recommender.models import Slate
from recommender.services import asking
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def put(user_id="ada", *, now=NOW, **wishes):
    return controlling.put(user_id=user_id, wishes=Wishes(**wishes), now=now)


def stored():
    return Controls.objects.values_list(
        "end_user__user_id", "muted_category_ids", "boosts", "forget_before", "is_opted_out"
    ).get()


def used(*people_asked):
    log = events.interaction_log(end_users=[person.pk for person in people_asked]).log
    return sorted(log.positions.tolist())


@pytest.fixture
def ada():
    """Make somebody with three events, one a day, and all that is worked out of them."""
    drama, comedy = factories.category("Drama"), factories.category("Comedy")
    things = [factories.item(categories=(kind,)) for kind in (drama, comedy, drama)]
    ada, bob = factories.end_user("ada"), factories.end_user("bob")
    for person in (ada, bob):
        for day, thing in enumerate(things):
            factories.event(person, thing, occurred_at=NOW - (3 - day) * DAY)
    tracking.renew_states(end_user_ids=[ada.pk, bob.pk], now=NOW)
    for person in (ada, bob):
        factories.drift_event(person, rising=drama, falling=comedy)
        EndUser.objects.filter(pk=person.pk).update(drifted_at=NOW)
    publication = factories.publication()
    for person in (ada, bob):
        factories.slate(publication, person, things)
    ada.refresh_from_db()
    return ada


def test_words_become_keys_and_somebody_unknown_is_made():
    drama, comedy = factories.category("Drama"), factories.category("Comedy")

    said = put("eve", muted=["Drama", "Drama"], boosts={"Comedy": 2})

    assert stored() == ("eve", [drama.pk], {str(comedy.pk): 2.0}, None, False)
    assert said.wishes == Wishes(muted=("Drama",), boosts={"Comedy": 2.0})
    assert (said.updated_at, said.is_worked_out_anew) == (NOW, False)
    assert ChangeMark.objects.count() == 0


def test_what_is_left_out_is_back_at_its_default(ada):
    put(muted=["Drama"], boosts={"Comedy": 2}, forget_before=NOW, is_opted_out=True)

    put(muted=["Comedy"])

    assert stored()[2:] == ({}, None, False)


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"muted": ["Drama", "Nothing"]}, "category_unknown"),
        ({"boosts": {"Nothing": 2}}, "category_unknown"),
        ({"muted": ["Drama"], "boosts": {"Drama": 2}}, "category_muted_and_boosted"),
        ({"boosts": {"Drama": 0}}, "boost_out_of_range"),
        ({"boosts": {"Drama": 100.1}}, "boost_out_of_range"),
        ({"boosts": {"Drama": float("nan")}}, "boost_out_of_range"),
        ({"forget_before": NOW + DAY}, "forget_before_in_the_future"),
        ({"muted": [str(n) for n in range(501)]}, "too_many_categories"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nobody_is_made(wishes, code):
    factories.category("Drama")

    with pytest.raises(ControlsInvalid) as refused:
        put("eve", **wishes)

    assert refused.value.code == code
    assert (EndUser.objects.count(), Controls.objects.count()) == (0, 0)


def test_clock_a_little_ahead_means_now(ada):
    put(forget_before=NOW + timedelta(minutes=4))

    assert stored()[3] == NOW


def test_events_before_the_time_are_kept_and_not_used(ada):
    mine = list(Interaction.objects.filter(end_user=ada).order_by("occurred_at"))

    said = put(forget_before=NOW - 2 * DAY)

    assert said.is_worked_out_anew is True
    assert used(ada) == [mine[1].pk, mine[2].pk]
    assert Interaction.objects.filter(end_user=ada).count() == 3
    assert list(histories.used_by(ada.pk).order_by("pk")) == mine[1:]


def test_event_of_a_doubtful_time_is_forgotten_by_its_arrival(ada):
    late = factories.event(
        ada, factories.item(), occurred_at=NOW.replace(year=9999), is_time_doubtful=True,
        received_at=NOW - DAY,
    )  # fmt: skip

    put(forget_before=NOW)
    assert used(ada) == []

    put(forget_before=NOW - 2 * DAY)
    assert late.pk in used(ada)


@pytest.mark.parametrize("wishes", [{"forget_before": NOW}, {"is_opted_out": True}])
def test_nothing_personal_is_left_and_nobody_else_loses_anything(ada, wishes):
    bob = EndUser.objects.get(user_id="bob")
    tables = (InterestState, DriftEvent, Slate)
    assert [table.objects.filter(end_user=ada).exists() for table in tables] == [True] * 3

    put(**wishes)

    ada.refresh_from_db()
    assert [table.objects.filter(end_user=ada).exists() for table in tables] == [False] * 3
    assert (ada.current_state, ada.num_events, ada.last_event_at, ada.drifted_at) == (
        None, 0, None, None,
    )  # fmt: skip
    assert list(ChangeMark.objects.values_list("end_user", "marked_at")) == [(ada.pk, NOW)]
    assert [table.objects.filter(end_user=bob).exists() for table in tables] == [True] * 3
    assert used(ada, bob) == used(bob)
    assert people.num_with_events() == 1
    assert [block.tolist() for block in people.blocks(after=0, max_people=9, max_events=9)] == [
        [bob.pk]
    ]
    assert population_events.counts()["user"].tolist() == [bob.pk]


def test_nothing_comes_back_by_itself_and_all_of_it_by_opting_in_again(ada):
    put(is_opted_out=True)
    factories.event(ada, factories.item(), occurred_at=NOW)

    assert tracking.renew_states(end_user_ids=[ada.pk], now=NOW) == 0
    ada.refresh_from_db()
    assert (ada.current_state, ada.num_events) == (None, 0)

    said = put()
    assert said.is_worked_out_anew is True
    assert tracking.renew_states(end_user_ids=[ada.pk], now=NOW) == 1
    ada.refresh_from_db()
    assert ada.num_events == 4


def test_state_after_forgetting_is_that_of_the_events_that_are_left(ada):
    put(forget_before=NOW - DAY)
    tracking.renew_states(end_user_ids=[ada.pk], now=NOW)

    ada.refresh_from_db()
    state = ada.current_state
    eve = factories.end_user("eve")
    last = Interaction.objects.filter(end_user=ada).order_by("-occurred_at")[0]
    factories.event(eve, last.item, occurred_at=last.occurred_at)
    tracking.renew_states(end_user_ids=[eve.pk], now=NOW)
    eve.refresh_from_db()
    assert state.num_events == 1
    assert state.weights == pytest.approx(eve.current_state.weights)


def test_saying_the_same_again_works_nothing_out(ada):
    put(forget_before=NOW, muted=["Drama"])
    ChangeMark.objects.all().delete()

    said = put(forget_before=NOW, muted=["Drama"], now=NOW + DAY)

    assert (said.updated_at, said.is_worked_out_anew) == (NOW, False)
    assert ChangeMark.objects.count() == 0


def test_answers_kept_in_redis_go_with_what_is_forgotten(ada, django_capture_on_commit_callbacks):
    key = asking.key_of("what_if", arguments={"end_user_id": ada.pk}, depends_on=[])
    asking.keep_answer(key, {"items": [1]}, now=0.0)

    with django_capture_on_commit_callbacks(execute=True):
        put(muted=["Drama"])
    assert asking.look(key, now=0.0) is not None
    with django_capture_on_commit_callbacks(execute=True):
        put(forget_before=NOW)
    assert asking.look(key, now=0.0) is None


def test_muting_leaves_state_and_slate_as_they_are(ada):
    put(muted=["Drama"])

    assert (Slate.objects.count(), InterestState.objects.count()) == (2, 2)


def test_what_was_read_before_is_not_written_afterwards(ada):
    bob = EndUser.objects.get(user_id="bob")
    known = events.interaction_log(end_users=[ada.pk, bob.pk])
    assert histories.no_longer_used(known, [ada.pk, bob.pk]) == set()

    put(muted=["Drama"], forget_before=NOW - 10 * DAY)
    assert histories.no_longer_used(known, [ada.pk, bob.pk]) == set()

    put(forget_before=NOW - 2 * DAY)
    assert histories.no_longer_used(known, [ada.pk, bob.pk]) == {ada.pk}

    put(is_opted_out=True)
    assert histories.no_longer_used(known, [ada.pk, bob.pk]) == {ada.pk}
