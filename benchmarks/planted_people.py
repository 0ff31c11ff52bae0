"""A population whose attributes decide what people choose: where it is known what attributes are worth.

Each item has a popularity, and each town and each half of life a taste of its own: a person chooses items by the product of
the three. The favourite colour decides nothing. People come one after the other, so that a cut in time has new people.

Legend: U people, N items, E events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.attributes import Attributes
from interests.datasets.log import Catalogue, InteractionLog

TOWNS = ("Bergen", "Graz", "Lyon", "Porto", "Turku", "Vigo")
COLOURS = ("blue", "green", "red")
NUM_ITEMS, NUM_DAYS, STAY_DAYS = 400, 200, 5
FEWEST_EVENTS, MOST_EVENTS = 4, 14
# Standard deviations of the logarithms: of two people of different groups, many favourites differ.
POPULARITY, TASTE = 1.0, 1.0
DAY = 86_400_000_000


@dataclass(frozen=True)
class Planted:
    """A sorted log with attributes, and what each person chooses by: the best answer there is. [U, N]"""

    log: InteractionLog
    chances: NDArray[np.float64]

    def shuffled(self, *, seed: int) -> InteractionLog:
        """Return the log with each person's attributes given to another: they say nothing any more."""
        assert self.log.attributes is not None
        order = np.random.default_rng(seed).permutation(self.log.num_users)
        return replace(self.log, attributes=self.log.attributes.take(order))


def population(*, num_people: int, seed: int) -> Planted:
    """Draw a population; the same for the same seed."""
    random = np.random.default_rng(seed)
    towns = random.integers(0, len(TOWNS), num_people)
    ages = random.integers(18, 80, num_people)
    colours = random.integers(0, len(COLOURS), num_people)
    usual = random.normal(0, POPULARITY, NUM_ITEMS)
    of_towns = random.normal(0, TASTE, (len(TOWNS), NUM_ITEMS))
    of_halves = random.normal(0, TASTE, (2, NUM_ITEMS))
    chances = np.exp(usual + of_towns[towns] + of_halves[(ages >= 49).astype(int)])  # [U, N]
    chances /= chances.sum(axis=1, keepdims=True)
    counts = random.integers(FEWEST_EVENTS, MOST_EVENTS + 1, num_people)
    items = [
        random.choice(NUM_ITEMS, count, replace=False, p=own)
        for count, own in zip(counts, chances, strict=True)
    ]
    users = np.repeat(np.arange(num_people), counts)
    arrivals = random.uniform(0, NUM_DAYS, num_people)[users]
    days = arrivals + random.uniform(0, STAY_DAYS, len(users))
    rows = [
        {"town": TOWNS[town], "age": int(age), "colour": COLOURS[colour]}
        for town, age, colour in zip(towns, ages, colours, strict=True)
    ]
    log = InteractionLog(
        catalogue=Catalogue.build(item_ids=[f"item {number}" for number in range(NUM_ITEMS)]),
        user_ids=np.array([f"person {number}" for number in range(num_people)], object),
        users=users.astype(np.int32),
        items=np.concatenate(items).astype(np.int32),
        kinds=np.zeros(len(users), np.int16),
        values=np.full(len(users), np.nan, np.float32),
        times=(days * DAY).astype(np.int64),
        positions=np.arange(len(users)),
        kind_names=("view",),
        kind_weights=np.ones(1, np.float32),
        attributes=Attributes.of_rows(rows),
    )
    return Planted(log.sorted(), chances)
