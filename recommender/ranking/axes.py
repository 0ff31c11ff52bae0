"""Two axes through the space of a network, for a map: those along which what people want differs most.

People's vectors are averages of category embeddings, U(t) = sum of w_c e_c, so they lie close together while
items lie on a sphere around them. Axes of the items' own spread hold little of how people differ; those
of the category embeddings hold more than twice as much of that, and three quarters as much of the items'
(docs/experiments.md, "Axes of the map"). A category counts by how much it is used.

Legend: D width, C categories, P points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axes:
    """Two orthogonal directions and the point that the map has in its middle.

    Attributes:
        directions: unit vectors in rows, zeros where the space has fewer, float64. [2, D]
        middle: in the space, float64. [D]
    """

    directions: NDArray[np.float64]
    middle: NDArray[np.float64]

    @property
    def offset(self) -> NDArray[np.float64]:
        """Return where the middle lies along the directions; a vector stands at `directions @ v - offset`. [2]"""
        return self.directions @ self.middle

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where points stand on the map, [P, D] to [P, 2]."""
        placed: NDArray[np.float64] = (points - self.middle) @ self.directions.T
        return placed

    def explained(self, points: NDArray[np.floating]) -> float:
        """Return the share of points' variance around their own mean that the axes hold, 0 to 1. [P, D]"""
        apart = points - points.mean(0)
        whole = float((apart**2).sum())
        return float(((apart @ self.directions.T) ** 2).sum()) / whole if whole else 0.0


def of_categories(embeddings: NDArray[np.floating], *, weights: NDArray[np.floating]) -> Axes:
    """Return the first two principal axes of category embeddings.

    The sign of an axis is such that the point farthest out lies on its positive side, so that a map is not
    mirrored when nothing has changed.

    Args:
        embeddings: [C, D]
        weights: how much each category counts, 0 or more, not all 0. [C]
    """
    assert weights.sum() > 0, "some category has to count"
    shares = weights / weights.sum()
    middle = shares @ embeddings.astype(np.float64)  # [D]
    apart = embeddings - middle
    _, sizes, rows = np.linalg.svd(apart * np.sqrt(shares)[:, None], full_matrices=False)
    directions = np.zeros((2, embeddings.shape[1]))
    is_real = sizes[:2] > 1e-9 * max(sizes.max(initial=0.0), 1e-12)
    directions[: len(is_real)][is_real] = rows[:2][is_real]
    along = (apart * (shares > 0)[:, None]) @ directions.T  # [C, 2]
    farthest = np.take_along_axis(along, np.abs(along).argmax(0)[None], 0)[0]
    directions *= np.where(farthest < 0, -1.0, 1.0)[:, None]
    return Axes(directions, middle)
