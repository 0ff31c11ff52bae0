"""A factorisation machine of second order over a history, an item, categories and context (Rendle, ICDM 2010).

Features of the person: the last items, each by how long ago it was, their categories, the kinds of the events, and the
person's attributes; of the moment: hour, weekday and device of the last event; of what is ranked: the item and its
categories. All pairs of features have
the product of their vectors as weight. Pairs within person and moment are the same for all items, so a ranking is

    w_i + Σ_c w_c + (pairs within the item) + ⟨Σ vectors of person and moment, Σ vectors of the item⟩

Learned as a ranking: each event should be picked, from what came before it, among items that were drawn from all
choices, by a softmax with how often an item is drawn taken off (Bengio and Senécal, IEEE TNN 2008). People's first events
are learned from where attributes say something of them, so that who has no history gets what their attributes say.

Legend: b end users, E events to learn from, N items, n of the fit, C categories, W events looked back, J items drawn,
F attributes and devices, d width.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from interests.datasets.log import InteractionLog
from recommender.algorithms import limits
from recommender.algorithms.person_features import Known
from recommender.algorithms.protocol import CannotFit, Report, answer_strangers, popularity

Floats = NDArray[np.float32]
LOOK_BACK = 32
# Events of a batch: with little data fewer, or there would be too few steps.
MOST_BATCH, LEAST_BATCH, BATCHES = 1_024, 32, 64
DRAWN = 384
FIRST_SCALE = 0.1
MICROSECONDS_AN_HOUR = 3_600_000_000
PART_OF_DAY = 4  # hours
# Of an end user with more events the last are learned from: what he wants now, in bounded time.
MAX_EVENTS_A_PERSON = 500


@dataclass(frozen=True)
class FactorisationMachineSettings:
    """How the weights are found.

    Attributes:
        width: numbers in a vector, 1 or more.
        half_life: how many events ago an item of the history counts half as much as the last one.
        l2: weight decay.
        learning_rate: of Adam.
        num_passes: how often all events are seen.
    """

    width: int = 48
    half_life: float = 5.0
    l2: float = 1e-5
    learning_rate: float = 0.015
    num_passes: int = 5


@dataclass(frozen=True)
class Moments:
    """What is known before some events.

    Attributes:
        items: the last items, latest first, indices into the fitted ones; 0 where the weight is 0. [m, W]
        kinds: of these events. [m, W]
        weights: what each counts; squares sum to 1, or all are 0. [m, W]
        hours: part of the day of the last event. [m]
        weekdays: 0 to 6. [m]
        has_last: 1 where there is a last event, else 0, and hour and weekday say nothing. [m, 1]
        features: attributes of the person and device of the last event, bool. [m, F]
    """

    items: Tensor
    kinds: Tensor
    weights: Tensor
    hours: Tensor
    weekdays: Tensor
    has_last: Tensor
    features: Tensor

    def take(self, rows: Tensor) -> Moments:
        return Moments(*(part[rows] for part in vars(self).values()))


def moments(
    log: InteractionLog,
    *,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    places: NDArray[np.int64],
    half_life: float,
    features: NDArray[np.bool_],
) -> Moments:
    """Return what the events from `starts` up to before `ends` of a sorted log tell.

    Args:
        places: index of each item among the fitted, -1 for others. [N]
        features: what `Known.at` says of them. [m, F]
    """
    back = np.arange(LOOK_BACK)
    events = ends[:, None] - 1 - back  # [m, W]
    is_own = events >= starts[:, None]
    events = np.where(is_own, events, 0)
    own = places[log.items[events]] if log.num_events else np.full(events.shape, -1)
    weights = (0.5 ** (back / half_life)) * (is_own & (own >= 0))
    norms = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    last = log.times[events[:, 0]] if log.num_events else np.zeros(len(ends), np.int64)
    hours = last // MICROSECONDS_AN_HOUR
    kinds = log.kinds[events] if log.num_events else np.zeros(events.shape, np.int64)
    return Moments(
        items=torch.from_numpy(np.maximum(own, 0)),
        kinds=torch.from_numpy(kinds.astype(np.int64)),
        weights=torch.from_numpy((weights / np.maximum(norms, 1e-9)).astype(np.float32)),
        hours=torch.from_numpy(hours % 24 // PART_OF_DAY),
        weekdays=torch.from_numpy(hours // 24 % 7),
        has_last=torch.from_numpy(is_own[:, :1].astype(np.float32)),
        features=torch.from_numpy(features),
    )


@dataclass(frozen=True)
class Sums:
    """Vectors of features, added up as far as they always come together.

    Attributes:
        history: of an item in a history with its categories. [n, d]
        kinds: [kinds, d]
        hours: [parts of a day, d]
        weekdays: [7, d]
        candidates: of an item that is ranked, with its categories. [n, d]
        biases: of these: their own weights and pairs among them. [n]
        features: of attributes and devices. [F, d]
    """

    history: Tensor
    kinds: Tensor
    hours: Tensor
    weekdays: Tensor
    candidates: Tensor
    biases: Tensor
    features: Tensor

    def people(self, now: Moments) -> Tensor:
        """Return the sum of the vectors of each person and moment. [m, d]"""
        bags = [
            functional.embedding_bag(part, table, mode="sum", per_sample_weights=now.weights)
            for part, table in ((now.items, self.history), (now.kinds, self.kinds))
        ]
        found = bags[0] + bags[1]
        found = found + now.has_last * self.hours[now.hours]
        found = found + now.has_last * self.weekdays[now.weekdays]
        return found + now.features.float() @ self.features if len(self.features) else found


@dataclass(frozen=True)
class FittedMachine:
    """items: the fitted catalogue, indices into the log's. [n]; popularity: [N]"""

    items: NDArray[np.intp]
    sums: Sums
    half_life: float
    popularity: Floats
    known: Known

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Floats:
        places = np.full(histories.num_items, -1)
        places[self.items] = np.arange(len(self.items))
        starts, ends = histories.offsets[users], histories.offsets[users + 1]
        features = self.known.at(histories, users=users, starts=starts, ends=ends)  # [b, F]
        now = moments(
            histories, starts=starts, ends=ends, places=places, half_life=self.half_life,
            features=features,
        )  # fmt: skip
        scores = np.full((len(users), histories.num_items), -np.inf, np.float32)  # [b, N]
        found = self.sums.people(now) @ self.sums.candidates.T + self.sums.biases
        scores[:, self.items] = found.numpy()
        chosen = ~histories.is_negative & (places[histories.items] >= 0)
        counts = np.bincount(histories.users[chosen], minlength=histories.num_users)
        is_known = (counts[users] > 0) | features[:, : self.known.people.count].any(axis=1)
        answer_strangers(scores, has_history=is_known, popularity=self.popularity)
        return scores


