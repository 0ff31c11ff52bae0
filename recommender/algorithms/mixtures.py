"""Ways to make one score of what several members say, each fitted to one audience.

Legend: b end users, X items or candidates, M members, F features (M for each scale), G groups of people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.ranking import fusion
from recommender.ranking.fusion import Scale


class View(Protocol):
    """What is known of some end users and items when a mixture scores them."""

    @property
    def depth(self) -> int: ...
    @property
    def groups(self) -> NDArray[np.float32]:
        """Of `people.GROUPS`. [b, G]"""
        ...

    def traits_at(
        self, rows: NDArray[np.integer], places: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """Return traits of items, each for one end user, by its place among those that are scored. [c, E]"""
        ...

    def on(self, scale: Scale) -> NDArray[np.float32]:
        """Return what the members say, on a scale. [b, X, M]"""
        ...


class Describes(Protocol):
    """What tells traits of items for end users, a frozen dataclass; see `traits` and `vectors`."""

    @property
    def count(self) -> int: ...

    def at(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        rows: NDArray[np.integer],
        items: NDArray[np.integer],
    ) -> NDArray[np.float32]: ...


class Mixture(Protocol):
    """One way of mixing, a frozen dataclass."""

    def scores(self, view: View) -> NDArray[np.float32]:
        """Return one finite score for each item, higher is better. [b, X]"""
        ...


@dataclass(frozen=True)
class Weighted:
    """A sum of scaled scores, each times its weight; groups of people may have weights of their own.

    Attributes:
        scales: in the order of the weights
        weights: M for each scale. [F]
        by_group: what is added to them for people of a group. [G, F] or [0, F]
    """

    scales: tuple[Scale, ...]
    weights: NDArray[np.float32]
    by_group: NDArray[np.float32]

    def scores(self, view: View) -> NDArray[np.float32]:
        own = np.broadcast_to(self.weights, (len(view.groups), len(self.weights)))
        if len(self.by_group):
            own = own + view.groups @ self.by_group  # [b, F]
        parts = np.split(own, len(self.scales), axis=1)
        return np.asarray(
            sum(
                (view.on(scale) @ part[:, :, None])[:, :, 0]
                for scale, part in zip(self.scales, parts, strict=True)
            ),
            np.float32,
        )


@dataclass(frozen=True)
class Reciprocal:
    """Reciprocal rank fusion: the sum of 1 / (constant + rank)."""

    constant: float

    def scores(self, view: View) -> NDArray[np.float32]:
        found = fusion.reciprocal(places(view), constant=self.constant)
        # What nobody ranks is last, and equal.
        known = np.where(view.on("rank") > 0, found, 0)
        return np.asarray(known.sum(axis=2, dtype=np.float32))


@dataclass(frozen=True)
class Votes:
    """Borda's count: a member gives its first item `depth` votes, each next one fewer."""

    depth: int

    def scores(self, view: View) -> NDArray[np.float32]:
        votes = fusion.votes(places(view), depth=self.depth)
        return np.asarray(votes.sum(axis=2, dtype=np.float32))


@dataclass(frozen=True)
class Cascade:
    """One member chooses the candidates, a weighted sum of all ranks them. first: which member."""

    first: int
    num_candidates: int
    then: Weighted

    def scores(self, view: View) -> NDArray[np.float32]:
        own = places(view)[:, :, self.first]
        ranked = fusion.scaled(self.then.scores(view), scale="min-max")
        return np.where(own < self.num_candidates, 1 + ranked, -own / (1 + view.depth)).astype(
            np.float32
        )


def places(view: View) -> NDArray[np.float32]:
    """Return the ranks that the scale "rank" was made of, from 0. [b, X, M]"""
    logs = (1 - view.on("rank")) * np.log1p(np.float32(view.depth))
    return np.asarray(np.rint(np.expm1(logs)))
