"""How alike the vectors of end users and items are, by three measures; sparse or dense.

Legend: b end users, N items, W numbers in a vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

COSINE = "cosine"
EUCLIDEAN = "euclidean"
PEARSON = "pearson"
NAMES = (COSINE, EUCLIDEAN, PEARSON)

Vectors = NDArray[np.float32] | sparse.csr_array


def closeness(profiles: Vectors, vectors: Vectors, *, similarity: str) -> NDArray[np.float32]:
    """Compare each profile with each vector.

    Args:
        profiles: [b, W]
        vectors: [N, W]
        similarity: "cosine": of the angle, -1 to 1; "pearson": the same after each vector's own mean was taken
            from it; "euclidean": 1 / (1 + distance), above 0 to 1. 0 where cosine or Pearson meets a vector
            without length.

    Returns:
        [b, N]

    Raises:
        ValueError: another similarity.
    """
    if similarity not in NAMES:
        raise ValueError(f"similarity must be one of {', '.join(NAMES)}, not {similarity!r}")
    products = np.asarray(_dense(profiles @ vectors.T), np.float32)  # [b, N]
    squares, others = _squares(profiles), _squares(vectors)
    if similarity == EUCLIDEAN:
        distances = np.sqrt(np.maximum(squares[:, None] + others - 2 * products, 0))
        return np.asarray(1 / (1 + distances), np.float32)
    if similarity == PEARSON:
        means, other_means = _means(profiles), _means(vectors)
        width = profiles.shape[1]
        products = products - width * means[:, None] * other_means
        # Rounding leaves a trace where all numbers of a vector are equal.
        squares = _without_rounding(squares - width * means**2, squares)
        others = _without_rounding(others - width * other_means**2, others)
    lengths = np.sqrt(squares)[:, None] * np.sqrt(others)
    is_comparable = lengths > 0
    return np.where(is_comparable, products / np.where(is_comparable, lengths, 1), 0).astype(
        np.float32
    )


def _without_rounding(
    left: NDArray[np.float32], squares: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.where(left > 1e-6 * squares, left, 0)


def _dense(product: Any) -> NDArray[np.float32]:
    return np.asarray(product.toarray() if isinstance(product, sparse.csr_array) else product)


def _squares(vectors: Vectors) -> NDArray[np.float32]:
    squared = vectors.multiply(vectors) if sparse.issparse(vectors) else vectors * vectors
    return np.asarray(squared.sum(axis=1), np.float32)


def _means(vectors: Vectors) -> NDArray[np.float32]:
    return np.asarray(vectors.sum(axis=1) / vectors.shape[1], np.float32)
