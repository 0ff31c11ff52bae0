import dataclasses

import numpy as np
import pytest

from interests.learning import scoring, trainer, trend
from tests.interests.learning.logs import chain, log_of


def rises(log, *, half_life, item_index=None):
    index = np.arange(log.num_items) if item_index is None else item_index
    found = trend.log_rises(
        log, item_index=index, num_items=int(index.max()) + 1, half_life=half_life
    )
    return np.exp(found)


def test_an_event_counts_half_as_much_as_one_that_came_a_half_life_of_all_events_later():
    # In order of time: item 0, 1, 1, 1, of two people; half a life is one event.
    log = log_of([[0, 1], [1, 1]], num_items=3, seconds=[[0, 2], [1, 3]])

    # Recent: 1/8 and 7/4, together 15/8; usual are a quarter and three quarters of that.
    expected = [(1 / 8 + 0.5) / (15 / 32 + 0.5), (7 / 4 + 0.5) / (45 / 32 + 0.5), 1]
    np.testing.assert_allclose(rises(log, half_life=0.25), expected, rtol=1e-6)


def test_negative_events_and_unknown_items_are_not_counted():
    log = log_of([[0, 1, 2, 1, 0]], num_items=3, kinds=[[0, 1, 0, 0, 0]])

    found = rises(log, half_life=1 / 3, item_index=np.array([1, 0, -1]))

    # Left are item 0, item 1, item 0: 1/4 + 1 and 1/2, together 7/4, usually 7/6 and 7/12.
    np.testing.assert_allclose(
        found, [(1 / 2 + 0.5) / (7 / 12 + 0.5), (5 / 4 + 0.5) / (7 / 6 + 0.5)]
    )


@pytest.mark.parametrize("seconds", [None, [[5, 5], [5, 5]]])
def test_nothing_rises_where_nothing_happened_or_all_at_once(seconds):
    log = log_of([[0, 1], [1, 1]] if seconds else [[]], num_items=2, seconds=seconds)

    np.testing.assert_allclose(rises(log, half_life=0.1), [1, 1])


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_scores_change_by_the_weighted_log_rises_and_category_shares_do_not(trained, weight):
    log, users = chain(), np.arange(3)
    plain = trained.with_trend(0.0)

    found = trained.with_trend(weight)

    np.testing.assert_allclose(
        scoring.scores(found, log, users=users) - scoring.scores(plain, log, users=users),
        np.tile(weight * trained.log_rises, (3, 1)),
        atol=1e-5,
    )
    np.testing.assert_array_equal(
        scoring.category_shares(found, log), scoring.category_shares(plain, log)
    )


@pytest.mark.parametrize(("weight", "counted"), [(0.5, 0.5), (1.0, 1.0), (4.0, 1.0)])
def test_somebody_unknown_gets_what_is_popular_now_and_no_more(trained, weight, counted):
    log = log_of([[], [0, 1]], num_items=12)

    found = scoring.scores(trained.with_trend(weight), log, users=np.arange(2))

    plain = scoring.scores(trained.with_trend(0.0), log, users=np.arange(2))
    expected = np.array([[counted], [weight]]) * trained.log_rises
    np.testing.assert_allclose(found - plain, expected, atol=1e-5)


def test_a_trained_network_knows_what_rose_when_its_events_ended(small_config):
    log = chain(num_users=20)
    config = dataclasses.replace(small_config, max_epochs=1, trend=2.0, trend_half_life=0.1)

    found = trainer.fit(log, config=config)

    expected = np.log(rises(log, half_life=0.1))
    np.testing.assert_allclose(found.log_rises, expected, atol=1e-6)
    np.testing.assert_allclose(found.trend, 2 * expected, atol=1e-6)
