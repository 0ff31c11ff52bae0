"""Collects what the gate learns from, and asks people it was not learned on how far it may be believed.

Legend: N events, C categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from interests.tracking import experts
from interests.tracking.aspects import Aspects
from interests.tracking.experts import Experts
from interests.tracking.features import Features, features
from interests.tracking.gate import Gate
from interests.tracking.histories import History, batches
from interests.tracking.memories import foresight
from interests.tracking.population import Population
from interests.tracking.protocol import with_floor

# One person in so many is kept aside to say how far the gate may be believed.
ASIDE = 8
# With fewer events of others than this a gate learns their noise.
FEWEST_EVENTS = 5_000
FEWEST_PEOPLE = 40
# What the gate looks at is held in memory: so many numbers are about 300 MB.
MAX_NUMBERS = 75_000_000
NUMBERS_PER_CATEGORY = 32


def experts_of(population: Population, *, size: int) -> Experts:
    """Return experts who know what other people taught, and nothing yet of `size` people."""
    return Experts(
        shares=population.shares,
        aspects=population.aspects or Aspects.plain(population.shares),
        beliefs=population.beliefs,
        size=size,
    )


def learn_gate(
    histories: Sequence[History], *, population: Population
) -> tuple[Gate, float] | None:
    """Return a gate learned on others and the belief it earned; None where there are too few of them."""
    num_events = sum(map(len, histories))
    if num_events < FEWEST_EVENTS or len(histories) < FEWEST_PEOPLE:
        return None
    from interests.tracking.networks import gates  # noqa: PLC0415  # brings torch

    aside = histories[ASIDE - 1 :: ASIDE]
    others = [own for place, own in enumerate(histories) if place % ASIDE != ASIDE - 1]
    numbers = num_events * len(population.shares) * NUMBERS_PER_CATEGORY
    others = others[:: 1 + numbers // MAX_NUMBERS]
    seen = [(given, event) for given, event, _ in _events(others, population)]
    examples = gates.Examples(
        **{
            name: np.concatenate([getattr(given, name) for given, _ in seen])
            for name in ("mixed", "of_category", "of_person", "crossed")
        },
        events=np.concatenate([event for _, event in seen]).astype(np.float32),
    )
    del seen
    gate = gates.fit(examples)
    return gate, _earned(gate, aside, population)


def _events(
    histories: Sequence[History], population: Population
) -> Iterator[tuple[Features, np.ndarray, np.ndarray]]:
    """Yield, step by step, the features before each event that is not negative, it, and the mixture's word."""
    for batch in batches(histories):
        crowd = experts_of(population, size=len(batch.index))
        for step, _ in experts.walk(batch, crowd):
            going = batch.num_longer(step)
            if not going:
                continue
            told = np.flatnonzero(batch.is_target[:going, step])
            given = features(crowd, step=step, shares=population.shares)
            yield (
                Features(
                    mixed=given.mixed[told],
                    of_category=given.of_category[told],
                    of_person=given.of_person[told],
                    crossed=given.crossed[told],
                ),
                batch.shares[told, step],
                crowd.mixed[told],
            )


def _earned(gate: Gate, aside: Sequence[History], population: Population) -> float:
    """Return the weight of the gate beside the mixture under which other people's events are likeliest."""
    rows = [
        foresight(np.stack([mixed, with_floor(gate.weights(given))], axis=1), event)
        for given, event, mixed in _events(aside, population)
        if len(event)
    ]
    return float(experts.expected_weights(np.concatenate(rows))[1])
