"""What studies may try: derived from a grid or declared, and back and forth through JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from recommender import algorithms
from recommender.algorithms import spaces
from recommender.algorithms.spaces import Choice, Real, Whole


@dataclass(frozen=True)
class Settings:
    width: int = 8
    rate: float = 0.5
    half_life: float | None = None
    hidden: tuple[int, ...] = (4, 2)
    changes: Mapping[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize("name", algorithms.REGISTRY)
def test_settings_of_every_grid_come_back_as_they_were_kept(name):
    grid = algorithms.make(name).grid()
    assert [
        spaces.restored(grid[0], json.loads(json.dumps(spaces.plain(one)))) for one in grid
    ] == list(grid)


def test_kept_settings_that_fit_no_more_are_refused():
    assert spaces.restored(Settings(), {"half_life": 2.0, "hidden": [3], "rate": 1}) == Settings(
        rate=1, half_life=2.0, hidden=(3,)
    )
    with pytest.raises(KeyError, match="Settings has no setting 'depth'"):
        spaces.restored(Settings(), {"depth": 3})
    with pytest.raises(TypeError, match=r"width was 'wide' and is 8 now\."):
        spaces.restored(Settings(), {"width": "wide"})


class Listed:
    name = "listed"

    def space(self) -> spaces.Space:
        return {"width": Whole(1, 3)}


def test_a_space_goes_from_the_smallest_to_the_largest_of_what_varies_in_the_grid():
    grid = [Settings(), Settings(64, 0.25), Settings(8, 0.5, 3.0), Settings(hidden=(4,))]

    assert spaces.derived(grid) == {
        "width": Whole(8, 64, is_log=True),
        "rate": Real(0.25, 0.5),
        "half_life": Choice((None, 3.0)),
        "hidden": Choice(((4, 2), (4,))),
    }


def test_where_nothing_varies_numbers_are_tried_around_and_shares_stay_shares():
    assert spaces.derived([Settings()]) == {"width": Whole(4, 16), "rate": Real(0.25, 0.75)}


def test_what_an_algorithm_declares_itself_counts_before_all_else():
    assert spaces.space_of(Listed()) == {"width": Whole(1, 3)}  # type: ignore[arg-type]


def test_settings_within_settings_are_read_and_set_by_dotted_names():
    space = {"changes.width": Choice((32, 64)), "rate": Real(0, 1), "width": Whole(10, 20)}
    settings = Settings(changes={"width": 32, "seed": 1})

    # A width of 8 lies outside of the space.
    assert spaces.params_of(settings, space) == {"changes.width": 32, "rate": 0.5}
    assert spaces.applied(settings, {"changes.width": 64, "changes.dropout": 0.1, "width": 12}) == (
        Settings(12, changes={"width": 64, "seed": 1, "dropout": 0.1})
    )
    with pytest.raises(KeyError, match="Settings has no setting 'witdh'."):
        spaces.applied(settings, {"witdh": 1})


def test_a_choice_tells_one_from_true_and_from_one_point_zero():
    choice = Choice((None, 1, 2.0))

    assert [choice.holds(value) for value in (None, 1, 2.0, True, 1.0, 2)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_a_grid_is_as_fine_as_the_number_of_trials_allows():
    space = {"rate": Real(0.01, 1.0, is_log=True), "kind": Choice(("a", "b"))}

    points = spaces.grid_points(space, num=6)

    assert [(round(point["rate"], 6), point["kind"]) for point in points] == [
        (0.01, "a"), (0.01, "b"), (0.1, "a"), (0.1, "b"), (1.0, "a"), (1.0, "b"),
    ]  # fmt: skip
    assert spaces.grid_points({"width": Whole(1, 3)}, num=50) == [
        {"width": 1}, {"width": 2}, {"width": 3},
    ]  # fmt: skip
    assert len(spaces.grid_points(space, num=1)) == 4  # two of each range at least


@pytest.mark.parametrize("name", algorithms.names())
def test_every_algorithm_s_space_holds_its_usual_settings_and_survives_json(name):
    algorithm = algorithms.make(name)
    usual = algorithm.grid()[0]

    space = spaces.space_of(algorithm)

    assert spaces.from_json(json.loads(json.dumps(spaces.to_json(space)))) == space
    params = spaces.params_of(usual, space)
    assert set(space) - set(params) <= {one for one in space if one.startswith("changes.")}
    assert spaces.applied(usual, params) == usual
    ends = {one: dimension.points(2)[-1] for one, dimension in space.items()}
    assert spaces.params_of(spaces.applied(usual, ends), space) == ends


def test_plain_values_of_settings_can_be_written_as_json():
    assert spaces.plain(Settings(changes={"a": (1, None)})) == {
        "width": 8, "rate": 0.5, "half_life": None, "hidden": [4, 2], "changes": {"a": [1, None]},
    }  # fmt: skip
    assert spaces.params_from_json({"hidden": [4, [2]]}) == {"hidden": (4, (2,))}
