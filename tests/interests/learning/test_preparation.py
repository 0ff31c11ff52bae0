import numpy as np
import pytest

from interests.learning import preparation
from interests.learning.config import TrainingConfig
from tests.interests.learning.logs import chain, log_of

CONFIG = TrainingConfig()


def test_prepare_keeps_the_items_with_events_and_counts_targets():
    log = log_of([[4, 1, 3], [1, 4]], num_items=6)

    found = preparation.prepare(log, config=CONFIG)

    assert found.item_ids.tolist() == ["i1", "i3", "i4"]
    # One of the two last events is kept out; whose is drawn from the seed.
    assert len(found.validation_users) == 1
    assert found.item_counts.sum() == found.histories.is_target.sum() == 2


def test_validation_is_the_last_event_that_is_not_negative():
    log = log_of([[0, 1, 2, 3]] * 30, num_items=4, kinds=[[0, 0, 0, 1]] * 30)

    found = preparation.prepare(log, config=CONFIG)

    assert len(found.validation_users) == 3  # 5 % of 60 targets
    assert set(found.histories.items[found.validation_events]) == {3}
    assert not found.histories.is_target[found.validation_events].any()
    assert found.histories.is_target.sum() == 57


def test_validation_leaves_out_those_who_came_back_to_an_item():
    log = log_of([[0, 1, 0], [0, 1, 2]] * 20, num_items=3)

    found = preparation.prepare(log, config=CONFIG)

    assert set((found.validation_users % 2).tolist()) == {1}
    assert found.repeats_items is True


def test_people_who_never_come_back_are_noticed():
    log = log_of([[0, 1, 2]] * 9, num_items=3)

    assert preparation.prepare(log, config=CONFIG).repeats_items is False


@pytest.mark.parametrize("limit", [1, 7])
def test_validation_takes_no_more_users_than_allowed(limit):
    config = TrainingConfig(validation_users=limit)

    found = preparation.prepare(chain(num_users=90), config=config)

    assert len(np.unique(found.validation_users)) == limit
