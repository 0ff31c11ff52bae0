"""Networks of interest: a perceptron with two hidden layers on the features of a pair.

Legend: n pairs, F features.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
from recommender.algorithms.examples import Examples, Prepared
from recommender.algorithms.interest import Asked, InterestAlgorithm, Model
from recommender.algorithms.protocol import CannotFit, Report

# One person in so many is learned nothing from: on them it is told when to stop.
HELD_BACK = 10
# Epochs without a better loss on these people before the end.
PATIENCE = 3
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


@dataclass(frozen=True)
class MLPSettings:
    """How the perceptron is trained.

    Attributes:
        widths: of the hidden layers.
        dropout: share of the hidden numbers that are left out at each step, 0 to 1.
        norm: of each hidden layer before its bend: "none", "batch" or "layer".
        l1, l2: what the size of weights, and their squares, cost in the loss.
        learning_rate: of Adam.
        max_epochs: passes over the examples, at most.
        batch: examples a step.
    """

    widths: tuple[int, ...] = (128, 64)
    dropout: float = 0.2
    norm: str = "none"
    l1: float = 0.0
    l2: float = 1e-5
    learning_rate: float = 0.001
    max_epochs: int = 12
    batch: int = 512


BOUNDS = {
    "dropout": limits.SHARE, "l1": limits.FROM_0, "l2": limits.FROM_0, "learning_rate": limits.ABOVE_0,
    "max_epochs": limits.FROM_1, "batch": limits.FROM_1,
}  # fmt: skip


@dataclass(frozen=True)
class Perceptron:
    """A trained perceptron.

    Attributes:
        weights: the state of `_layers(widths)`
        low, width: put answers on the scale of ratings; `is_sigmoid` where they are yes or no
    """

    standard: Standard
    widths: tuple[int, ...]
    norm: str
    weights: dict[str, Tensor]
    is_sigmoid: bool
    low: float
    width: float

    def raw(self, asked: Asked) -> NDArray[np.float64]:
        layers = _layers(asked.features.shape[1], self.widths, norm=self.norm, dropout=0.0)
        layers.load_state_dict(self.weights)
        layers.eval()
        with torch.inference_mode():
            x = torch.from_numpy(self.standard.of_pairs(asked.features))
            return np.asarray(layers(x).squeeze(1).double().numpy())

    def answers(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.low + self.width * (expit(raw) if self.is_sigmoid else raw))


class MLP(InterestAlgorithm):
    """A multilayer perceptron 128-64-1 with a sigmoid at its end (Rumelhart, Hinton and Williams, 1986).

    Trained by Adam on log-loss (squares for ratings) until people held back are told no better.
    """

    name = "mlp"
    bounds = BOUNDS

    def usual(self) -> Sequence[MLPSettings]:
        return (MLPSettings(),)

    def learn(
        self,
        log: InteractionLog,
        prepared: Prepared,
        *,
        settings: MLPSettings,
        seed: int,
        budget_seconds: float | None,
        report: Report | None,
    ) -> Model:
        if settings.norm not in NORMS:
            raise CannotFit(f"mlp: norm must be one of {', '.join(NORMS)}, not {settings.norm!r}.")
        known = prepared.examples
        standard = Standard.of(known.features)
        x = torch.from_numpy(standard.of_pairs(known.features))
        low, width = scale_of(known, is_yes_or_no=self.task.is_yes_or_no)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layers = _layers(
                x.shape[1], settings.widths, norm=settings.norm, dropout=settings.dropout
            )

            def loss(places: Tensor) -> Tensor:
                return cast(Tensor, layers(x[places]).squeeze(1))

            train(
                layers,
                loss,
                known,
                labels=torch.from_numpy((known.labels - low) / width).float(),
                is_yes_or_no=self.task.is_yes_or_no,
                settings=settings,
                budget_seconds=budget_seconds,
                report=report,
            )
        weights = {name: tensor.clone() for name, tensor in layers.state_dict().items()}
        is_sigmoid = self.task.is_yes_or_no
        return Perceptron(standard, settings.widths, settings.norm, weights, is_sigmoid, low, width)


def scale_of(known: Examples, *, is_yes_or_no: bool) -> tuple[float, float]:
    """Return what is taken from labels, and what the rest is divided by."""
    if is_yes_or_no:
        return 0.0, 1.0
    return float(known.labels.mean()), float(known.labels.std())


def train(
    network: nn.Module,
    predict: Callable[[Tensor], Tensor],
    known: Examples,
    *,
    labels: Tensor,
    is_yes_or_no: bool,
    settings: MLPSettings,
    budget_seconds: float | None,
    report: Report | None,
) -> None:
    """Train a network in place; it ends as it was when people held back were told best.

    Args:
        predict: from places of examples to raw numbers. [n] -> [n]
        labels: [n]
    """
    began = time.perf_counter()
    score = nn.BCEWithLogitsLoss() if is_yes_or_no else nn.MSELoss()
    is_held = torch.from_numpy(known.users % HELD_BACK == 0)
    held, learned = torch.nonzero(is_held)[:, 0], torch.nonzero(~is_held)[:, 0]
    if not len(held) or not len(learned):
        held = learned = torch.arange(len(labels))
    steps = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.l2
    )
    best, best_state, waited = np.inf, network.state_dict(), 0
    for epoch in range(settings.max_epochs):
        network.train()
        order = learned[torch.randperm(len(learned))]
        for places in torch.split(order, settings.batch):
            if len(places) < 2 and len(order) > 1:
                continue  # batch norm cannot tell a spread from one
            loss = score(predict(places), labels[places])
            if settings.l1:
                loss = loss + settings.l1 * sum(each.abs().sum() for each in network.parameters())
            steps.zero_grad()
            loss.backward()
            steps.step()
        network.eval()
        with torch.inference_mode():
            found = torch.cat([predict(places) for places in torch.split(held, 8192)])
            held_loss = float(score(found, labels[held]))
        if report:
            report(f"epoch {epoch + 1}", (epoch + 1) / settings.max_epochs)
        waited += 1
        if held_loss < best:
            best, waited = held_loss, 0
            best_state = {name: each.clone() for name, each in network.state_dict().items()}
        is_late = budget_seconds and time.perf_counter() - began > budget_seconds
        if waited >= PATIENCE or is_late:
            break
    network.load_state_dict(best_state)


def _layers(width: int, widths: Sequence[int], *, norm: str, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for wide in widths:
        layers += [nn.Linear(width, wide), NORMS[norm](wide), nn.ReLU(), nn.Dropout(dropout)]
        width = wide
    return nn.Sequential(*layers, nn.Linear(width, 1))
