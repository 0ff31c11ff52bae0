"""A network of interest that reads the history: a two-layer LSTM with a sigmoid head over it and the candidate.

P(y=1) = σ(⟨W s, v⟩ + c + θᵀx): s is what the LSTM holds after the history, v and c the candidate's vector and bias, x the
features of the pair.

Legend: m moments, L length of a window, D width of items' vectors, H width of the LSTM, n pairs, N items, K kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits
from recommender.algorithms.classifiers import Standard
from recommender.algorithms.deep_classifiers import BOUNDS, MLPSettings, scale_of, train
from recommender.algorithms.examples import Prepared
from recommender.algorithms.interest import Asked, InterestAlgorithm, Model
from recommender.algorithms.moments import Moments
from recommender.algorithms.protocol import Report
from recommender.algorithms.tallies import Int, Scale, log_days

NUM_LAYERS = 2
# Facts of an event beside its item: its value against the usual one, whether it has one, and the gap before it.
NUM_FACTS = 3
# Moments whose histories are read at a time while scoring.
BLOCK_MOMENTS = 512


@dataclass(frozen=True)
class LSTMSettings(MLPSettings):
    """How the network is trained.

    Attributes:
        widths: of the LSTM's two layers, both the same.
        item_width: numbers in an item's vector.
        window: events of a history that are read, the last ones.
    """

    widths: tuple[int, ...] = (128, 128)
    learning_rate: float = 0.002
    max_epochs: int = 5
    item_width: int = 64
    window: int = 30


class LSTMNetwork(nn.Module):
    """The LSTM and its head."""

    def __init__(self, num_items: int, num_kinds: int, num_features: int, settings: LSTMSettings) -> None:  # fmt: skip
        super().__init__()
        width = settings.item_width
        self.items = nn.Embedding(num_items + 1, width, padding_idx=num_items)
        self.kinds = nn.Embedding(num_kinds + 1, width)
        self.facts = nn.Linear(NUM_FACTS, width)
        self.lstm = nn.LSTM(
            width, settings.widths[0], NUM_LAYERS, batch_first=True, dropout=settings.dropout
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(settings.widths[0], width)
        self.biases = nn.Embedding(num_items + 1, 1)
        self.theta = nn.Linear(num_features, 1)
        nn.init.normal_(self.items.weight, std=0.05)
        nn.init.zeros_(self.biases.weight)

    def states(self, items: Tensor, kinds: Tensor, facts: Tensor, lengths: Tensor) -> Tensor:
        """Return what is held after each window; of empty ones, zeros. [m, L] x 2, [m, L, 3], [m] -> [m, D]"""
        events = self.items(items) + self.kinds(kinds) + self.facts(facts)  # [m, L, D]
        held, _ = self.lstm(events)  # [m, L, H]
        last = held[torch.arange(len(items)), (lengths - 1).clamp(min=0)]
        last = last * (lengths > 0).unsqueeze(1)
        return cast(Tensor, self.head(self.dropout(last)))

    def forward(self, states: Tensor, items: Tensor, features: Tensor) -> Tensor:
        """Return log-odds. [n, D], [n], [n, F] -> [n]"""
        product = (states * self.items(items)).sum(1)
        return cast(Tensor, product + (self.biases(items) + self.theta(features)).squeeze(1))


@dataclass(frozen=True)
class Windows:
    """The last events of moments, first things first, what is missing at the end. [m, L], [m, L, 3], [m]"""

    items: Tensor
    kinds: Tensor
    facts: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, log: InteractionLog, moments: Moments, scale: Scale, *, window: int) -> Windows:
        starts = np.maximum(log.offsets[moments.users], moments.ends - window)
        lengths = moments.ends - starts
        places = starts[:, None] + np.arange(window)
        is_missing = np.arange(window) >= lengths[:, None]
        places = np.where(is_missing, 0, places)
        own = np.unique(places)
        facts = np.zeros((log.num_events, NUM_FACTS), np.float32)
        facts[own] = _facts(log, own, scale)
        return cls(
            torch.from_numpy(np.where(is_missing, log.num_items, log.items[places])).long(),
            torch.from_numpy(np.where(is_missing, 0, scale.kinds(log)[places] + 1)),
            torch.from_numpy(facts[places] * ~is_missing[:, :, None]),
            torch.from_numpy(lengths),
        )

    def states(self, network: LSTMNetwork, moments: Tensor) -> Tensor:
        """Return what the network holds after some windows. [m'] -> [m', D]"""
        longest = max(int(self.lengths[moments].max()), 1)
        return network.states(
            self.items[moments, :longest],
            self.kinds[moments, :longest],
            self.facts[moments, :longest],
            self.lengths[moments],
        )


@dataclass(frozen=True)
class ReadHistories:
    """The trained network. weights: of `LSTMNetwork`; the rest as in `Perceptron`"""

    standard: Standard
    scale: Scale
    settings: LSTMSettings
    weights: dict[str, Tensor]
    is_sigmoid: bool
    low: float
    width: float

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        histories = asked.histories
        network = LSTMNetwork(
            histories.num_items, len(self.scale.kind_names), asked.features.shape[1], self.settings
        )
        network.load_state_dict(self.weights)
        network.eval()
        windows = Windows.of(histories, asked.moments, self.scale, window=self.settings.window)
        with torch.inference_mode():
            everybody = torch.arange(len(asked.moments.users))
            states = torch.cat(
                [windows.states(network, some) for some in torch.split(everybody, BLOCK_MOMENTS)]
            )
            x = torch.from_numpy(self.standard.of_pairs(asked.features))
            rows, items = torch.from_numpy(asked.rows), torch.from_numpy(asked.items)
            return np.asarray(network(states[rows], items, x).double().numpy())

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.low + self.width * (expit(raw) if self.is_sigmoid else raw))


class LSTMClassifier(InterestAlgorithm):
    """Long short-term memory over the history (Hochreiter and Schmidhuber, 1997), 128 wide, two layers, and a head.

    Only the last `window` events are read: training reads each example's history anew.
    """

    name = "lstm_classifier"
    bounds = BOUNDS | {"item_width": limits.FROM_1, "window": limits.FROM_1}

    def usual(self) -> Sequence[LSTMSettings]:
        return (LSTMSettings(),)

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: LSTMSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        known, scale = prepared.examples, prepared.record.scale
        standard = Standard.of(known.features)
        x = torch.from_numpy(standard.of_pairs(known.features))
        windows = Windows.of(log, known.moments, scale, window=settings.window)
        low, width = scale_of(known, is_yes_or_no=self.task.is_yes_or_no)
        items = torch.from_numpy(known.items)
        rows = torch.from_numpy(known.rows)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = LSTMNetwork(log.num_items, len(scale.kind_names), x.shape[1], settings)

            def predict(places: Tensor) -> Tensor:
                moments, own = torch.unique(rows[places], return_inverse=True)
                states = windows.states(network, moments)
                return cast(Tensor, network(states[own], items[places], x[places]))

            train(
                network,
                predict,
                known,
                labels=torch.from_numpy((known.labels - low) / width).float(),
                is_yes_or_no=self.task.is_yes_or_no,
                settings=settings,
                budget_seconds=budget_seconds,
                report=report,
            )
        weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        is_sigmoid = self.task.is_yes_or_no
        return ReadHistories(standard, scale, settings, weights, is_sigmoid, low, width)


def _facts(log: InteractionLog, events: Int, scale: Scale) -> NDArray[np.float32]:
    """Return the facts of events. [n, 3]"""
    values = log.values[events]
    is_rated = np.isfinite(values)
    spread = max(float(np.ptp(scale.levels)) if len(scale.levels) else 0.0, 1e-6)
    above = np.where(is_rated, (values - scale.usual) / spread, 0)
    before = np.maximum(events - 1, log.offsets[log.users[events]])
    gaps = log_days(log.times[events] - log.times[before])
    return np.stack([np.clip(above, -10, 10), is_rated, gaps], axis=1).astype(np.float32)
