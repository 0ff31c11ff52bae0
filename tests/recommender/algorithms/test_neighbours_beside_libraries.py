"""Neighbours beside the same methods of other libraries, on the same split of MovieLens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from implicit.nearest_neighbours import CosineRecommender
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from interests import datasets
from recommender.algorithms import matrices
from recommender.algorithms.nearest import NearestSettings, UserKNN
from recommender.algorithms.neighbours import ItemKNN, ItemKNNSettings
from recommender.evaluation import answers, metrics, splits
from recommender.evaluation.answers import Request

MOVIELENS = Path(__file__).parents[3] / "../shared/data/movielens-latest-small"
pytestmark = pytest.mark.skipif(not MOVIELENS.exists(), reason="the shared data are not here")


@pytest.fixture(scope="module")
def split():
    return splits.split(datasets.read(MOVIELENS).sorted(), name=splits.LEAVE_ONE_OUT)


def ndcg_of(scores, split):
    """Measure scores of everybody asked, without what they have seen. [b, N]"""
    scores = scores.astype(np.float32)
    answers._mask_seen(scores, split.test.histories, users=split.test.users)
    ties = metrics.tie_order(split.fit.num_items, seed=0)
    top = metrics.top_items(scores, k=10, ties=ties)
    return metrics.per_user(top, rows=split.test.rows, items=split.test.items)["ndcg"].mean()


def own_ndcg(fitted, split):
    ties = metrics.tie_order(split.fit.num_items, seed=0)
    answer = answers.ask(fitted, split.test, request=Request(), ties=ties)
    return answer.per_user["ndcg"].mean()


# It calls itself with a matrix of the other form.
@pytest.mark.filterwarnings("ignore:Method expects CSR input")
def test_item_knn_is_as_good_as_that_of_implicit(split):
    fitted = ItemKNN().fit(split.fit, settings=ItemKNNSettings(50, 0.0), seed=0)

    # There an item is its own first neighbour.
    library = CosineRecommender(K=51, num_threads=1)
    library.fit(sparse.csr_matrix(matrices.choices(split.fit)), show_progress=False)
    asked = matrices.choices_of(split.test.histories, users=split.test.users)
    scores = (asked @ sparse.csr_array(library.similarity)).toarray()
    assert own_ndcg(fitted, split) == pytest.approx(ndcg_of(scores, split), rel=0.02)
    assert own_ndcg(fitted, split) > 0.02


def test_user_knn_is_as_good_as_that_of_scikit_learn(split):
    fitted = UserKNN().fit(split.fit, settings=NearestSettings(30, 0.0), seed=0)

    chosen = sparse.csr_matrix(matrices.choices(split.fit))
    asked = matrices.choices_of(split.test.histories, users=split.test.users)
    library = NearestNeighbors(n_neighbors=31, metric="cosine").fit(chosen)
    distances, people = library.kneighbors(sparse.csr_matrix(asked))
    # Everybody is his own first neighbour.
    alike = np.where(people == split.test.users[:, None], 0, 1 - distances)
    rows = np.repeat(np.arange(len(people)), people.shape[1])
    near = sparse.csr_matrix(
        (alike.ravel(), (rows, people.ravel())), (len(people), chosen.shape[0])
    )
    scores = (near @ chosen).toarray()
    assert own_ndcg(fitted, split) == pytest.approx(ndcg_of(scores, split), rel=0.02)
    assert own_ndcg(fitted, split) > 0.02
