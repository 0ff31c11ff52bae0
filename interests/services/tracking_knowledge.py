"""What the tracker knows beside a person's own events: other people, and what the network expects.

A run learns it and keeps it in its results; live states read it from there, so that both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interests.drift.scores import session_correlation
from interests.models import RunState, TrackingRun, TrainingRun
from interests.selectors.events import DatabaseLog, LoadedCatalogue
from interests.services.running import CannotRun
from interests.services.state_rows import Knowledge
from interests.services.tracker_rows import Basis
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


@dataclass(frozen=True)
class Recalled:
    """What a live state is worked out with.

    Attributes:
        training_run: of the network; None: no network is known
        basis: what the tracker's standings go by
    """

    knowledge: Knowledge
    training_run: TrainingRun | None
    basis: Basis


class Memory:
    """Keeps what is known beside people's own events from one call to the next; new runs are seen at once."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], LoadedCatalogue, Recalled] | None = None

    def recall(
        self,
        known: DatabaseLog,
        *,
        network: TrainedNetwork | None,
        training_run: TrainingRun | None,
    ) -> Recalled:
        """Return what holds for a log now; one query where nothing has changed.

        Args:
            training_run: of the network; None: the one of the latest tracking run.
        """
        done = TrackingRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk")
        key = (
            done.values_list("pk", flat=True).first(),
            None if network is None else id(network.network),
            None if training_run is None else training_run.pk,
        )
        if self._kept is None or self._kept[0] != key or self._kept[1] is not known.loaded:
            run = done.select_related("training_run").first()
            recalled = _recall(run, known, network=network, training_run=training_run)
            self._kept = (key, known.loaded, recalled)
        return self._kept[2]


def _recall(
    run: TrackingRun | None,
    known: DatabaseLog,
    *,
    network: TrainedNetwork | None,
    training_run: TrainingRun | None,
) -> Recalled:
    knowledge = remember(run, category_keys=known.category_keys)
    if training_run is None and run is not None:
        training_run = run.training_run
    if network is not None and training_run is not None:
        knowledge = with_network(
            knowledge, network=network, known=known, training_run=training_run.pk
        )
    basis = Basis(
        tracking_run=None if run is None else run.pk,
        training_run=knowledge.training_run,
        category_keys=known.category_keys,
    )
    return Recalled(knowledge, training_run, basis)


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
    network: TrainedNetwork,
    known: DatabaseLog,
    *,
    training_run: TrainingRun,
    seen: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Return the category shares that the network expects after each event that it says a word about. [E, C]

    Those are the last one of its training and what came later. Rows before hold anything: nobody asks.

    Args:
        seen: of how many of their first events each end user's rows need nothing. [U]
    """
    from interests.learning import scoring  # noqa: PLC0415  # brings torch

    log = known.log
    is_last = np.append(np.diff(log.users) > 0, True)[: log.num_events]
    wanted = is_last | (
        np.append(log.times[1:], 0)[: log.num_events] > _trained_until(training_run)
    )
    if seen is not None:
        wanted &= np.arange(log.num_events) >= (log.offsets[:-1] + seen)[log.users]
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


def histories_before(
    known: DatabaseLog, *, users: Sequence[int], training_run: TrainingRun | None
) -> list[History]:
    """Return histories that say where the network enters, before it has said anything."""
    found = histories.of_log(known.log, users=users)
    if training_run is None:
        return found
    until = _trained_until(training_run)
    return [
        replace(own, network_from=int(np.searchsorted(own.times, until, side="right")))
        for own in found
    ]


def with_shares(
    known: DatabaseLog,
    own: Sequence[History],
    *,
    users: Sequence[int],
    shares: NDArray[np.float32],
) -> list[History]:
    """Return the histories of some users of the log with what the network expects after each event, [E, C]."""
    offsets = known.log.offsets
    return [
        replace(one, network_shares=shares[offsets[user] : offsets[user + 1]].astype(np.float64))
        for user, one in zip(users, own, strict=True)
    ]


def _trained_until(training_run: TrainingRun) -> int:
    """Return the time of the newest event that a training has seen, in microseconds."""
    until = training_run.window_to or training_run.requested_at
    return int(until.timestamp() * 1_000_000)
