"""A planted population: what is known of it, and that the benchmark finds what was planted."""

from __future__ import annotations

import numpy as np

from benchmarks import newcomers, planted_people
from benchmarks.planted_people import TOWNS, Planted


def test_people_of_a_town_and_a_half_of_life_choose_alike_and_colours_do_not_matter():
    planted = planted_people.population(num_people=200, seed=3)

    known = planted.log.attributes
    age, colour, town = (known.values[:, known.names.index(name)] for name in ("age", "colour", "town"))  # fmt: skip
    groups = {(name, old): set() for name in TOWNS for old in (False, True)}
    colours = {group: set() for group in groups}
    for person, chances in enumerate(planted.chances):
        group = town[person], int(age[person]) >= 49
        groups[group].add(chances.tobytes())
        colours[group].add(colour[person])
    assert [len(rows) for rows in groups.values()] == [1] * 12
    assert any(len(own) > 1 for own in colours.values())
    np.testing.assert_allclose(planted.chances.sum(axis=1), 1)


def test_shuffled_attributes_are_the_same_ones_of_other_people():
    planted = planted_people.population(num_people=50, seed=0)

    mixed = planted.shuffled(seed=1)

    own, others = (sorted(map(tuple, log.attributes.values)) for log in (planted.log, mixed))
    assert own == others
    assert (planted.log.attributes.values != mixed.attributes.values).any()
    assert mixed.items is planted.log.items


def test_no_algorithm_gets_more_of_new_people_than_the_bound():
    planted = planted_people.population(num_people=600, seed=0)
    names = ("most_popular", "attribute_popular")

    found = newcomers.of_new_people(planted, seed=0, names=names)
    control = newcomers.of_new_people(
        Planted(planted.shuffled(seed=0), planted.chances), seed=0, names=names
    )

    means = {name: float(values.mean()) for name, values in found.items()}
    assert list(means) == [*names, "bound"]
    assert means["most_popular"] < means["attribute_popular"] < means["bound"]
    np.testing.assert_array_equal(control["most_popular"], found["most_popular"])
