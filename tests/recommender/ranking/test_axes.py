from __future__ import annotations

import numpy as np
import pytest

from recommender.ranking import axes


def test_the_axes_are_those_along_which_categories_differ_most():
    # Around (1, 1, 1): 3 to either side along y, 2 along x, 0.5 along z.
    around = np.array([[0, 3, 0], [0, -3, 0], [2, 0, 0], [-2, 0, 0], [0, 0, 0.5], [0, 0, -0.5]])

    found = axes.of_categories(around + 1.0, weights=np.ones(6))

    assert found.middle == pytest.approx([1, 1, 1])
    assert np.abs(found.directions) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0]]))
    assert np.abs(found.project(np.array([[3.0, 1.0, 1.0]]))) == pytest.approx(np.array([[0, 2]]))
    # (9 + 9 + 4 + 4) of (9 + 9 + 4 + 4 + 0.25 + 0.25)
    assert found.explained(around) == pytest.approx(26 / 26.5)


def test_the_point_farthest_out_lies_on_the_positive_side():
    points = np.array([[-5.0, 0.0], [1.0, 2.0], [1.0, -1.0]])

    for sign in (1, -1):
        found = axes.of_categories(sign * points, weights=np.ones(3))
        along = found.project(sign * points)
        farthest = np.take_along_axis(along, np.abs(along).argmax(0)[None], 0)
        assert (farthest > 0).all()


def test_what_nobody_uses_moves_nothing():
    points = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 50.0]])

    found = axes.of_categories(points, weights=np.array([1.0, 1.0, 0.0]))

    assert found.middle == pytest.approx([0, 0])
    assert np.abs(found.directions) == pytest.approx(np.array([[1, 0], [0, 0]]))


def test_a_vector_stands_at_the_directions_times_it_less_the_offset():
    random = np.random.default_rng(0)
    points = random.normal(size=(5, 4))
    found = axes.of_categories(points, weights=random.random(5))

    vector = random.normal(size=4)

    assert found.directions @ vector - found.offset == pytest.approx(found.project(vector[None])[0])


def test_one_category_alone_has_no_axes():
    found = axes.of_categories(np.array([[1.0, 2.0]]), weights=np.ones(1))

    assert found.directions.tolist() == [[0, 0], [0, 0]]
    assert found.explained(np.array([[1.0, 2.0], [3.0, 4.0]])) == 0
