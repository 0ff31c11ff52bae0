import numpy as np
import pytest
import torch

from interests.learning.best import best


def in_order(row: list[float], k: int) -> list[int]:
    """Return the places of the k highest, the first of equal ones first."""
    return sorted((n for n, x in enumerate(row) if x > -np.inf), key=lambda n: (-row[n], n))[:k]


def test_best_come_first():
    places, values = best(torch.tensor([[1.0, 5.0, -2.0], [0.0, -0.5, 3.0]]), 2)

    assert places.tolist() == [[1, 0], [2, 0]]
    assert values.tolist() == [[5, 1], [3, 0]]


def test_what_is_out_of_the_question_takes_no_place():
    places, values = best(torch.tensor([[-torch.inf, 2.0], [-torch.inf, -torch.inf]]), 3)

    assert places.tolist() == [[1, -1, -1], [-1, -1, -1]]
    assert values.tolist() == [[2, -np.inf, -np.inf], [-np.inf] * 3]


@pytest.mark.parametrize("num_items", [1, 7, 300, 5_003])
@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_best_are_those_of_a_full_sort_with_ties_in_order_of_place(num_items, decimals):
    generator = torch.Generator().manual_seed(num_items)
    scores = torch.randn(9, num_items, generator=generator).round(decimals=decimals)
    scores[:, ::3] = -torch.inf
    scores[4] = 0.0
    scores[5, : num_items // 2] = -0.0

    places, values = best(scores, 20)

    for row, own in enumerate(scores.tolist()):
        expected = in_order(own, 20)
        assert places[row].tolist() == expected + [-1] * (20 - len(expected))
        assert values[row, : len(expected)].tolist() == [own[place] for place in expected]


def test_places_may_be_asked_for_from_a_part_of_a_table():
    scores = torch.arange(24.0).view(4, 6)[:, ::2]

    assert best(scores, 1)[0].tolist() == [[2]] * 4


def test_devices_agree(device):
    scores = torch.randn(50, 2_000, generator=torch.Generator().manual_seed(3))

    places, values = best(scores.to(device), 30)

    assert values.tolist() == scores.topk(30).values.tolist()
    assert (
        np.take_along_axis(scores.numpy(), places.astype(np.int64), 1).tolist() == values.tolist()
    )
