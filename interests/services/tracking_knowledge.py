"""What the tracker knows beside a person's own events: other people, and what the network expects.

A run learns it and keeps it in its results; live states read it from there, so that both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interests.drift.scores import session_correlation
from interests.models import TrackingRun, TrainingRun
from interests.selectors.events import DatabaseLog
from interests.services.running import CannotRun
from interests.services.state_rows import Knowledge
from interests.tracking import histories
from interests.tracking.histories import History
from interests.tracking.mixture import VERSION, Mixture
from interests.tracking.population import Population, places_of

if TYPE_CHECKING:  # without a network there is no need for torch
    from interests.learning.trained import TrainedNetwork

# Priors settle with fewer people than this; they are taken evenly from everybody.
MAX_FIT_END_USERS = 5_000


def learn(known: DatabaseLog, *, tracking_run: int) -> Knowledge:
    """Return what everybody's events teach."""
    step = 1 + known.log.num_users // MAX_FIT_END_USERS
    people = histories.of_log(known.log, users=range(0, known.log.num_users, step))
    tracker = Mixture()
    tracker.fit(people)
    return Knowledge(
        population=tracker.population or Population.unknown(len(known.category_keys)),
        session_correlation=session_correlation(people),
        category_keys=known.category_keys,
        tracking_run=tracking_run,
    )


def to_results(knowledge: Knowledge) -> dict[str, Any]:
    """Return what was learned as plain values for the results of a run."""
    return {
        "category_ids": knowledge.category_keys.tolist(),
        "session_correlation": knowledge.session_correlation,
        "tracker_version": VERSION,
        **knowledge.population.to_plain(),
    }


def remember(run: TrackingRun | None, *, category_keys: NDArray[np.int64]) -> Knowledge:
    """Return what a done run learned, for the categories of now; without a run, what holds for strangers."""
    population = Population.unknown(len(category_keys))
    results = run.results if run is not None else {}
    correlation = float(results.get("session_correlation", 0.0))
    if results.get("category_ids"):
        places = places_of(category_keys.tolist(), among=results["category_ids"])
        if results.get("tracker_version") == VERSION:
            population = Population.from_plain(results).for_categories(places)
        else:  # another release believed other experts; what people want in the mean holds still
            shares = np.array(results["population_shares"], np.float64)
            population = replace(Population.unknown(len(shares)), shares=shares).for_categories(
                places
            )
    return Knowledge(
        population=population, session_correlation=correlation, category_keys=category_keys
    )


def network_of(training_run: TrainingRun) -> TrainedNetwork:
    """Return the network of a training.

    Raises:
        CannotRun: the training is not done, or its weights are missing, damaged or of another release.
    """
    from interests.learning.checkpoints import DamagedWeights  # noqa: PLC0415  # brings torch
    from interests.learning.trained import ForeignWeights  # noqa: PLC0415
    from interests.services import training  # noqa: PLC0415

    try:
        return training.load(training_run)
    except (training.NotTrained, DamagedWeights, ForeignWeights) as error:
        raise CannotRun(f"The network of {training_run} cannot be used: {error}") from error


def network_shares(
    network: TrainedNetwork, known: DatabaseLog, *, training_run: TrainingRun
) -> NDArray[np.float32]:
    """Return the category shares that the network expects after each event that it says a word about. [E, C]

    Those are the last one of its training and what came later. Rows before hold anything: nobody asks.
    """
    from interests.learning import scoring  # noqa: PLC0415  # brings torch

    log = known.log
    is_last = np.append(np.diff(log.users) > 0, True)[: log.num_events]
    wanted = is_last | (
        np.append(log.times[1:], 0)[: log.num_events] > _trained_until(training_run)
    )
    return scoring.category_shares(network, log, wanted=wanted)


def with_network(
    knowledge: Knowledge, *, network: TrainedNetwork, known: DatabaseLog, training_run: int
) -> Knowledge:
    """Add the mean embedding of each category's items, zeros where the network knows none. [C, D]"""
    from interests.learning import scoring  # noqa: PLC0415  # brings torch

    index = network.item_index(known.log.catalogue)
    shares = known.log.catalogue.shares[index >= 0].astype(np.float64)  # [N, C]
    sums = shares.T @ scoring.item_embeddings(network)[index[index >= 0]]  # [C, D]
    means = sums / np.maximum(shares.sum(0), 1e-9)[:, None]
    return replace(knowledge, embeddings=means, training_run=training_run)


def histories_of(
    known: DatabaseLog,
    *,
    users: Sequence[int],
    shares: NDArray[np.float32] | None,
    training_run: TrainingRun | None,
) -> list[History]:
    """Return histories in which the network has its say about what came after its training."""
    if shares is None or training_run is None:
        return histories.of_log(known.log, users=users)
    return histories.of_log(
        known.log,
        users=users,
        network_shares=shares,
        network_until=_trained_until(training_run),
    )


def _trained_until(training_run: TrainingRun) -> int:
    """Return the time of the newest event that a training has seen, in microseconds."""
    until = training_run.window_to or training_run.requested_at
    return int(until.timestamp() * 1_000_000)
