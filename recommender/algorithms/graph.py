"""LightGCN: vectors of people and items smoothed over the graph of who chose what (He et al., SIGIR 2020).

With R̂ the matrix of choices, each divided by the roots of how much its person and its item have, layer k + 1 of
people is R̂ times layer k of items, and that of items is R̂ᵀ times layer k of people; a vector is the mean over
layers. There is nothing else to it: no weights but those of layer 0, and nothing that is not linear.

Beyond the paper, people get their vectors from their histories alone, by the layers above 0, in training as
when they are asked about: so somebody whom the fit never met is answered like everybody else, later events
count, and late ones may count more. In training a part of a history is hidden and told from the rest, which
teaches more than telling choices from a vector that holds them already.

Legend: m people and n items of the graph, e choices, d width, b people of a batch, N items of the catalogue.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from interests.datasets.log import InteractionLog
from interests.learning import devices
from recommender.algorithms import limits, matrices
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

# Spread of the first vectors, as in the paper's own code.
FIRST_SCALE = 0.1
LOSSES = ("softmax", "bpr")


@dataclass(frozen=True)
class LightGCNSettings:
    """How the vectors are found, and how a history is read.

    Attributes:
        width: numbers in a vector, 1 or more.
        num_layers: how far choices spread over the graph, 1 or more.
        loss: "softmax" over all items, or "bpr" against one drawn item for each choice, as in the paper.
        hidden_share: of a history, hidden in training and told from the rest, above 0 and below 1.
        regularisation: L2 of the first layer of what a batch holds, 0 or more.
        learning_rate: Adam's.
        batch_size: people of a step.
        num_passes: how often everybody is learned from.
        half_life: with it, a choice counts half for every so many events since; the fit does not know.
    """

    width: int = 64
    num_layers: int = 2
    loss: str = "softmax"
    hidden_share: float = 0.3
    regularisation: float = 0.0
    learning_rate: float = 0.01
    batch_size: int = 64
    num_passes: int = 40
    half_life: float | None = None


@dataclass(frozen=True)
class FittedLightGCN:
    """Vectors of the items of the graph.

    Attributes:
        items: which, indices into the log's catalogue. [n]
        adds: what each adds to the vector of who chose it, float32. [n, d]
        scored: by what each is scored under such a vector, float32. [n, d]
        popularity: what strangers get. [N]
    """

    items: NDArray[np.intp]
    adds: NDArray[np.float32]
    scored: NDArray[np.float32]
    settings: LightGCNSettings
    popularity: NDArray[np.float32]
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        half_life = self.settings.half_life
        chosen = matrices.choices_of(histories, users=users, half_life=half_life)[:, self.items]
        # How long a person's vector is does not change the order of their items.
        sizes = np.sqrt(np.maximum(chosen.sum(1), 1e-12))[:, None]
        vectors = (chosen @ self.adds / sizes).astype(np.float32)  # [b, d]
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        scores[:, self.items] = vectors @ self.scored.T
        has_history = np.diff(chosen.indptr) > 0
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores


class LightGCN:
    """Smoothed vectors of items, and people by their histories; one fit answers for all half-lives."""

    name = "lightgcn"
    is_baseline = False
    reads_order = True
    shares_fits = True

    def __init__(self, **changes: Any) -> None:
        """Take settings that differ from the usual ones."""
        self._usual = LightGCNSettings(**changes)
        self._known: tuple[InteractionLog, tuple[Any, ...], FittedLightGCN, float] | None = None

    def grid(self) -> Sequence[LightGCNSettings]:
        return tuple(replace(self._usual, half_life=half_life) for half_life in (None, 5.0, 2.0))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: LightGCNSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedLightGCN:
        _check(settings)
        asked = (replace(settings, half_life=None), seed, budget_seconds)
        if self._known and self._known[0] is log and self._known[1] == asked:
            fitted, seconds = self._known[2:]
            return replace(fitted, settings=settings, shared_seconds=seconds)
        began = time.perf_counter()
        self._known = None
        fitted = _fit(log, settings, seed, budget_seconds, report)
        self._known = (log, asked, fitted, time.perf_counter() - began)
        return fitted


class _Propagated(torch.autograd.Function):
    """A sparse matrix times vectors; its transpose, made once, brings the gradients back."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, turned: Tensor, vectors: Tensor) -> Tensor:
        ctx.turned = turned
        return matrix @ vectors

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.turned @ outer[0].contiguous()


def _propagated(matrix: Tensor, turned: Tensor, vectors: Tensor) -> Tensor:
    found: Tensor = _Propagated.apply(matrix, turned, vectors)  # type: ignore[no-untyped-call]
    return found


class _Graph(nn.Module):
    """The first layer of vectors, and what the choices make of it."""

    item_roots: Tensor  # [n, 1]
    matrix: Tensor  # [m, n]
    turned: Tensor  # [n, m]

    def __init__(self, chosen: sparse.csr_array, settings: LightGCNSettings) -> None:
        super().__init__()
        num_people, num_items = chosen.shape
        self.num_layers = settings.num_layers
        self.people = nn.Parameter(FIRST_SCALE * torch.randn(num_people, settings.width))
        self.items = nn.Parameter(FIRST_SCALE * torch.randn(num_items, settings.width))
        of_people, of_items = np.sqrt(chosen.sum(1)), np.sqrt(chosen.sum(0))
        normalised = sparse.csr_array(
            sparse.diags_array(1 / of_people) @ chosen @ sparse.diags_array(1 / of_items)
        )
        self.register_buffer("item_roots", torch.from_numpy(of_items.astype(np.float32))[:, None])
        self.register_buffer("matrix", _tensor(normalised))
        self.register_buffer("turned", _tensor(sparse.csr_array(normalised.T)))

    def forward(self) -> tuple[Tensor, Tensor]:
        """Return what each item adds to people's vectors, and by what it is scored. [n, d] each"""
        people: Tensor = self.people
        layers: list[Tensor] = [self.items]
        for _ in range(self.num_layers):
            spread = _propagated(self.turned, self.matrix, people)
            people = _propagated(self.matrix, self.turned, layers[-1])
            layers.append(spread)
        adds = torch.stack(layers[:-1]).mean(0) / self.item_roots
        return adds, torch.stack(layers).mean(0)