class Machine(torch.nn.Module):
    """The weights of all features: vectors, and of what is ranked a single number as well."""

    def __init__(
        self,
        shares: Tensor,
        *,
        num_kinds: int,
        num_features: int,
        width: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        num_items, num_categories = shares.shape

        def drawn(size: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(
                torch.randn(size, width, generator=generator) * FIRST_SCALE / width**0.5
            )

        self.shares = shares  # [n, C]
        self.history, self.history_categories = drawn(num_items), drawn(num_categories)
        self.candidates, self.candidate_categories = drawn(num_items), drawn(num_categories)
        self.kinds, self.hours, self.weekdays = drawn(num_kinds), drawn(24 // PART_OF_DAY), drawn(7)
        self.item_weights = torch.nn.Parameter(torch.zeros(num_items))
        self.category_weights = torch.nn.Parameter(torch.zeros(num_categories))
        # Drawn last: without attributes and devices all is as if there could be none.
        self.features = drawn(num_features)

    def sums(self) -> Sums:
        of_categories = self.shares @ self.candidate_categories  # [n, d]
        candidates = self.candidates + of_categories
        # Pairs among features: half of the square of their sum, less the sum of their squares.
        squares = self.candidates.square().sum(1) + self.shares.square() @ (
            self.candidate_categories.square().sum(1)
        )
        pairs = (candidates.square().sum(1) - squares) / 2
        return Sums(
            self.history + self.shares @ self.history_categories,
            self.kinds,
            self.hours,
            self.weekdays,
            candidates,
            self.item_weights + self.shares @ self.category_weights + pairs,
            self.features,
        )


class FactorisationMachine:
    """Second-order weights of history, item, categories and context, learned as a ranking."""

    name = "factorisation_machine"
    is_baseline = False
    reads_order = True

    def grid(self) -> Sequence[FactorisationMachineSettings]:
        return (FactorisationMachineSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: FactorisationMachineSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedMachine:
        began = time.perf_counter()
        _check(settings)
        own_popularity = popularity(log)
        items = np.flatnonzero(np.isfinite(own_popularity))
        if not len(items):
            raise CannotFit(
                "There are no events to learn from: factorisation_machine needs at least one."
            )
        places = np.full(log.num_items, -1)
        places[items] = np.arange(len(items))
        known = Known.learned(log)
        now, targets = _lessons(log, places=places, half_life=settings.half_life, known=known)
        generator = torch.Generator().manual_seed(seed)
        machine = Machine(
            torch.from_numpy(log.catalogue.shares[items]),
            num_kinds=max(len(log.kind_names), 1),
            num_features=known.count,
            width=settings.width,
            generator=generator,
        )
        counts = torch.from_numpy(own_popularity[items])
        optimiser = torch.optim.Adam(
            machine.parameters(), lr=settings.learning_rate, weight_decay=settings.l2
        )
        size = min(max(len(targets) // BATCHES, LEAST_BATCH), MOST_BATCH)
        for number in range(1, settings.num_passes + 1):
            order = torch.randperm(len(targets), generator=generator)
            for rows in order.split(size) if len(targets) else ():  # type: ignore[no-untyped-call]
                drawn = torch.multinomial(counts, DRAWN, replacement=True, generator=generator)
                error = loss(
                    machine.sums(),
                    now.take(rows),
                    targets=targets[rows],
                    drawn=drawn,
                    counts=counts,
                )
                optimiser.zero_grad()
                error.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        with torch.no_grad():
            found = Sums(*(part.detach().clone() for part in vars(machine.sums()).values()))
        return FittedMachine(items, found, settings.half_life, own_popularity, known)


def _lessons(
    log: InteractionLog, *, places: NDArray[np.int64], half_life: float, known: Known
) -> tuple[Moments, Tensor]:
    """Return what was known before each event that is not negative, and its item: before first ones, attributes. [E]"""
    events = np.arange(log.num_events)
    starts, ends = log.offsets[log.users], log.offsets[log.users + 1]
    of_people = known.people.of(log, users=np.arange(log.num_users))  # [U, F]
    has_attributes = np.asarray(of_people.any(axis=1))
    is_lesson = ~log.is_negative & (events >= ends - MAX_EVENTS_A_PERSON)
    is_lesson &= (events > starts) | has_attributes[log.users]
    starts, events = starts[is_lesson], events[is_lesson]
    features = known.at(log, users=log.users[events], starts=starts, ends=events)
    now = moments(
        log, starts=starts, ends=events, places=places, half_life=half_life, features=features
    )
    return now, torch.from_numpy(places[log.items[events]])


def loss(sums: Sums, now: Moments, *, targets: Tensor, drawn: Tensor, counts: Tensor) -> Tensor:
    """Return the mean cross-entropy of targets among the items drawn.

    Args:
        targets: [B]
        drawn: in proportion to `counts`. [J]
        counts: choices of each item, above 0. [n]
    """
    people = sums.people(now)  # [B, d]
    corrected = sums.biases - (counts / counts.sum()).log()  # [n]
    others = people @ sums.candidates[drawn].T + corrected[drawn]  # [B, J]
    others = others.masked_fill(drawn == targets[:, None], -torch.inf)
    own = (people * sums.candidates[targets]).sum(1) + corrected[targets]  # [B]
    logits = torch.cat([own[:, None], others], dim=1)
    return functional.cross_entropy(logits, torch.zeros_like(targets))


def _check(settings: FactorisationMachineSettings) -> None:
    limits.insist("factorisation_machine", settings)
    if settings.width < 1 or settings.num_passes < 1:
        raise CannotFit("factorisation_machine needs a width and passes of at least 1.")
    if settings.half_life <= 0 or settings.learning_rate <= 0 or settings.l2 < 0:
        raise CannotFit(
            "factorisation_machine needs a half-life and a learning rate above 0, and l2 of at least 0."
        )
