from __future__ import annotations

import numpy as np
import pytest

from interests.models import Category, EndUser, InterestState, Item, TrainingRun
from interests.services import tracking
from recommender.models import InterestMap
from recommender.selectors import pages_map
from recommender.services import mapping, refreshing
from tests import factories
from tests.factories import NOW
from tests.recommender.services.conftest import NUM_ITEMS, NUM_USERS
from tests.recommender.services.test_publishing import published

pytestmark = pytest.mark.django_db


@pytest.fixture
def tracked(training: TrainingRun) -> TrainingRun:
    tracking.renew_states(
        end_user_ids=EndUser.objects.values_list("pk", flat=True), now=NOW,
        network=refreshing.Memory().network(training), training_run=training,
    )  # fmt: skip
    return training


def test_a_publication_comes_with_its_map(tracked):
    run = published(tracked)

    made = InterestMap.objects.get(publication=run)
    assert sorted(made.items) == sorted(Item.objects.values_list("pk", flat=True))
    assert made.category_ids == sorted(Category.objects.values_list("pk", flat=True))
    assert (made.num_items, made.num_end_users) == (NUM_ITEMS, NUM_USERS)
    assert len(made.people_x) == NUM_USERS
    assert 0 < made.items_explained < 1
    # Two categories span a single axis, and whatever people want of them lies on it.
    assert made.people_explained == pytest.approx(1, abs=1e-4)
    assert made.y_axis == [0] * len(made.x_axis)


def test_the_most_used_items_are_drawn_first(tracked, monkeypatch):
    monkeypatch.setattr(mapping, "NUM_ITEMS", 3)
    popular = Item.objects.get(item_id="item 17")
    for _ in range(20):
        factories.event(EndUser.objects.get(user_id="user 0"), popular)

    made = InterestMap.objects.get(publication=published(tracked))

    assert (len(made.items), made.items[0]) == (3, popular.pk)


def test_the_sample_of_people_is_taken_evenly(tracked, monkeypatch):
    monkeypatch.setattr(mapping, "NUM_PEOPLE", 5)

    made = InterestMap.objects.get(publication=published(tracked))

    assert (len(made.people_x), made.num_end_users) == (4, NUM_USERS)  # every third


def test_the_same_network_and_events_draw_the_same_map(tracked):
    first, second = (InterestMap.objects.get(publication=published(tracked)) for _ in range(2))

    assert (first.x_axis, first.item_x) == (second.x_axis, second.item_x)


def test_a_map_goes_with_the_slates_of_its_publication(tracked):
    runs = [published(tracked) for _ in range(4)]

    assert [InterestMap.objects.filter(publication=run).exists() for run in runs] == [
        False, True, True, True,
    ]  # fmt: skip


def test_a_state_stands_where_its_vector_does(tracked):
    run = published(tracked)
    person = EndUser.objects.get(user_id="user 3")
    made, state = InterestMap.objects.get(publication=run), person.current_state

    [step] = pages_map.path(pages_map.interest_map(), end_user_id=person.pk)

    x = np.dot(made.x_axis, np.asarray(state.vector)) - made.x_middle
    assert (step.at, step.num_events) == (state.at, state.num_events)
    assert step.x == pytest.approx(x, abs=1e-6)
    assert min(abs(step.x - other) for other in made.people_x) < 1e-4


def test_states_of_another_space_are_not_on_the_way(tracked):
    published(tracked)
    person = EndUser.objects.get(user_id="user 3")
    InterestState.objects.filter(end_user=person).update(training_run=factories.training_run())

    assert pages_map.path(pages_map.interest_map(), end_user_id=person.pk) == []
