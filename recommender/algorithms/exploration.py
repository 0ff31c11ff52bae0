"""Layers over any algorithm that now and then show something else, to learn what is not known yet.

Each draws a slate place by place from the best items of the algorithm below, its pool, without what the end user has
chosen before (unless asked `for_repeats`), and says with which chance each item was shown at its place, given those above it. With these
chances logged, `recommender.evaluation.off_policy` tells what other slates would have brought.

- epsilon-greedy: the best that is left, or with chance ε any of the pool (Sutton and Barto, 2018);
- Thompson sampling: the best by scores drawn around those below, the further around the fewer events an item
  has (Thompson, Biometrika 1933; Chapelle and Li, NIPS 2011); drawn anew for each place, so that chances are exact;
- LinUCB: the highest value that ridge regression holds possible (Li et al., WWW 2010). It never draws, so that its
  logs would say nothing of anything else: it has an ε as well.

Draws are hashes of seed, end user and place: whoever asks again gets the same. As rows of a table they are scored with
their explorations in, and what these cost is seen.

Legend: b end users, N items, m of the pool, k places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender import algorithms
from recommender.algorithms import linucb, pools
from recommender.algorithms.chance import keys_of
from recommender.algorithms.policies import Epsilon, Randomness, Sampling
from recommender.algorithms.protocol import CannotFit, Fitted, Report, event_counts

# Places that are drawn where scores are asked for; what comes below is as the algorithm below has it.
PLACES = 20


@dataclass(frozen=True)
class EpsilonGreedySettings:
    """How often something else is shown.

    Attributes:
        over: name of the algorithm below, fitted with its usual settings.
        epsilon: 0 to 1: chance that a place is given to any item of the pool.
        pool: how many of the best items are ever shown, 1 or more.
    """

    over: str = "item_knn_decayed"
    epsilon: float = 0.1
    pool: int = 100


@dataclass(frozen=True)
class ThompsonSettings:
    """How far scores are drawn apart.

    Attributes:
        over: name of the algorithm below, fitted with its usual settings.
        spread: above 0: of the score of an item without events, beside that of the pool's scores.
        pool: how many of the best items are ever shown, 1 or more.
    """

    over: str = "item_knn_decayed"
    spread: float = 0.5
    pool: int = 100


@dataclass(frozen=True)
class LinUCBSettings:
    """How much is hoped for.

    Attributes:
        over: name of the algorithm below, fitted with its usual settings.
        alpha: 0 or more: how many standard errors above its estimate an item is valued.
        epsilon: 0 to 1: chance that a place is given to any item of the pool.
        pool: how many of the best items are ever shown, 1 or more.
    """

    over: str = "item_knn_decayed"
    alpha: float = 1.0
    epsilon: float = 0.05
    pool: int = 100


@dataclass(frozen=True)
class Slates:
    """What was shown. items: -1 where nothing is left, int64; propensities: 0 there. [b, k]"""

    items: NDArray[np.int64]
    propensities: NDArray[np.float64]


@dataclass(frozen=True)
class Explorer:
    """A fitted algorithm, and what is drawn from it. `item_keys`: hashes of the items' ids. [N]"""

    base: Fitted
    policy: Epsilon | Sampling
    item_keys: NDArray[np.uint64]
    seed: int
    pool: int
    hides_seen: ClassVar[bool] = True

    def for_repeats(self) -> Repeating:
        """Return the same with what somebody chose before in the pool."""
        return Repeating(self.base, self.policy, self.item_keys, self.seed, self.pool)

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        scores = self.base.scores(histories, users=users, request_times=request_times)
        items, _ = self._drawn(scores, histories, users=users, k=PLACES, has_chances=False)
        highest = np.where(np.isfinite(scores), scores, -np.inf).max(axis=1, keepdims=True)
        scores = np.where(np.isneginf(scores), scores, scores - highest)  # 0 or less
        rows, places = np.nonzero(items >= 0)
        scores[rows, items[rows, places]] = PLACES - places
        return scores.astype(np.float32)

    def slates(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        k: int,
        request_times: NDArray[np.int64] | None = None,
    ) -> Slates:
        """Draw a slate of k items for each end user, without what he has chosen, and say with which chances.

        A propensity is the chance of an item at its place given those above it: their product over a slate is
        the chance of the slate. Those of places a client did not show are left out.
        """
        scores = self.base.scores(histories, users=users, request_times=request_times)
        return Slates(*self._drawn(scores, histories, users=users, k=k, has_chances=True))

    def first_place(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> Slates:
        """Return the whole pool of each end user, best first, with the chance of each item to be shown first. [b, m]"""
        scores = self.base.scores(histories, users=users, request_times=request_times)
        pool, values, is_left = self._pools(scores, histories, users=users)
        chances = self.policy.chances(values, pool, is_left)
        return Slates(np.where(is_left, pool, -1), chances)

    def _drawn(
        self,
        scores: NDArray[np.float32],
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        k: int,
        has_chances: bool,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        pool, values, is_left = self._pools(scores, histories, users=users)  # [b, m]
        keys, rows = keys_of(histories.user_ids[users]), np.arange(len(users))
        items = np.full((len(users), k), -1)
        chances = np.zeros((len(users), k))
        for place in range(min(k, pool.shape[1])):
            random = Randomness(self.seed, keys, self.item_keys[pool], place)
            drawn = self.policy.draw(values, pool, is_left, random=random)
            shown = is_left[rows, drawn]
            items[:, place] = np.where(shown, pool[rows, drawn], -1)
            if has_chances:
                chances[:, place] = self.policy.chance(values, pool, is_left, drawn) * shown
            is_left[rows, drawn] = False
        return items, chances

    def _pools(
        self, scores: NDArray[np.float32], histories: InteractionLog, *, users: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return the best items of each end user, best first, their values, and which may be shown. [b, m]"""
        pool, own, may = pools.best_of(
            scores, histories, users=users, size=self.pool, hides_seen=self.hides_seen
        )
        return pool, self.policy.values(own, pool), may


@dataclass(frozen=True)
class Repeating(Explorer):
    """One that may show again what somebody chose before."""

    hides_seen: ClassVar[bool] = False


class _Layer:
    """What the three share: the algorithm below, fitted with its usual settings."""

    name = ""
    is_baseline = False
    reads_order = True

    def _explorer(
        self,
        log: InteractionLog,
        settings: Any,
        policy: Epsilon | Sampling,
        *,
        seed: int,
        **options: Any,
    ) -> Explorer:
        return Explorer(
            pools.fitted_below(log, over=settings.over, seed=seed, **options),
            policy,
            keys_of(log.catalogue.item_ids),
            seed,
            settings.pool,
        )

    def _check(self, settings: Any, **others: bool) -> None:
        wrong = [words for words, is_right in others.items() if not is_right]
        if settings.pool < 1 or wrong:
            words = " and ".join(["a pool of at least 1", *wrong]).replace("_", " ")
            raise CannotFit(f"{self.name} needs {words}.")
        family = algorithms.REGISTRY.get(settings.over)
        if family is None or family.family == algorithms.EXPLORATION:
            raise CannotFit(f"{self.name} needs another algorithm below it than {settings.over!r}.")


class EpsilonGreedy(_Layer):
    """The algorithm below, and now and then any other item of its best (Sutton and Barto, 2018)."""

    name = "epsilon_greedy"

    def grid(self) -> Sequence[EpsilonGreedySettings]:
        return (EpsilonGreedySettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: EpsilonGreedySettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Explorer:
        self._check(settings, an_epsilon_from_0_to_1=0 <= settings.epsilon <= 1)
        policy = Epsilon(settings.epsilon)
        options = {"budget_seconds": budget_seconds, "report": report}
        return self._explorer(log, settings, policy, seed=seed, **options)


class ThompsonSampling(_Layer):
    """The algorithm below, by scores drawn around its own (Thompson, 1933; Chapelle and Li, NIPS 2011)."""

    name = "thompson_sampling"

    def grid(self) -> Sequence[ThompsonSettings]:
        return (ThompsonSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ThompsonSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Explorer:
        self._check(settings, a_spread_above_0=settings.spread > 0)
        counts = event_counts(log)
        usual = float(np.median(counts[counts > 0])) if counts.any() else 1.0
        policy = Sampling(settings.spread * np.sqrt(usual / (usual + counts)))
        options = {"budget_seconds": budget_seconds, "report": report}
        return self._explorer(log, settings, policy, seed=seed, **options)


class LinUCB(_Layer):
    """The algorithm below, by the highest value that a regression on its scores holds possible.

    LinUCB (Li, Chu, Langford, Schapire, WWW 2010).
    """

    name = "lin_ucb"

    def grid(self) -> Sequence[LinUCBSettings]:
        return (LinUCBSettings(),)

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: LinUCBSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> Explorer:
        self._check(
            settings,
            an_epsilon_from_0_to_1=0 <= settings.epsilon <= 1,
            an_alpha_of_0_or_more=settings.alpha >= 0,
        )
        options = {"budget_seconds": budget_seconds, "report": report}
        hopes = linucb.learned(
            log, over=settings.over, alpha=settings.alpha, pool=settings.pool, seed=seed
        )
        policy = Epsilon(settings.epsilon, hopes)
        return self._explorer(log, settings, policy, seed=seed, **options)
