"""Several algorithms as one: members are fitted as ever, and how to mix them is learned from questions.

An evaluation that has fitted the members already hands them over (`learn`, `fuse`). Elsewhere `fit` holds back
everybody's last event, learns the mixture from these, and fits the members again on all events: the test of an
evaluation and the future are seen by neither.

Legend: b end users, N items, M members.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.algorithms import lessons, limits
from recommender.algorithms.lessons import Lessons, Questions
from recommender.algorithms.mixtures import Describes, Mixture, Weighted
from recommender.algorithms.people import Population
from recommender.algorithms.protocol import (
    Algorithm,
    CannotFit,
    Fitted,
    Report,
    answer_strangers,
    popularity,
)
from recommender.algorithms.traits import Traits
from recommender.ranking import fusion
from recommender.ranking.fusion import Scale

# Strong alone or unlike the others: the network, linear, neighbours of both kinds, factors, content, order, and
# popularity of late. On MovieLens small, validation, the best alone has an NDCG@10 of .095, all together .108.
MEMBERS = (
    "item_knn_decayed", "interest_network", "recent_ease", "svd", "user_knn_decayed", "als", "markov", "tfidf",
    "item2vec", "recently_popular",
)  # fmt: skip
# Ranks further down are all the same.
DEPTH = 1_000
# Cells of one member's scores held at a time: 8 MB of float32, a few times that for each member.
BLOCK_CELLS = 2_000_000


@dataclass(frozen=True)
class FusionSettings:
    """What is mixed; how, is learned.

    Attributes:
        members: names of algorithms; those that cannot be fitted on a log are left out.
        depth: to which place a ranking is looked at, 1 or more.
    """

    members: tuple[str, ...] = MEMBERS
    depth: int = DEPTH


@dataclass(frozen=True)
class Learned:
    """How to mix some members.

    Attributes:
        names: of the members, in the mixture's order
        hides_seen: whether what was seen before takes no place in rankings
        validation_ndcg: NDCG@10 over questions that each mixture was learned without; None: no question
    """

    names: tuple[str, ...]
    mixture: Mixture
    population: Population
    traits: Describes
    depth: int
    hides_seen: bool
    validation_ndcg: float | None


@dataclass(frozen=True)
class Fused:
    """Fitted members and how they are mixed. popularity: answers strangers. [N]"""

    members: tuple[Fitted, ...]
    learned: Learned
    popularity: NDArray[np.float32]
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        found = np.empty((len(users), histories.num_items), np.float32)  # [b, N]
        step = max(1, BLOCK_CELLS // max(histories.num_items, 1))
        for first in range(0, len(users), step):
            some = slice(first, first + step)
            times = None if request_times is None else request_times[some]
            found[some] = self._block(histories, users[some], times)
        return found

    def _block(
        self,
        histories: InteractionLog,
        users: NDArray[np.int32],
        times: NDArray[np.int64] | None,
    ) -> NDArray[np.float32]:
        parts = [
            member.scores(histories, users=users, request_times=times) for member in self.members
        ]
        view = _Block(parts, histories, users, self.learned)
        # Members that were kept know fewer items than the log: the new ones come last.
        is_known = fusion.known_by_any(parts) | np.isfinite(self.popularity)
        mixed = np.where(is_known, self.learned.mixture.scores(view), -np.inf).astype(np.float32)
        chosen = histories.offsets[users + 1] > histories.offsets[users]
        answer_strangers(mixed, has_history=chosen, popularity=self.popularity)
        return mixed


@dataclass(frozen=True)
class _Block:
    """A `View` of all items for some end users, worked out as it is asked for."""

    parts: Sequence[NDArray[np.float32]]
    histories: InteractionLog
    users: NDArray[np.int32]
    learned: Learned
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict, init=False)

    @property
    def depth(self) -> int:
        return self.learned.depth

    @property
    def groups(self) -> NDArray[np.float32]:
        return self.learned.population.groups(self.histories, users=self.users)

    def traits_at(
        self, rows: NDArray[np.integer], places: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        return self.learned.traits.at(self.histories, users=self.users, rows=rows, items=places)

    def on(self, scale: Scale) -> NDArray[np.float32]:
        if scale not in self._known:
            counted = (
                lessons.unseen(self.histories, users=self.users)
                if self.learned.hides_seen
                else None
            )
            self._known[scale] = np.stack(
                [
                    fusion.scaled(part, scale=scale, depth=self.depth, counted=counted)
                    for part in self.parts
                ],
                axis=2,
            )
        return self._known[scale]


class Fusion:
    """What all ways of mixing share: how members are fitted, and when what is learned."""

    name = ""
    is_baseline = False
    reads_order = True
    # Its own choice is part of what it learns.
    shares_fits = True
    # Whether what is learned belongs to these very fits, and not to the same members fitted on more events.
    keeps_members = False

    def __init__(
        self,
        members: Sequence[str] = MEMBERS,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        make: Callable[..., Algorithm] = algorithms.make,
    ) -> None:
        """Mix these members.

        Args:
            options: of a member's class, by its name.
            make: returns a member by its name and its options; by default with its whole grid to choose from.
        """
        self._members, self._make = tuple(members), make
        self._options = dict(options or {})

    def grid(self) -> Sequence[FusionSettings]:
        return (FusionSettings(self._members),)

    def member(self, name: str) -> Algorithm:
        """Return a member before its fit."""
        return self._make(name, **self._options.get(name, {}))

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        """Return the best way to mix, and its NDCG@10 over questions it was learned without."""
        raise NotImplementedError

    def traits(self, members: Mapping[str, Fitted], log: InteractionLog) -> Describes:
        """Return what else than members' scores may be told of items."""
        return Traits.of_log(log)

    def learn(
        self,
        members: Mapping[str, Fitted],
        questions: Questions | None,
        *,
        log: InteractionLog,
        settings: FusionSettings,
        seed: int,
    ) -> Learned:
        """Learn how to mix from questions that the members were fitted without.

        Args:
            log: what the members were fitted on.
            questions: None, or none: all count alike.

        Raises:
            CannotFit: the depth is below 1.
        """
        limits.insist(self.name, settings, depth=limits.FROM_1)
        population = Population.of_log(log, seed=seed)
        traits = self.traits(members, log)
        known, ndcg, hides_seen = None, None, True
        if questions is not None and len(questions.users):
            known = lessons.gather(
                list(members.values()),
                questions,
                population=population,
                traits=traits,
                depth=settings.depth,
                seed=seed,
            )
            hides_seen = known.hides_seen
        if known is not None and len(known.users):
            mixture, ndcg = self.mixture(known, seed=seed)
        else:
            mixture = alike(len(members))
        return Learned(
            tuple(members), mixture, population, traits, settings.depth, hides_seen, ndcg
        )

    def fuse(
        self,
        members: Mapping[str, Fitted],
        learned: Learned,
        *,
        log: InteractionLog,
        shared_seconds: float = 0.0,
    ) -> Fused:
        """Return members mixed as was learned, perhaps of members fitted on fewer events of the same catalogue.

        Args:
            shared_seconds: what the fits of the members took.
        """
        fitted = tuple(members[name] for name in learned.names)
        return Fused(fitted, learned, popularity(log), shared_seconds)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: FusionSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Fused:
        limits.insist(self.name, settings, depth=limits.FROM_1)
        before, held = lessons.hold_out(log)
        made = {name: self.member(name) for name in settings.members}
        # Half for what the mixture is learned from, half for what answers.
        budget = budget_seconds / (2 * max(len(made), 1)) if budget_seconds else None
        first: dict[str, Fitted] = {}
        chosen = {name: algorithm.grid()[0] for name, algorithm in made.items()}
        said: dict[str, str] = {}
        for index, (name, algorithm) in enumerate(made.items()):
            _tell(report, f"{name}, to learn how to mix", index / len(made) / 2)
            try:
                chosen[name], first[name] = _choose(
                    algorithm, before, held, seed=seed, budget_seconds=budget
                )
            except CannotFit as error:
                said[name] = str(error)
        learned = self.learn(first, held, log=before, settings=settings, seed=seed)
        if self.keeps_members and first:
            return self.fuse(first, learned, log=log)
        names = learned.names or settings.members
        first.clear()
        last: dict[str, Fitted] = {}
        for index, name in enumerate(names):
            _tell(report, name, 0.5 + index / len(names) / 2)
            try:
                last[name] = made[name].fit(
                    log, settings=chosen[name], seed=seed, budget_seconds=budget
                )
            except CannotFit as error:
                said[name] = str(error)
        if not last:
            raise CannotFit(
                f"{self.name} has no member that can be fitted. {' '.join(said.values())}"
            )
        if tuple(last) != learned.names:
            # Too few events to hold any back, or too many with them: nothing is known of these members.
            learned = self.learn(last, None, log=log, settings=settings, seed=seed)
        return self.fuse(last, learned, log=log)


