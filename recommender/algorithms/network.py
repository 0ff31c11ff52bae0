"""The network: a causal transformer over a history, trained anew on what it is given to fit on.

Legend: b end users, N items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.learning import preparation, scoring, trainer
from interests.learning.config import BadSettings, TrainingConfig
from interests.learning.progress import Progress
from interests.learning.trained import TrainedNetwork
from recommender.algorithms.protocol import CannotFit, Report


@dataclass(frozen=True)
class InterestNetworkSettings:
    """How the network is trained.

    Attributes:
        changes: settings of `TrainingConfig` that differ from what suits the amount of data.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network; to those it knows nothing about it answers by popularity."""

    network: TrainedNetwork

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        return scoring.scores(self.network, histories, users=users)  # [b, N]


class InterestNetwork:
    """The network that serves, with early stopping on events of its own training part."""

    name = "interest_network"
    is_baseline = False

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        self._changes = dict(changes or {})

    def grid(self) -> Sequence[InterestNetworkSettings]:
        return (InterestNetworkSettings(self._changes),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: InterestNetworkSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedNetwork:
        def tell(progress: Progress) -> None:
            if report:
                report(progress.step, progress.share_done)

        try:
            config = _config(log, settings, seed=seed, budget_seconds=budget_seconds)
            network = trainer.fit(log, config=config, report=tell)
        except (BadSettings, preparation.TooFewEvents, trainer.TrainingDiverged) as error:
            raise CannotFit(f"interest_network: {error}") from error
        return FittedNetwork(network)


def _config(
    log: InteractionLog,
    settings: InterestNetworkSettings,
    *,
    seed: int,
    budget_seconds: float | None,
) -> TrainingConfig:
    changes = {"seed": seed} | dict(settings.changes)
    return TrainingConfig.for_data(log, budget_seconds=budget_seconds, **changes)
