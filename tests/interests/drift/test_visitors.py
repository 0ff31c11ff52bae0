"""Simulated visitors: what they do follows what they want, and what they want changes."""

from __future__ import annotations

import numpy as np
import pytest

from interests.drift import visitors
from interests.drift.visitors import Visitors

# Ten items of each of four categories.
SHARES = np.repeat(np.eye(4), 10, axis=0)
OF_FIRST, OF_SECOND = 0, 10


def make(
    weights: list[list[float]], *, seed: int = 0, popularity: np.ndarray | None = None
) -> Visitors:
    return Visitors(
        [f"person-{number}" for number in range(len(weights))],
        weights=np.array(weights),
        shares=SHARES,
        popularity=np.ones(len(SHARES)) if popularity is None else popularity,
        seed=seed,
    )


def rates(people: Visitors, items: list[int], *, times: int = 4_000) -> np.ndarray:
    return np.mean([people.clicks(0, items) for _ in range(times)], axis=0)


def test_what_is_of_interest_is_clicked_most_and_lower_places_less() -> None:
    people = make([[1.0, 0.0, 0.0, 0.0]])

    found = rates(people, [OF_FIRST, OF_FIRST + 1, OF_FIRST + 2, OF_SECOND])

    expected = np.array([0.6, 0.6 / np.log2(3), 0.6 / 2, 0.02 / np.log2(5)])
    np.testing.assert_allclose(found, expected, atol=0.025)


def test_an_item_that_nobody_knows_is_clicked_as_one_of_no_interest() -> None:
    found = rates(make([[1.0, 0.0, 0.0, 0.0]]), [-1])

    np.testing.assert_allclose(found, [0.02], atol=0.01)


def test_finds_come_from_what_is_wanted_by_popularity() -> None:
    popularity = np.where(np.arange(len(SHARES)) == 3, 9.0, 1.0)
    people = make([[0.5, 0.0, 0.5, 0.0]], popularity=popularity)

    found = np.bincount([people.finds(0) for _ in range(4_000)], minlength=len(SHARES)) / 4_000

    np.testing.assert_allclose(found @ SHARES, [0.5, 0, 0.5, 0], atol=0.03)
    np.testing.assert_allclose(found[3], 0.5 * 9 / 18, atol=0.03)


def test_who_wants_only_what_nobody_has_finds_what_others_do() -> None:
    popularity = np.where(np.arange(len(SHARES)) < 10, 0.0, 1.0)
    people = make([[1.0, 0.0, 0.0, 0.0]], popularity=popularity)

    assert all(people.finds(0) >= 10 for _ in range(100))


def test_a_change_makes_a_small_interest_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "CHANGE_CHANCE", 1.0)
    monkeypatch.setattr(visitors, "NEW_VISITOR_CHANCE", 0.0)
    people = make([[0.6, 0.4, 0.0, 0.0]])

    assert people.next() == 0

    after = people.interests(0)
    assert sorted(after.tolist(), reverse=True) == pytest.approx([0.7, 0.18, 0.12, 0.0])
    assert after[:2].tolist() == pytest.approx([0.18, 0.12])


def test_nobody_changes_to_a_category_without_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "CHANGE_CHANCE", 1.0)
    monkeypatch.setattr(visitors, "NEW_VISITOR_CHANCE", 0.0)
    popularity = np.where(np.arange(len(SHARES)) < 20, 1.0, 0.0)
    people = make([[0.6, 0.4, 0.0, 0.0]], popularity=popularity)

    people.next()

    assert people.interests(0).tolist() == pytest.approx([0.6, 0.4, 0.0, 0.0])


def test_somebody_new_wants_what_somebody_known_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "NEW_VISITOR_CHANCE", 1.0)
    people = make([[0.0, 1.0, 0.0, 0.0]])

    visitor = people.next()

    assert visitor == 1
    assert people.names[1].startswith("visitor-")
    assert people.interests(1).tolist() == [0.0, 1.0, 0.0, 0.0]


def test_what_is_said_of_a_click_follows_the_interest() -> None:
    people = make([[1.0, 0.0, 0.0, 0.0]])

    wanted = [people.says(0, OF_FIRST) for _ in range(4_000)]
    unwanted = [people.says(0, OF_SECOND) for _ in range(4_000)]

    shares = [
        [said.count(kind) / 4_000 for kind in ("like", "purchase", "dislike")]
        for said in (wanted, unwanted)
    ]
    np.testing.assert_allclose(shares, [[0.15, 0.08, 0.0], [0.15, 0.08, 0.2]], atol=0.025)


def test_one_seed_is_one_course_of_visits() -> None:
    def course(seed: int) -> list[object]:
        people = make([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]], seed=seed)
        return [
            (who := people.next(), people.clicks(who, list(range(8))), people.finds(who))
            for _ in range(30)
        ]

    assert course(3) == course(3)
    assert course(3) != course(4)


@pytest.mark.parametrize(("names", "popularity"), [([], [1.0] * 40), (["ann"], [0.0] * 40)])
def test_nobody_or_nothing_is_refused(names: list[str], popularity: list[float]) -> None:
    with pytest.raises(ValueError, match="nobody to visit, or nothing to look at"):
        Visitors(
            names, weights=np.full((len(names), 4), 0.25), shares=SHARES,
            popularity=np.array(popularity), seed=0,
        )  # fmt: skip
