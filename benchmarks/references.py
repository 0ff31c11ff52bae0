"""Compare algorithms with the same method in an independent library or written down plainly: NDCG on one split.

    python -m benchmarks.references --data FOLDER [--methods item_knn,ease,slim,als,bpr] [--seeds 0,1,2,3,4] [--k 10]

Leave-one-out: both are fitted on everything but the test events, since libraries know people from the fit alone, and
are asked for these. All as published: no half-life. Where a fit begins by chance, both begin at the same numbers (als), or
means over seeds are compared with the 95 % interval of their ratio (bpr). Exit 1 if a method reaches less than 98 % of
its reference.

- item_knn: cosines of all pairs of columns, the highest of each row, summed over the history, in numpy
- ease: the closed form in numpy
- slim: ElasticNet of scikit-learn, one item after the other; minutes
- als: AlternatingLeastSquares of implicit, the same loss divided by what an unchosen cell weighs
- bpr: BayesianPersonalizedRanking of implicit, the same rates and passes

Legend: U end users, n items of the fit; X [U, n] is 1 where an end user chose an item.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from interests import datasets
from interests.datasets.log import InteractionLog
from recommender.algorithms import bpr, factors, linear, matrices, neighbours, slim
from recommender.evaluation import answers, metrics, splits
from recommender.evaluation.answers import Request
from recommender.evaluation.splits import Questions

Floats = NDArray[np.floating[Any]]
# X and a seed -> scores of all end users for all items of the fit. [U, n]
Reference = Callable[[sparse.csr_array, int], Floats]

NUM_NEIGHBOURS, SHRINKAGE = 100, 10.0
EASE_L2 = 200.0
SLIM_L1, SLIM_L2 = 5.0, 50.0
# Scaling 0: implicit holds everybody back alike.
ALS = factors.ALSSettings(64, unobserved_weight=0.03, regularisation=5.0, scaling=0.0, num_passes=8)
BPR = bpr.BPRSettings(half_life=None)
WITHIN = 0.98


@dataclass(frozen=True)
class Method:
    """One of ours with settings, and what it is compared with."""

    ours: Any
    settings: Any
    reference: Reference
    said: str
    has_seeds: bool = False


@dataclass(frozen=True)
class Given:
    """Scores that stand as they are, to be asked like an algorithm. scores: [U, N]"""

    all_scores: NDArray[np.float32]

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        return self.all_scores[users]


def cosines(chosen: sparse.csr_array, seed: int) -> Floats:
    """Sum the highest cosines of each item over the history."""
    dense = chosen.toarray()
    norms = np.sqrt(dense.sum(axis=0))
    alike = dense.T @ dense
    alike /= np.outer(norms, norms).astype(np.float32) + np.float32(SHRINKAGE)
    np.fill_diagonal(alike, 0)
    size = min(NUM_NEIGHBOURS, len(alike))
    lowest = np.partition(alike, -size, axis=1)[:, -size]
    alike[alike < lowest[:, None]] = 0
    return np.asarray(dense @ alike)


def closed_form(chosen: sparse.csr_array, seed: int) -> Floats:
    """Return the scores of EASE (Steck, WWW 2019) as its paper writes them down."""
    dense = chosen.toarray()
    inverse = np.linalg.inv(
        dense.T @ dense + np.float32(EASE_L2) * np.eye(dense.shape[1], dtype="f4")
    )
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return np.asarray(dense @ weights)


def elastic_nets(chosen: sparse.csr_array, seed: int) -> Floats:
    """Return the scores of SLIM by scikit-learn: its loss is ours over the number of end users."""
    from sklearn.linear_model import ElasticNet

    net = ElasticNet(
        alpha=(SLIM_L1 + SLIM_L2) / chosen.shape[0], l1_ratio=SLIM_L1 / (SLIM_L1 + SLIM_L2),
        positive=True, fit_intercept=False, copy_X=False, tol=1e-5, max_iter=1_000,
    )  # fmt: skip
    columns = sparse.csc_matrix(chosen.astype(np.float64))
    scores = np.zeros(chosen.shape, np.float32)
    for item in range(chosen.shape[1]):
        own = slice(columns.indptr[item], columns.indptr[item + 1])
        target = np.zeros(chosen.shape[0])
        target[columns.indices[own]] = 1
        columns.data[own] = 0  # an item does not predict itself
        scores[:, item] = columns @ net.fit(columns, target).coef_
        columns.data[own] = 1
    return scores


def implicit_als(chosen: sparse.csr_array, seed: int) -> Floats:
    """Return the scores of implicit's ALS from where ours begins.

    Ours weighs a choice 1 towards 1 and every cell α towards 0; that is 1 + α towards 1 / (1 + α) for what was
    chosen, so all is divided by α and the vectors by the root of that target.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    weight = ALS.unobserved_weight
    ratio = (1 + weight) / weight
    with threadpool_limits(limits=1, user_api="blas"):  # as implicit asks for: it warns otherwise
        model = AlternatingLeastSquares(
            factors=ALS.width, alpha=ratio, regularization=ALS.regularisation * ratio, iterations=ALS.num_passes,
            use_cg=False, num_threads=1, random_state=seed,
        )  # fmt: skip
        first = factors.first_vectors(chosen.shape[1], width=ALS.width, seed=seed)
        model.item_factors = first * np.float32(np.sqrt(1 + weight))
        model.user_factors = np.zeros((chosen.shape[0], ALS.width), np.float32)
        rows = sparse.csr_matrix(chosen)
        model.fit(rows, show_progress=False)
        # Items were solved for last.
        people = model.recalculate_user(np.arange(chosen.shape[0]), rows)
    return np.asarray(people @ model.item_factors.T)


