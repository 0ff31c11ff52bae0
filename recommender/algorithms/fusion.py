"""Ways to mix algorithms, each an algorithm itself (see `fusing`): all are learned from questions with known answers.

Legend: M members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from recommender.algorithms import mixtures, weights
from recommender.algorithms.fusing import Fusion
from recommender.algorithms.lessons import Lessons
from recommender.algorithms.mixtures import Cascade, Mixture, Reciprocal, Votes
from recommender.ranking import fusion
from recommender.ranking.fusion import Scale

# On these the weights of `fusion` are learned: by how much an item is ahead, and of how many.
LEARNED_SCALES: tuple[Scale, ...] = ("z", "rank")
# How near groups of people are held to everybody, beside the penalty of a weight; None: no groups.
GROUP_PENALTIES = (None, 100.0, 30.0)
CONSTANTS = (fusion.RECIPROCAL_CONSTANT, 10.0, 1.0)
VOTES = (100, 50, 20)
CANDIDATES = (50, 100, 200)

Learn = Callable[[Lessons], Mixture]


class WeightedSum(Fusion):
    """Normalised scores, each times its weight (Fox and Shaw's CombSUM, TREC 1993, with learned weights).

    The scale on which scores are added is that which is best over questions the weights were learned without.
    """

    name = "weighted_sum"

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        ways: dict[str, Learn] = {
            scale: partial(weights.learned, scales=(scale,)) for scale in fusion.SCALES
        }
        return best_of(known, ways, seed=seed)


class ReciprocalRankFusion(Fusion):
    """The sum of 1 / (constant + rank) over members (Cormack, Clarke, Buettcher, SIGIR 2009)."""

    name = "reciprocal_rank_fusion"

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        ways = {str(one): partial(_always, Reciprocal(one)) for one in CONSTANTS}
        return best_of(known, ways, seed=seed)


class Voting(Fusion):
    """Borda's count: each member has votes for its first places (de Borda, 1781; Aslam, Montague, SIGIR 2001)."""

    name = "voting"

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        ways = {str(one): partial(_always, Votes(one)) for one in (*VOTES, known.depth)}
        return best_of(known, ways, seed=seed)


class CascadeFusion(Fusion):
    """The member that misses fewest chooses candidates, all together rank them (Covington et al., RecSys 2016)."""

    name = "cascade"

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        ways = {str(one): partial(_cascade, num_candidates=one) for one in CANDIDATES}
        return best_of(known, ways, seed=seed)


class BestFusion(Fusion):
    """Weights of normalised scores and of ranks, for everybody and, where it helps, for groups of people.

    Learned by conditional logit (McFadden, 1974); groups (new, few events, many; drifting, stable) are shrunk towards everybody.
    """

    name = "fusion"

    def mixture(self, known: Lessons, *, seed: int) -> tuple[Mixture, float]:
        ways = {
            str(penalty): partial(weights.learned, scales=LEARNED_SCALES, group_penalty=penalty)
            for penalty in GROUP_PENALTIES
        }
        return best_of(known, ways, seed=seed)


def best_of(known: Lessons, ways: Mapping[str, Learn], *, seed: int) -> tuple[Mixture, float]:
    """Return the way to mix that is best over questions it was learned without, learned from all, and how good."""
    found = {name: weights.cross_validated(known, learn, seed=seed) for name, learn in ways.items()}
    name = max(found, key=lambda one: found[one])
    return ways[name](known), found[name]


def _always(mixture: Mixture, known: Lessons) -> Mixture:
    """Return a mixture of which nothing is learned."""
    return mixture


def _cascade(known: Lessons, *, num_candidates: int) -> Cascade:
    """Return the cascade that begins with the member that has most targets among so many candidates."""
    is_hit = (mixtures.places(known) < num_candidates) & known.is_target[:, :, None]
    then = weights.learned(known, scales=LEARNED_SCALES)
    return Cascade(int(is_hit.sum(axis=(0, 1)).argmax()), num_candidates, then)
