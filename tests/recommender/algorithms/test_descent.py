"""Coordinate descent against answers worked out otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.algorithms.descent import elastic_net


def problems(number, size, seed=0):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(number, 2 * size, size))
    grams = np.einsum("mki,mkj->mij", rows, rows) + 0.5 * np.eye(size)
    return (
        torch.from_numpy(part).float() for part in (grams, random.normal(size=(number, size)) * 9)
    )


def test_one_unknown_by_hand():
    # ½ · 4 x² - 6 x + 2 |x| is least at (6 - 2) / 4; 6 turned round mirrors it; a pull below l1 gives 0.
    right = torch.tensor([[6.0], [-6.0], [1.0]])
    grams, l1 = torch.full((3, 1, 1), 4.0), torch.full((3,), 2.0)

    assert elastic_net(grams, right, l1=l1).flatten().tolist() == [1, -1, 0]
    assert elastic_net(grams, right, l1=l1, is_positive=True).flatten().tolist() == [1, 0, 0]


def test_without_l1_it_is_the_solution_of_the_equations():
    grams, right = problems(5, 6)

    found = elastic_net(grams, right, l1=torch.zeros(5))

    np.testing.assert_allclose(found, torch.linalg.solve(grams, right), atol=1e-3)


@pytest.mark.parametrize("is_positive", [False, True])
def test_no_slope_is_left_but_where_the_bounds_hold_it(is_positive):
    grams, right = problems(7, 9)
    l1 = torch.linspace(0.5, 4, 7)

    found = elastic_net(grams, right, l1=l1, is_positive=is_positive)

    slopes = right - torch.einsum("mde,me->md", grams, found)
    limits = l1[:, None].expand_as(slopes)
    moved = found != 0
    assert 0 < moved.float().mean() < 1
    np.testing.assert_allclose(slopes[moved], (limits * found.sign())[moved], atol=1e-2)
    still = slopes[~moved] if is_positive else slopes[~moved].abs()
    assert (still <= limits[~moved] + 1e-2).all()
    assert not is_positive or (found >= 0).all()


def test_a_start_near_the_answer_leads_to_the_same_answer():
    grams, right = problems(4, 5)
    l1 = torch.ones(4)
    first = elastic_net(grams, right, l1=l1)

    again = elastic_net(grams, right, l1=l1, start=first + 0.1)

    np.testing.assert_allclose(again, first, atol=1e-3)
