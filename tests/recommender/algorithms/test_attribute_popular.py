"""What people with the same attributes choose, worked out by hand and on a planted population."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import planted_people
from interests.datasets.attributes import Attributes
from recommender import algorithms
from recommender.algorithms.attribute_popular import AttributePopularSettings
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import runner, segments, splits
from recommender.evaluation.answers import Request
from tests.recommender.logs import drawn_log, log_of


def fitted_on(log, shrinkage=2.0):
    algorithm = algorithms.make("attribute_popular")
    return algorithm.fit(log, settings=AttributePopularSettings(shrinkage), seed=0)


def towns_log():
    """Return a log of five Romans who chose film and five of Oslo who chose news, one of them twice."""
    rows = [(f"u{number}", "film" if number < 5 else "news", 1) for number in range(10)]
    log = log_of([*rows, ("u9", "news", 2), ("u0", "news", 3, "dislike")])
    towns = [["Rome"]] * 5 + [["Oslo"]] * 5
    return replace(log, attributes=Attributes(("town",), np.array(towns, object)))


def test_people_get_what_others_like_them_choose():
    found = fitted_on(towns_log()).scores(towns_log(), users=np.array([0, 9], np.int32))

    # Half of the ten choices are by Romans: film has 5 where 2.5 are usual, news none, and 2 · 1/2 more on both
    # sides. The second event of one person on news makes it more popular, and is no further choice.
    more, less = math.log((5 + 1) / (2.5 + 1)), math.log((0 + 1) / (2.5 + 1))
    assert found[0].tolist() == [
        pytest.approx(math.log(5) + more),
        pytest.approx(math.log(6) + less),
    ]
    assert found[1].tolist() == [
        pytest.approx(math.log(5) + less),
        pytest.approx(math.log(6) + more),
    ]


def test_who_has_no_known_attribute_gets_exactly_popularity():
    log = towns_log()
    fitted = fitted_on(log)
    live = log_of([("new", "film", 1), ("old", "film", 1)], item_ids=["film", "news"])
    live = replace(live, attributes=Attributes(("town",), np.array([["Nice"], [""]], object)))

    assert fitted.scores(live, users=np.array([0, 1], np.int32)).tolist() == [[5.0, 6.0]] * 2


def test_without_attributes_it_is_popularity():
    log, users = drawn_log(num_items=200), np.arange(10, dtype=np.int32)
    popular = algorithms.make("most_popular")
    expected = popular.fit(log, settings=popular.grid()[0], seed=0).scores(log, users=users)

    np.testing.assert_array_equal(fitted_on(log).scores(log, users=users), expected)


def test_people_without_events_have_no_say():
    log = towns_log()
    without = log.take(log.users < 5)
    alone = replace(
        without, attributes=Attributes(("town",), np.array([["Rome"]] * 5 + [[""]] * 5, object))
    )
    users = np.array([0], np.int32)

    found = fitted_on(without).scores(without, users=users)

    np.testing.assert_array_equal(found, fitted_on(alone).scores(alone, users=users))


@pytest.mark.parametrize(
    ("log", "shrinkage", "words"),
    [
        (log_of([("ann", "a", 1, "dislike")]), 1.0, "no events to count: attribute_popular"),
        (log_of([("ann", "a", 1)]), 0.0, "needs a shrinkage above 0"),
        (log_of([("ann", "a", 1)]), float("nan"), "needs a number as its shrinkage"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(log, shrinkage, words):
    with pytest.raises(CannotFit, match=words):
        fitted_on(log, shrinkage)


def test_where_attributes_decide_new_people_are_served_by_them_and_shuffled_ones_are_worth_nothing():
    planted = planted_people.population(num_people=1000, seed=0)
    names = ("most_popular", "attribute_popular", "factorisation_machine")

    def new_people(log):
        made = [algorithms.make(name) for name in names]
        found = runner.run(splits.split(log, name="time"), algorithms=made, request=Request())
        return [one.segments[segments.NEW_USERS].values["ndcg@10"] for one in found]

    popular, by_attributes, machine = new_people(planted.log)
    control = new_people(planted.shuffled(seed=0))

    assert by_attributes > 1.25 * popular
    assert machine > 1.2 * popular
    # Popularity reads no attributes; the others have nothing to read any more.
    assert control[0] == popular
    assert max(control[1:]) < 1.1 * popular
