"""A hidden Markov model: moods that follow each other, each choosing items in its own way (Rabiner, Proc. IEEE 1989).

An end user is in one of a handful of states at each event, which nobody sees; what he chooses depends on the
state, and so does the state he is in next. Chances of both are found by expectation and maximisation (Baum et al.
1970) over everybody's choices, long histories in pieces. When he asks, his choices are filtered forward to what
state he is likely in, then one step on.

Emissions are held back to the shares of all events, so that no item is impossible anywhere.

Legend: b end users, N items, S states, P pieces of histories, E events that are not negative.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms import matrices
from recommender.algorithms.protocol import (
    CannotFit,
    Report,
    answer_strangers,
    event_counts,
)

# Longer histories are cut into pieces of this length, and only so much is filtered: states forget.
PIECE = 200
# No state is left, or entered, never at all: shares so much of chances evenly.
LEAST_CHANCE = 1e-4
# At the start a state is kept with this chance: moods last, or they were no moods.
FIRST_STAY = 0.9


@dataclass(frozen=True)
class HiddenMarkovSettings:
    """How many moods there are.

    Attributes:
        num_states: S, 1 or more.
        smoothing: above 0: how many events, shared out as all events are, each state is given besides its own.
        num_passes: of expectation and maximisation, 1 or more.
    """

    num_states: int = 16
    smoothing: float = 30.0
    num_passes: int = 20


@dataclass(frozen=True)
class HiddenStates:
    """Fitted chances. start: [S]; moves: from row to column, [S, S]; emissions: of items, [S, N]; popularity: [N]"""

    start: NDArray[np.float64]
    moves: NDArray[np.float64]
    emissions: NDArray[np.float32]
    popularity: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        next_states, has_history = self.next_states(histories, users=users)  # [b, S]
        scores = next_states.astype(np.float32) @ self.emissions  # [b, N]
        scores[:, np.isneginf(self.popularity)] = -np.inf
        answer_strangers(scores, has_history=has_history, popularity=self.popularity)
        return scores

    def next_states(
        self, histories: InteractionLog, *, users: NDArray[np.int32]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the chances of the state at each end user's next event, and whether any event says so. [b, S], [b]"""
        events, rows = matrices.events_of(histories, users=users)
        in_catalogue = np.isfinite(self.popularity)[histories.items[events]]
        is_known = ~histories.is_negative[events] & in_catalogue
        items, rows = histories.items[events[is_known]], rows[is_known]
        counts = np.bincount(rows, minlength=len(users))
        since = np.cumsum(counts)[rows] - 1 - np.arange(len(rows))
        is_late = since < PIECE
        pieces = _Pieces.of(items[is_late], rows[is_late])
        chances = pieces.forward(self.start, self.moves, self.emissions)
        ahead = np.tile(self.start, (len(users), 1))
        ahead[pieces.owners] = chances[pieces.starts + pieces.lengths - 1] @ self.moves
        return ahead, counts > 0


class HiddenMarkov:
    """Items by the mood that an end user is likely in."""

    name = "hidden_markov"
    is_baseline = False
    reads_order = True

    def grid(self) -> Sequence[HiddenMarkovSettings]:
        return tuple(HiddenMarkovSettings(number) for number in (16, 8))

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: HiddenMarkovSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> HiddenStates:
        began = time.perf_counter()
        counts = event_counts(log)
        _check(counts, settings)
        chosen = np.flatnonzero(~log.is_negative)
        within = np.arange(len(chosen)) - np.searchsorted(log.users[chosen], log.users[chosen])
        pieces_each = int(within.max()) // PIECE + 1
        owners = log.users[chosen].astype(np.int64) * pieces_each + within // PIECE
        pieces = _Pieces.of(log.items[chosen], owners)
        usual = counts / counts.sum()
        fitted = _first(pieces, log.users[chosen], usual, settings=settings, seed=seed)
        for number in range(1, settings.num_passes + 1):
            fitted = _pass(pieces, fitted, usual, settings=settings)
            if report:
                report(f"pass {number}", number / settings.num_passes)
            if budget_seconds and time.perf_counter() - began > budget_seconds:
                break
        return fitted


