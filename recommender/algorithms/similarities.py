"""How alike two rows of a sparse matrix are: items by who chose them, or end users by what they chose.

Every measure comes out of one sparse product, so that only pairs that share a cell are ever looked at: who
shares nothing says nothing, and is not similar however near. Rows are compared whole.

- Of choices (1, or less for those long ago; 0 where there is none) with sums s, squares q and product p:
  cosine p / √(q q'); adjusted cosine, the same after each column's mean is taken off (Sarwar et al., WWW 2001);
  Pearson, the same after each row's mean is taken off; Jaccard p / (s + s' - p).
- Of ratings, adjusted cosine and Pearson are cosines of what is above or below the mean of the column or the
  row, and what was not rated counts as neither. Over rated cells alone two rows with one common cell would be as
  alike as can be; so, those that share little are held back by all they do not share (Ekstrand, Riedl and
  Konstan, Collaborative Filtering Recommender Systems, 2011).
- Euclidean and Manhattan distances d = √(q + q' - 2p) and s + s' - 2p are turned into similarities by 1 / (1 + d).
  They are of choices, not of ratings: over commonly rated cells alone, a distance is 0 for any two with a single
  rating in common that is equal, and over whole rows of ratings it would be that of their lengths.

Shrinkage holds back what rests on little: it is added to the denominator of the first four; where there is
none to add it to, the similarity is multiplied by p / (p + shrinkage) (Bell and Koren, ICDM 2007).

Legend: n rows to compare, m cells of each; l rows on the left, r on the right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

COSINE = "cosine"
ADJUSTED_COSINE = "adjusted cosine"
PEARSON = "pearson"
JACCARD = "jaccard"
EUCLIDEAN = "euclidean"
MANHATTAN = "manhattan"
# Those that can tell more from ratings than from choices.
OF_RATINGS = (ADJUSTED_COSINE, PEARSON)

CHOICES = "choices"  # 0 where there is none
RATINGS = "ratings"  # unknown where there is none
# What is left of a row after its mean, when less of it than this is left, is rounding: the row is like nothing.
LEAST_SPREAD = 1e-5


@dataclass(frozen=True)
class Vectors:
    """Rows made ready for comparison.

    Attributes:
        cells: [n, m]
        sums: of the cells of a row. [n]
        squares: of the cells of a row, summed. [n]
        levels: what is taken off products, as the product of both rows' levels. [n]
        offsets: what is taken off products, as the sum of both rows' offsets. [n]
        spreads: the length of a row after what is taken off. [n]
    """

    cells: sparse.csr_array
    sums: NDArray[np.float32]
    squares: NDArray[np.float32]
    levels: NDArray[np.float32] | None
    offsets: NDArray[np.float32] | None
    spreads: NDArray[np.float32]

    def take(self, rows: NDArray[np.integer]) -> Vectors:
        """Return some of the rows."""
        levels = None if self.levels is None else self.levels[rows]
        offsets = None if self.offsets is None else self.offsets[rows]
        sizes = (self.sums[rows], self.squares[rows], levels, offsets, self.spreads[rows])
        return Vectors(self.cells[rows], *sizes)


@dataclass(frozen=True)
class Preparation:
    """What is done to rows before they are compared; the same for those fitted and those asked about.

    Attributes:
        measure: one of this module's.
        content: `CHOICES` or `RATINGS`, which are for the measures of `OF_RATINGS`.
        column_means: of all rows, or of those rated; empty but for adjusted cosine. [m]
    """

    measure: str
    content: str
    column_means: NDArray[np.float32]

    @classmethod
    def of(cls, cells: sparse.csr_array, *, measure: str, content: str) -> Preparation:
        """Return what to do to rows like these. cells: [n, m]"""
        means = np.empty(0, np.float32)
        if measure == ADJUSTED_COSINE:
            counts = np.bincount(cells.indices, minlength=cells.shape[1])
            among = np.maximum(counts, 1) if content == RATINGS else max(cells.shape[0], 1)
            means = np.asarray(cells.sum(axis=0) / among, np.float32)
        return cls(measure, content, means)

    def vectors(self, cells: sparse.csr_array) -> Vectors:
        """Return rows ready to compare. cells: [n, m]"""
        if self.content == RATINGS:
            cells = self._centred(cells)
        sums = np.asarray(cells.sum(axis=1), np.float32)
        squares = np.asarray(cells.multiply(cells).sum(axis=1), np.float32)
        levels, offsets, rest = None, None, squares
        if self.content == CHOICES and self.measure == PEARSON:
            levels = np.asarray(sums / np.sqrt(cells.shape[1]), np.float32)
            rest = squares - levels**2
        if self.content == CHOICES and self.measure == ADJUSTED_COSINE:
            # (a - c)(b - c) = ab - ac - bc + cc, half of cc for each row.
            means = self.column_means
            offsets = np.asarray(cells @ means - means @ means / 2, np.float32)
            rest = squares - 2 * offsets
        spreads = np.sqrt(np.where(rest > LEAST_SPREAD * squares, rest, np.float32(0)))
        return Vectors(cells, sums, squares, levels, offsets, spreads)

    def _centred(self, cells: sparse.csr_array) -> sparse.csr_array:
        """Take the mean of the row or the column off the cells that there are."""
        lengths = np.diff(cells.indptr)
        if self.measure == ADJUSTED_COSINE:
            means = self.column_means[cells.indices]
        else:
            means = np.repeat(cells.sum(axis=1) / np.maximum(lengths, 1), lengths)
        above = cells.data - means
        above[np.abs(above) < LEAST_SPREAD * np.abs(cells.data)] = 0
        return sparse.csr_array((above, cells.indices, cells.indptr), shape=cells.shape)


def compare(
    left: Vectors, right: Vectors, *, turned: sparse.csr_array, measure: str, shrinkage: float
) -> sparse.csr_array:
    """Return how alike rows are that share a cell, float32; what is not above 0 is left out. [l, r]

    Args:
        turned: the right cells, transposed. [m, r]
        shrinkage: 0 or more.
    """
    found: sparse.csr_array = left.cells @ turned
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    pairs = _Pairs(found.data, rows, found.indices, left, right)
    data = _FORMULAS[measure](pairs, np.float32(shrinkage))
    found.data = np.maximum(data, 0).astype(np.float32)
    found.eliminate_zeros()
    return found


@dataclass(frozen=True)
class _Pairs:
    """Pairs of rows and their products, [p] each."""

    products: NDArray[np.float32]
    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    left: Vectors
    right: Vectors

    def both_sums(self) -> NDArray[np.float32]:
        both: NDArray[np.float32] = self.left.sums[self.rows] + self.right.sums[self.columns]
        return both

    def both_squares(self) -> NDArray[np.float32]:
        own, other = self.left.squares[self.rows], self.right.squares[self.columns]
        both: NDArray[np.float32] = own + other
        return both


def _correlation(pairs: _Pairs, shrinkage: np.float32) -> NDArray[np.float32]:
    left, right, products = pairs.left, pairs.right, pairs.products
    if left.levels is not None and right.levels is not None:
        products = products - left.levels[pairs.rows] * right.levels[pairs.columns]
    if left.offsets is not None and right.offsets is not None:
        products = products - left.offsets[pairs.rows] - right.offsets[pairs.columns]
    lengths: NDArray[np.float32] = left.spreads[pairs.rows] * right.spreads[pairs.columns]
    alike = products * (lengths > 0) / np.where(lengths > 0, lengths + shrinkage, 1)
    return np.asarray(alike, np.float32)


def _jaccard(pairs: _Pairs, shrinkage: np.float32) -> NDArray[np.float32]:
    return pairs.products / (pairs.both_sums() - pairs.products + shrinkage)


def _euclidean(pairs: _Pairs, shrinkage: np.float32) -> NDArray[np.float32]:
    squares = pairs.both_squares() - 2 * pairs.products
    return _nearness(np.sqrt(np.maximum(squares, 0)), pairs, shrinkage)


def _manhattan(pairs: _Pairs, shrinkage: np.float32) -> NDArray[np.float32]:
    return _nearness(np.maximum(pairs.both_sums() - 2 * pairs.products, 0), pairs, shrinkage)


def _nearness(
    distances: NDArray[np.float32], pairs: _Pairs, shrinkage: np.float32
) -> NDArray[np.float32]:
    near = pairs.products / (pairs.products + shrinkage) / (1 + distances)
    return np.asarray(near, np.float32)


_FORMULAS: dict[str, Callable[[_Pairs, np.float32], NDArray[np.float32]]] = {
    COSINE: _correlation,
    ADJUSTED_COSINE: _correlation,
    PEARSON: _correlation,
    JACCARD: _jaccard,
    EUCLIDEAN: _euclidean,
    MANHATTAN: _manhattan,
}