def _fit(
    log: InteractionLog,
    settings: LightGCNSettings,
    seed: int,
    budget_seconds: float | None,
    report: Report | None,
) -> FittedLightGCN:
    began = time.perf_counter()
    chosen, items = matrices.compact(matrices.choices(log))  # [m, n]
    if not chosen.nnz:
        raise CannotFit("There are no events to learn from: lightgcn needs at least one.")
    random, device = np.random.default_rng(seed), devices.best()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        graph = _Graph(chosen, settings).to(device)
    optimizer = torch.optim.Adam(
        graph.parameters(), lr=settings.learning_rate, weight_decay=settings.regularisation
    )
    for number in range(1, settings.num_passes + 1):
        for kept, hidden in _batches(chosen, settings, random=random):
            optimizer.zero_grad()
            _loss(graph, kept, hidden, settings, random=random).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if report:
            report(f"pass {number}", number / settings.num_passes)
        if budget_seconds and time.perf_counter() - began > budget_seconds:
            break
    with torch.no_grad():
        adds, scored = (vectors.cpu().numpy() for vectors in graph())
    return FittedLightGCN(items, adds, scored, settings, popularity(log))


def _batches(
    chosen: sparse.csr_array, settings: LightGCNSettings, *, random: np.random.Generator
) -> Iterator[tuple[sparse.csr_array, sparse.csr_array]]:
    """Yield what some people are known by, and what is hidden of them, everybody once. [b, n] each"""
    # Who chose one thing only has nothing to tell it from.
    people = random.permutation(np.flatnonzero(np.diff(chosen.indptr) > 1))
    for begin in range(0, len(people), settings.batch_size):
        own = chosen[people[begin : begin + settings.batch_size]]
        is_hidden = random.random(own.nnz) < settings.hidden_share
        # One of each, drawn anew, is always known and another one always hidden.
        ends, counts = own.indptr[1:], np.diff(own.indptr)
        first = random.integers(counts)
        second = (first + random.integers(1, counts)) % counts
        is_hidden[ends - counts + first], is_hidden[ends - counts + second] = True, False
        yield _only(own, ~is_hidden), _only(own, is_hidden)


def _only(own: sparse.csr_array, wanted: NDArray[np.bool_]) -> sparse.csr_array:
    """Return the same matrix with only some of its entries."""
    ends = np.concatenate([[0], np.cumsum(wanted)])[own.indptr]
    return sparse.csr_array((own.data[wanted], own.indices[wanted], ends), shape=own.shape)


def _loss(
    graph: _Graph,
    kept: sparse.csr_array,
    hidden: sparse.csr_array,
    settings: LightGCNSettings,
    *,
    random: np.random.Generator,
) -> Tensor:
    """Return what a batch's hidden choices cost, a mean over them."""
    adds, scored = graph()
    device = adds.device
    sizes = torch.from_numpy(np.sqrt(kept.sum(1), dtype=np.float32)).to(device)[:, None]
    turned = _tensor(sparse.csr_array(kept.T)).to(device)
    added = _propagated(_tensor(kept).to(device), turned, adds)
    people = added / sizes  # [b, d]
    rows = torch.from_numpy(np.repeat(np.arange(len(sizes)), np.diff(hidden.indptr))).to(device)
    wanted = torch.from_numpy(hidden.indices.astype(np.int64)).to(device)
    if settings.loss == "bpr":
        drawn = torch.from_numpy(random.integers(hidden.shape[1], size=len(wanted))).to(device)
        gains = (people[rows] * (scored[wanted] - scored[drawn])).sum(1)
        return functional.softplus(-gains).mean()
    logits = people @ scored.T  # [b, n]
    costs: Tensor = logits.logsumexp(1)[rows] - logits[rows, wanted]
    return costs.mean()


def _tensor(matrix: sparse.csr_array) -> Tensor:
    """Return the same matrix as torch has it, float32."""
    with warnings.catch_warnings():
        # torch calls matrices by rows a beta; their products with vectors, all that is used, are not new.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=False,
        )


def _check(settings: LightGCNSettings) -> None:
    limits.insist(
        "lightgcn", settings, half_life=limits.ABOVE_0, learning_rate=limits.FROM_0,
        regularisation=limits.FROM_0,
    )  # fmt: skip
    if min(settings.width, settings.num_layers, settings.num_passes, settings.batch_size) < 1:
        raise CannotFit("lightgcn needs a width, layers, passes and people of a step of 1 or more.")
    if settings.loss not in LOSSES:
        raise CannotFit(f"lightgcn's loss is one of {', '.join(LOSSES)}, not {settings.loss!r}.")
    if not 0 < settings.hidden_share < 1:
        raise CannotFit("lightgcn hides a share above 0 and below 1 of a history.")