def implicit_bpr(chosen: sparse.csr_array, seed: int) -> Floats:
    """Return the scores of implicit's BPR."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=BPR.width, learning_rate=BPR.learning_rate, regularization=BPR.regularisation,
        iterations=BPR.num_passes, num_threads=1, random_state=seed,
    )  # fmt: skip
    model.fit(sparse.csr_matrix(chosen), show_progress=False)
    return np.asarray(model.user_factors @ model.item_factors.T)


METHODS = {
    "item_knn": Method(
        neighbours.ItemKNN, neighbours.ItemKNNSettings(NUM_NEIGHBOURS, SHRINKAGE), cosines, "numpy"
    ),
    "ease": Method(linear.Ease, linear.EaseSettings(EASE_L2), closed_form, "numpy"),
    "slim": Method(slim.Slim, slim.SlimSettings(SLIM_L1, SLIM_L2, None), elastic_nets, "scikit-learn"),
    "als": Method(factors.ALS, ALS, implicit_als, "implicit"),
    "bpr": Method(bpr.BPR, BPR, implicit_bpr, "implicit", has_seeds=True),
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a method is too far below its reference."""
    options = _parser().parse_args(arguments)
    log = datasets.read(options.data).sorted(seed=0)
    test = splits.split(log, name=splits.LEAVE_ONE_OUT).test
    print(f"{options.data.name}, leave-one-out, {test.num_users:,} end users, NDCG@{options.k}")
    print("method    reference       ours  theirs   ratio")
    is_near = True
    for name in options.methods:
        method = METHODS[name]
        seeds = options.seeds if method.has_seeds else options.seeds[:1]
        pairs = np.array([compare(method, test, seed=seed, k=options.k) for seed in seeds])
        ours, theirs = pairs.mean(axis=0)
        is_near &= bool(ours >= WITHIN * theirs)
        print(
            f"{name:9} {method.said:12} {ours:8.4f}{theirs:8.4f}{ours / theirs:8.3f}{spread(pairs)}",
            flush=True,
        )
    return int(not is_near)


def compare(method: Method, test: Questions, *, seed: int, k: int) -> tuple[float, float]:
    """Return the NDCG of ours and of its reference."""
    log, request = test.histories, Request(k=k)
    ties = metrics.tie_order(log.num_items, seed=0)
    ours = method.ours().fit(log, settings=method.settings, seed=seed)
    everybody = matrices.choices(log)
    # The same rows as the log's, only the columns that ours has as well.
    items = np.flatnonzero(np.bincount(everybody.indices, minlength=log.num_items))
    all_scores = np.full((log.num_users, log.num_items), -np.inf, np.float32)
    with warnings.catch_warnings():
        # scikit-learn warns of what has not converged to its liking.
        warnings.simplefilter("ignore")
        all_scores[:, items] = method.reference(everybody[:, items], seed)
    answered = [
        answers.ask(fitted, test, request=request, ties=ties).per_user["ndcg"].mean()
        for fitted in (ours, Given(all_scores))
    ]
    return float(answered[0]), float(answered[1])


def spread(pairs: NDArray[np.float64]) -> str:
    """Say how sure a ratio of means over seeds is: 95 %, by the errors of both means. [seeds, 2]"""
    if len(pairs) < 2:
        return ""
    means, errors = pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    half = 1.96 * means[0] / means[1] * np.sqrt(((errors / means) ** 2).sum())
    return f" ± {half:.3f} over {len(pairs)} seeds"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="a data folder")
    add("--methods", type=_methods, default=list(METHODS), help=",".join(METHODS))
    add("--seeds", type=_seeds, default=[0, 1, 2, 3, 4], metavar="0,1,2", help="of bpr")
    add("--k", type=int, default=10, help="length of the lists (10)")
    return parser


def _methods(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no {', '.join(unknown)}; choose from {','.join(METHODS)}"
        )
    return names


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} are no seeds; write 0,1,2.") from error


if __name__ == "__main__":
    sys.exit(main())
