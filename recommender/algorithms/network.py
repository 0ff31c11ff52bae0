"""Networks over a history, trained anew on what they are given to fit on: the one that serves, and others.

They share training, loss, features and early stopping (`interests.learning`), and differ in what reads the
history. The others are smaller, so that all of them can be compared in minutes; what a network of the same
size but another encoder would reach is asked with `InterestNetwork(changes={"encoder": ...})`.

Legend: b end users, N items.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.learning import preparation, scoring, trainer
from interests.learning.config import BadSettings, TrainingConfig
from interests.learning.progress import Progress
from interests.learning.trained import TrainedNetwork
from recommender.algorithms.protocol import CannotFit, Report, tell_measured

# How much it may count what is chosen more than usual now, to choose from.
TRENDS = (0.5, 0.0, 4.0)
# Of networks that are compared and do not serve: one of them, trained within a minute on 100,000 events.
SMALLER = MappingProxyType(
    {"width": 64, "num_blocks": 1, "num_candidates": 1024, "max_epochs": 10, "num_members": 1}
)


@dataclass(frozen=True)
class InterestNetworkSettings:
    """How the network is trained, and how it answers.

    Attributes:
        changes: settings of `TrainingConfig` that differ from what suits the amount of data.
        trend: how much it counts what is chosen more than usual now, see `TrainingConfig`.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    trend: float = 0.5


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network; to those it knows nothing about it answers by popularity."""

    network: TrainedNetwork
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        return scoring.scores(self.network, histories, users=users)  # [b, N]


@dataclass(frozen=True)
class _Trained:
    """The network of a log, kept while only the trend changes."""

    log: InteractionLog
    asked: tuple[Any, ...]
    network: TrainedNetwork
    seconds: float


class InterestNetwork:
    """The network that serves, with early stopping on events of its own training part.

    A causal transformer (after Kang and McAuley, SASRec, ICDM 2018), with times, kinds and contents of events.

    One training answers for all settings: they differ in what is added to its scores.
    """

    name = "interest_network"
    is_baseline = False
    reads_order = True
    shares_fits = True
    # Settings of `TrainingConfig` that make it what it is.
    own_changes: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        self._changes = {**self.own_changes, **(changes or {})}
        self._trained: _Trained | None = None

    def grid(self) -> Sequence[InterestNetworkSettings]:
        trends = (self._changes["trend"],) if "trend" in self._changes else TRENDS
        return tuple(InterestNetworkSettings(self._changes, trend) for trend in trends)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: InterestNetworkSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedNetwork:
        known, shared_seconds = self._trained, 0.0
        asked = (dict(settings.changes), seed, budget_seconds)
        if known and known.log is log and known.asked == asked:
            shared_seconds = known.seconds
        else:
            began = time.perf_counter()
            self._trained = None
            network = _train(self.name, log, settings, seed, budget_seconds, report)
            known = _Trained(log, asked, network, time.perf_counter() - began)
            self._trained = known
        return FittedNetwork(known.network.with_trend(settings.trend), shared_seconds)


class CNN(InterestNetwork):
    """Causal dilated convolutions (Yuan et al., NextItNet, WSDM 2019; Tang and Wang, Caser, WSDM 2018)."""

    name = "cnn"
    own_changes = MappingProxyType({**SMALLER, "encoder": "cnn"})


class GRU(InterestNetwork):
    """Gated recurrent units (Hidasi et al., GRU4Rec, ICLR 2016)."""

    name = "gru"
    own_changes = MappingProxyType({**SMALLER, "encoder": "gru"})


class LSTM(InterestNetwork):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), trained as the others are."""

    name = "lstm"
    own_changes = MappingProxyType({**SMALLER, "encoder": "lstm"})


class MultiInterest(InterestNetwork):
    """Several vectors a person, of which the best for an item scores it.

    By attention (Cen et al., ComiRec-SA, KDD 2020) or by capsules that events are routed to (Li et al., MIND, CIKM
    2019; ComiRec-DR), on one block of gated recurrent units, where the papers have the embeddings alone. How
    many and which way are `num_interests` and `routing` of `TrainingConfig`.
    """

    name = "multi_interest"
    own_changes = MappingProxyType({**SMALLER, "encoder": "gru", "num_interests": 2})


class BidirectionalTransformer(InterestNetwork):
    """Masked events are filled in, then what comes next alone (Sun et al., BERT4Rec, CIKM 2019).

    Pre-training ends, and fine-tuning with the mask at the end begins, where other networks only learn in smaller
    steps: when validation stands still, or the passes near their end. A pass asks for fewer events than
    that of a causal network, so there are more of them.
    """

    name = "bidirectional_transformer"
    own_changes = MappingProxyType({**SMALLER, "encoder": "bidirectional", "max_epochs": 24})


def _train(
    name: str,
    log: InteractionLog,
    settings: InterestNetworkSettings,
    seed: int,
    budget_seconds: float | None,
    report: Report | None,
) -> TrainedNetwork:
    num_measured = 0

    def tell(progress: Progress) -> None:
        nonlocal num_measured
        if report:
            report(progress.step, progress.share_done)
        measured = progress.curves.get("ndcg@10", [])
        if len(measured) > num_measured:
            num_measured = len(measured)
            tell_measured(report, num_measured, measured[-1])

    changes = {"seed": seed} | dict(settings.changes)
    try:
        config = TrainingConfig.for_data(log, budget_seconds=budget_seconds, **changes)
        return trainer.fit(log, config=config, report=tell)
    except (BadSettings, preparation.TooFewEvents, trainer.TrainingDiverged) as error:
        raise CannotFit(f"{name}: {error}") from error
