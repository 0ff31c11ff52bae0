"""Members' vectors of items side by side, and how near a history lies to an item in each of their spaces.

Legend: b end users, N items, d width of a space, P directions kept of each, K spaces, E traits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import Catalogue, InteractionLog
from interests.learning import scoring
from recommender.algorithms import matrices
from recommender.algorithms.factors import FittedALS
from recommender.algorithms.network import FittedNetwork
from recommender.algorithms.protocol import Fitted
from recommender.algorithms.svd import FittedSVD

# Of each space the strongest directions; the rest counts through the cosine alone.
DIRECTIONS = 16
# How many events ago a choice counts half as much as the last one.
HALF_LIFE = 5.0


@dataclass(frozen=True)
class Spaces:
    """Vectors of items, of length 1, 0 where a member has none, strongest directions first. K of [N, d]"""

    of_items: tuple[NDArray[np.float32], ...]

    @classmethod
    def of_members(cls, members: Iterable[Fitted], catalogue: Catalogue) -> Spaces:
        """Take the vectors of those members that have some."""
        found = (item_vectors(member, catalogue) for member in members)
        return cls(tuple(_turned(one) for one in found if one is not None))

    @property
    def count(self) -> int:
        """How many traits there are: products along each direction that is kept, and cosines."""
        return sum(min(DIRECTIONS, one.shape[1]) + 1 for one in self.of_items)

    def at(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        rows: NDArray[np.integer],
        items: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """Return how a history and an item agree along each direction, and their cosine; see `Traits.at`. [c, E]"""
        chosen = matrices.choices_of(histories, users=users, half_life=HALF_LIFE)  # [b, N]
        found = [np.zeros((len(items), 0), np.float32)]
        for vectors in self.of_items:
            people = _unit(np.asarray(chosen @ vectors))  # [b, d]
            cosines = np.einsum("cd,cd->c", people[rows], vectors[items])[:, None]
            found.append(people[rows, :DIRECTIONS] * vectors[items, :DIRECTIONS])
            found.append(cosines)
        return np.concatenate(found, axis=1).astype(np.float32)


def item_vectors(member: Fitted, catalogue: Catalogue) -> NDArray[np.float32] | None:
    """Return a member's vectors of a catalogue's items, 0 for those it lacks; None if it has no vectors. [N, d]"""
    if isinstance(member, FittedALS):
        return _spread(member.items, member.side.vectors.cpu().numpy(), catalogue)
    if isinstance(member, FittedSVD):
        return _spread(member.items, member.directions, catalogue)
    if isinstance(member, FittedNetwork):
        index = member.network.item_index(catalogue)
        known = np.flatnonzero(index >= 0)
        return _spread(known, scoring.item_embeddings(member.network)[index[known]], catalogue)
    return None


def _spread(
    items: NDArray[np.integer], vectors: NDArray[np.float32], catalogue: Catalogue
) -> NDArray[np.float32]:
    found = np.zeros((catalogue.num_items, vectors.shape[1]), np.float32)
    found[items] = vectors
    return found


def _turned(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors of length 1, turned so that their strongest directions come first."""
    units = _unit(vectors)
    _, turn = np.linalg.eigh(units.T.astype(np.float64) @ units)
    return np.ascontiguousarray(units @ turn[:, ::-1], np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
