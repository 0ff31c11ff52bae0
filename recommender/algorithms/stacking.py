"""Small networks that rank candidates by all that is known of them, learned from questions with known answers.

Legend: b end users, q questions, X items or candidates, L candidates, F features, H hidden units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import mixtures, weights
from recommender.algorithms.fusing import Fusion
from recommender.algorithms.lessons import CANDIDATES, Lessons
from recommender.algorithms.mixtures import Describes, Mixture, View, Weighted
from recommender.algorithms.protocol import Fitted
from recommender.algorithms.vectors import Spaces
from recommender.ranking import fusion
from recommender.ranking.fusion import Scale

SCALES: tuple[Scale, ...] = ("z", "rank")
HIDDEN = 32
# More than the questions can tell apart is held back by all three.
DROPOUT, WEIGHT_DECAY, MAX_EPOCHS = 0.2, 1e-2, 40
LEARNING_RATE, BATCH_QUESTIONS = 3e-3, 128
# One question in five tells when to stop, and stops that are waited for.
STOP_SHARE, PATIENCE = 5, 6


@dataclass(frozen=True)
class Ranker:
    """A network of one hidden layer whose word is added to a weighted sum, for the candidates alone.

    Attributes:
        base: what ranks without the network, and what is no candidate
        mean, spread: of the features. [F]
        inward, inward_bias: [F, H], [H]
        outward: [H]
        has_members: whether what members say is among the features, or only groups and traits
    """

    base: Weighted
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    inward: NDArray[np.float32]
    inward_bias: NDArray[np.float32]
    outward: NDArray[np.float32]
    has_members: bool

    def scores(self, view: View) -> NDArray[np.float32]:
        base = self.base.scores(view)
        is_candidate = np.asarray((mixtures.places(view) < CANDIDATES).any(axis=2))  # [b, X]
        rows, places = np.nonzero(is_candidate)
        ranked = base.copy()
        features = inputs(view, rows, places, has_members=self.has_members)  # [c, F]
        hidden = ((features - self.mean) / self.spread) @ self.inward + self.inward_bias
        ranked[rows, places] += np.maximum(hidden, 0) @ self.outward
        first = 1 + fusion.scaled(ranked, scale="min-max", counted=is_candidate)
        rest = fusion.scaled(base, scale="min-max") - 1
        return np.where(is_candidate, first, rest).astype(np.float32)


def inputs(
    view: View, rows: NDArray[np.integer], places: NDArray[np.integer], *, has_members: bool
) -> NDArray[np.float32]:
    """Return what a ranker sees of items: scaled scores, traits, and groups of their end user. [c, F]"""
    said = [view.on(scale)[rows, places] for scale in SCALES] if has_members else []
    return np.concatenate([*said, view.traits_at(rows, places), view.groups[rows]], axis=1)


def learned(known: Lessons, *, has_members: bool, seed: int) -> Ranker:
    """Return a ranker under which targets are likeliest; it stops when questions it does not learn from say so."""
    base = weights.learned(known, scales=SCALES)
    rows, places = np.nonzero(known.is_item)
    seen = inputs(known, rows, places, has_members=has_members)  # [c, F]
    width = seen.shape[1]
    mean = seen.mean(axis=0) if len(seen) else np.zeros(width, np.float32)
    spread = np.maximum(seen.std(axis=0), 1e-3) if len(seen) else np.ones(width, np.float32)
    features = np.zeros((*known.items.shape, width), np.float32)  # [q, L, F]
    features[rows, places] = (seen - mean) / spread
    generator = torch.Generator().manual_seed(seed)
    inward = torch.randn(width, HIDDEN, generator=generator) / np.sqrt(width)
    parts = [inward, torch.zeros(HIDDEN), torch.zeros(HIDDEN)]
    if len(features) >= STOP_SHARE:
        before = torch.from_numpy(base.scores(known))
        parts = _descend(parts, torch.from_numpy(features), before, known, generator)
    found = [part.detach().numpy() for part in parts]
    return Ranker(base, mean, spread, found[0], found[1], found[2], has_members)


def _descend(
    parts: Sequence[torch.Tensor],
    features: torch.Tensor,
    base: torch.Tensor,
    known: Lessons,
    generator: torch.Generator,
) -> list[torch.Tensor]:
    """Return the parts as they were when the questions kept aside were answered best."""
    is_item = torch.from_numpy(known.is_item)
    wanted = torch.from_numpy(known.is_target).float()
    wanted /= wanted.sum(dim=1, keepdim=True)
    order = torch.randperm(len(features), generator=generator)
    aside, own = order[::STOP_SHARE], order[torch.arange(len(order)) % STOP_SHARE > 0]
    parts = [part.clone().requires_grad_() for part in parts]
    optimizer = torch.optim.AdamW(parts, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def loss(some: torch.Tensor, dropout: float) -> torch.Tensor:
        hidden = torch.relu(features[some] @ parts[0] + parts[1])  # [q, L, H]
        if dropout:
            kept = torch.rand(hidden.shape, generator=generator) >= dropout
            hidden = hidden * kept / (1 - dropout)
        logits = (base[some] + hidden @ parts[2]).masked_fill(~is_item[some], -1e9)
        return -(wanted[some] * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()

    best, waited = [part.detach().clone() for part in parts], 0
    with torch.no_grad():
        least = float(loss(aside, 0.0))
    for _ in range(MAX_EPOCHS):
        for some in torch.split(
            own[torch.randperm(len(own), generator=generator)], BATCH_QUESTIONS
        ):
            optimizer.zero_grad()
            loss(some, DROPOUT).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            value = float(loss(aside, 0.0))
        waited += 1
        if value < least:
            least, waited, best = value, 0, [part.detach().clone() for part in parts]
        if waited >= PATIENCE:
            break
    return best


class Stacking(Fusion):
    """A ranker over what all members say and traits of person and item (Wolpert, 1992; Koren, 2009).

    Learned from questions on top of learned weights: where it finds nothing more, these remain.
    """

    name = "stacking"
    has_members = True

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        learn = partial(learned, has_members=self.has_members, seed=seed)
        return learn(known), weights.cross_validated(known, learn, seed=seed)


class FeatureFusion(Stacking):
    """A ranker over members' vectors: how history and item agree along each direction of each space.

    As in neural collaborative filtering (He et al., WWW 2017), but over vectors that members have learned. Their
    directions mean something for these very fits alone, so the members are not fitted again.
    """

    name = "feature_fusion"
    has_members = False
    keeps_members = True

    def traits(self, members: Mapping[str, Fitted], log: InteractionLog) -> Describes:
        return Spaces.of_members(members.values(), log.catalogue)