@dataclass(frozen=True)
class _Pieces:
    """Histories one after the other, oldest event first. items: [E]; owners, starts and lengths, longest first: [P]"""

    items: NDArray[np.int32]
    owners: NDArray[np.integer]
    starts: NDArray[np.integer]
    lengths: NDArray[np.integer]

    @classmethod
    def of(cls, items: NDArray[np.int32], owners: NDArray[np.integer]) -> _Pieces:
        """Cut events into pieces of one owner each. owners: ascending. [E]"""
        names, starts, lengths = np.unique(owners, return_index=True, return_counts=True)
        order = np.argsort(-lengths, kind="stable")
        return cls(items, names[order], starts[order], lengths[order])

    def steps(self) -> Iterator[NDArray[np.integer]]:
        """Give the first event of every piece, then the second of those that have two, and so on."""
        for step in range(int(self.lengths.max(initial=0))):
            still = int(np.searchsorted(-self.lengths, -step, side="left"))
            yield self.starts[:still] + step

    def forward(
        self,
        start: NDArray[np.float64],
        moves: NDArray[np.float64],
        emissions: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """Return the chances of each state at each event, given those up to it. [E, S]"""
        chances = emissions.T[self.items].astype(np.float64)  # [E, S]
        before = np.tile(start, (len(self.lengths), 1))
        for events in self.steps():
            now = before[: len(events)] * chances[events]
            now /= now.sum(axis=1, keepdims=True)
            chances[events] = now
            before = now @ moves
        return chances


def _pass(
    pieces: _Pieces,
    fitted: HiddenStates,
    usual: NDArray[np.float64],
    *,
    settings: HiddenMarkovSettings,
) -> HiddenStates:
    """Find the chances of all states, and from these the better fit.

    With forward chances f and those of the next event's state g, given everything, the step between them is
    f_i a_ij g_j / (f A)_j: no backward chances are needed (Rauch, Tung and Striebel's way of smoothing).
    """
    chances = pieces.forward(fitted.start, fitted.moves, fitted.emissions)
    steps = list(pieces.steps())
    moved = np.zeros_like(fitted.moves)
    for events in reversed(steps[1:]):
        before = chances[events - 1]
        ratio = chances[events] / (before @ fitted.moves)
        moved += before.T @ ratio
        chances[events - 1] = before * (ratio @ fitted.moves.T)
    moved *= fitted.moves
    start = chances[pieces.starts].sum(axis=0)
    emissions = _emissions(pieces.items, chances, usual, settings=settings)
    return HiddenStates(_chances(start), _chances(moved), emissions, fitted.popularity)


def _first(
    pieces: _Pieces,
    users: NDArray[np.int32],
    usual: NDArray[np.float64],
    *,
    settings: HiddenMarkovSettings,
    seed: int,
) -> HiddenStates:
    """Return where to begin: every end user with states of his own, drawn, which last."""
    states = settings.num_states
    random = np.random.default_rng(seed)
    own = random.dirichlet(np.full(states, 0.2), int(users.max()) + 1)
    stay = FIRST_STAY * np.eye(states) + (1 - FIRST_STAY) / states
    emissions = _emissions(pieces.items, own[users], usual, settings=settings)
    known = np.where(usual > 0, usual, -np.inf).astype(np.float32)
    return HiddenStates(np.full(states, 1 / states), stay, emissions, known)


def _emissions(
    items: NDArray[np.int32],
    chances: NDArray[np.float64],
    usual: NDArray[np.float64],
    *,
    settings: HiddenMarkovSettings,
) -> NDArray[np.float32]:
    """Return what each state chooses, held back to what is usual. chances: [E, S] -> [S, N]"""
    counts = np.stack([np.bincount(items, each, minlength=len(usual)) for each in chances.T])
    return _normal(counts + settings.smoothing * usual).astype(np.float32)


def _normal(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows that sum to 1."""
    shares: NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def _chances(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows that sum to 1 with nothing impossible in them, not even where all weights are 0."""
    most = np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300)
    return _normal(weights / most + LEAST_CHANCE / weights.shape[-1])


def _check(counts: NDArray[np.int64], settings: HiddenMarkovSettings) -> None:
    if not counts.any():
        raise CannotFit("There are no events to follow: hidden_markov needs at least one.")
    if settings.num_states < 1 or settings.num_passes < 1 or settings.smoothing <= 0:
        raise CannotFit(
            "hidden_markov needs at least one state and one pass, and a smoothing above 0."
        )