def alike(num_members: int) -> Weighted:
    """Return a mixture in which all members count alike: of their ranks, as scores may be of any size."""
    return Weighted(
        ("rank",), np.ones(num_members, np.float32), np.zeros((0, num_members), np.float32)
    )


def _choose(
    algorithm: Algorithm,
    log: InteractionLog,
    questions: Questions,
    *,
    seed: int,
    budget_seconds: float | None,
) -> tuple[Any, Fitted]:
    """Return a member's settings that are best on questions, and its fit with these."""
    began = time.perf_counter()
    grid = algorithm.grid()
    is_limited = budget_seconds and not getattr(algorithm, "shares_fits", False)
    best: tuple[float, Any, Fitted] | None = None
    for settings in grid:
        if best and is_limited and time.perf_counter() - began > (budget_seconds or 0) / 2:
            break
        fitted = algorithm.fit(log, settings=settings, seed=seed, budget_seconds=budget_seconds)
        if len(grid) == 1:
            return settings, fitted
        ndcg = lessons.ndcg_alone(fitted, questions, seed=seed)
        if best is None or ndcg > best[0]:
            best = ndcg, settings, fitted
    assert best is not None, "a grid has at least one"
    return best[1], best[2]


def _tell(report: Report | None, step: str, share: float) -> None:
    if report:
        report(step, share)
