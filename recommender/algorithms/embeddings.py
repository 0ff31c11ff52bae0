"""Vectors of things that occur together: positive pointwise mutual information, cut to its strongest directions.

Skip-gram with negative sampling factorises exactly such a matrix, shifted by the log of the number of negative
samples (Levy and Goldberg, NeurIPS 2014); smoothing the contexts as that samples them helps both (Levy, Goldberg
and Dagan, TACL 2015). Done by one decomposition it needs no passes and gives the same vectors every time.

Legend: n things, d width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# As word2vec draws its negative samples: the power of a thing's frequency.
SMOOTHING = 0.75
# Directions beyond those asked for, and how often they are turned towards the strongest.
SPARE, PASSES = 10, 2


def positive_information(together: sparse.csr_array, *, negatives: float = 1.0) -> sparse.csr_array:
    """Return max(0, log p(i, j) / (p(i) p'(j)) - log negatives) where things occur together. [n, n]

    Args:
        together: how often, symmetric, 0 or more. p' is p to the power of `SMOOTHING`. [n, n]
        negatives: the number of negative samples that the shift stands for, 1 or more.
    """
    cells = sparse.coo_array(together, dtype=np.float64)
    totals = np.asarray(together.sum(axis=1), np.float64)
    contexts = totals**SMOOTHING
    expected = totals[cells.row] * (contexts / max(contexts.sum(), 1e-12))[cells.col]
    information = np.log(cells.data / expected / negatives)
    kept = information > 0
    places = (cells.row[kept], cells.col[kept])
    return sparse.csr_array((information[kept].astype(np.float32), places), shape=cells.shape)


def strongest(
    matrix: sparse.csr_array, *, width: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return U [m, d], S [d], V [n, d] of the largest singular values (Halko, Martinsson and Tropp, 2011).

    Fewer than `width` where a side of the matrix is shorter. Signs are settled, so that they hang on nothing.
    """
    width = min(width, *matrix.shape)
    num_drawn = min(width + SPARE, *matrix.shape)
    # In single precision: half the time, and far more exact than what is cut off.
    random = np.random.default_rng(seed)
    drawn = random.normal(size=(matrix.shape[1], num_drawn)).astype(np.float32)
    matrix = matrix.astype(np.float32)
    basis, _ = np.linalg.qr(matrix @ drawn)
    for _ in range(PASSES):
        basis, _ = np.linalg.qr(matrix.T @ basis)
        basis, _ = np.linalg.qr(matrix @ basis)
    small, strengths, right = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    left, right = (basis @ small)[:, :width], right[:width].T
    signs = np.sign(right[np.abs(right).argmax(axis=0), np.arange(width)])
    return (
        (left * signs).astype(np.float32),
        strengths[:width].astype(np.float32),
        (right * signs).astype(np.float32),
    )


def vectors_of(
    together: sparse.csr_array, *, width: int, seed: int, negatives: float = 1.0
) -> NDArray[np.float32]:
    """Return U √S of the positive information: near are things with the same company. [n, d]"""
    information = positive_information(together, negatives=negatives)
    left, strengths, _ = strongest(information, width=width, seed=seed)
    return left * np.sqrt(strengths)
