import json

import numpy as np
import pytest

from interests.learning.event_kinds import EventKinds
from tests.interests.learning.logs import log_of


def rated(values: list[float]):
    log = log_of([list(range(len(values)))], num_items=len(values))
    log.values[:] = values
    return log


def test_levels_of_values_have_numbers_of_their_own():
    log = rated([1.0, 2.0, 2.0, 3.0, 5.0, float("nan")])

    kinds = EventKinds.of_log(log)

    assert kinds.names == ("view", "dislike")
    assert kinds.bounds == ((2.0, 3.0), ())
    # 1: no value. 2: the lowest. Then one for each bound. Infinite is no value.
    assert kinds.numbers(log).tolist() == [2, 3, 3, 4, 4, 1]
    assert kinds.numbers(rated([-9.0, 2.5, 99.0, float("inf")])).tolist() == [2, 3, 4, 1]
    assert kinds.count == 7


def test_many_values_make_ten_levels_at_most():
    log = rated(np.random.default_rng(0).normal(size=1000).tolist())

    kinds = EventKinds.of_log(log)

    counts = np.bincount(kinds.numbers(log))[2:12]
    assert len(kinds.bounds[0]) == 9
    assert counts == pytest.approx(np.full(10, 100), abs=2)


def test_kind_that_is_not_known_is_0_and_one_without_values_is_not():
    known = EventKinds(names=("dislike",), bounds=((),))
    log = log_of([[0, 1, 2]], num_items=3, kinds=[[0, 1, 1]])

    assert known.numbers(log).tolist() == [0, 1, 1]


def test_kinds_go_to_json_and_back():
    kinds = EventKinds(names=("rating", "view"), bounds=((0.1, 4.5), ()))

    assert EventKinds.from_dict(json.loads(json.dumps(kinds.to_dict()))) == kinds
