from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recommender.algorithms.graph import (
    LightGCN,
    LightGCNSettings,
    _batches,
    _Graph,
    _loss,
)
from recommender.algorithms.protocol import CannotFit
from tests.recommender.logs import drawn_log, log_of

# Ann chose items 0 and 1, Bob item 1.
CHOSEN = sparse.csr_array(np.array([[1, 1], [0, 1]], np.float32))
QUICK = {"width": 8, "num_passes": 10, "batch_size": 16}


def graph(num_layers: int) -> _Graph:
    torch.manual_seed(0)
    return _Graph(CHOSEN, LightGCNSettings(width=3, num_layers=num_layers))


def test_layers_are_products_with_normalised_choices():
    found = graph(2)
    # Divided by the roots of 2 and 1 choices of people, 1 and 2 of items.
    normal = torch.tensor([[0.5**0.5, 0.5], [0, 0.5**0.5]])
    people, items = found.people, found.items
    first = normal.T @ people
    second = normal.T @ (normal @ items)

    adds, scored = found()

    torch.testing.assert_close(scored, (items + first + second) / 3)
    # What a person's layers 1 and 2 have of an item, but for the root of the person's own choices.
    torch.testing.assert_close(adds, (items + first) / 2 / torch.tensor([[1.0], [2**0.5]]))


def test_gradients_go_back_through_the_graph():
    found = graph(2)
    outer = torch.randn(2, 3)

    (found()[1] * outer).sum().backward()

    normal = torch.tensor([[0.5**0.5, 0.5], [0, 0.5**0.5]])
    torch.testing.assert_close(found.items.grad, (outer + normal.T @ normal @ outer) / 3)
    torch.testing.assert_close(found.people.grad, normal @ outer / 3)


def test_batches_divide_every_history_into_known_and_hidden():
    random = np.random.default_rng(0)
    cells = (random.random((40, 30)) < 0.3).astype(np.float32)
    cells[0] = np.arange(30) == 3
    chosen = sparse.csr_array(cells)
    settings = LightGCNSettings(batch_size=7, hidden_share=0.3)

    parts = list(_batches(chosen, settings, random=random))

    known, hidden = (sparse.vstack(half).toarray() for half in zip(*parts, strict=True))
    assert len(parts) == 6  # 39 people with two choices or more
    assert (known.sum(1) > 0).all()
    assert (hidden.sum(1) > 0).all()
    whole = {tuple(row) for row in chosen.toarray()[1:]}
    assert {tuple(row) for row in known + hidden} == whole


def test_softmax_loss_is_the_mean_of_minus_log_shares():
    found, settings = graph(1), LightGCNSettings(num_layers=1)
    known = sparse.csr_array(np.array([[1, 0]], np.float32))
    hidden = sparse.csr_array(np.array([[0, 1]], np.float32))
    adds, scored = found()

    loss = _loss(found, known, hidden, settings, random=np.random.default_rng(0))

    torch.testing.assert_close(loss, -(scored @ adds[0]).log_softmax(0)[1])


def test_bpr_loss_compares_with_a_drawn_item():
    found, settings = graph(1), LightGCNSettings(num_layers=1, loss="bpr")
    known = sparse.csr_array(np.array([[1, 0]], np.float32))
    hidden = sparse.csr_array(np.array([[0, 1]], np.float32))
    adds, scored = found()
    drawn = int(np.random.default_rng(0).integers(2, size=1)[0])

    loss = _loss(found, known, hidden, settings, random=np.random.default_rng(0))

    gain = adds[0] @ (scored[1] - scored[drawn])
    torch.testing.assert_close(loss, torch.nn.functional.softplus(-gain))


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_people_get_more_of_the_half_they_like_and_so_does_somebody_unknown_to_the_fit(loss):
    log = drawn_log(num_events=2000)
    known = log.take(log.users < log.num_users - 2)
    algorithm = LightGCN(**QUICK | {"loss": loss, "num_passes": 30})

    fitted = algorithm.fit(known, settings=algorithm.grid()[0], seed=0)

    users = np.arange(log.num_users, dtype=np.int32)
    best = np.argsort(-fitted.scores(log, users=users), axis=1)[:, :5]
    is_own_half = (best >= log.num_items // 2) == (users % 2 == 1)[:, None]
    assert is_own_half.mean() > 0.9
    assert is_own_half[-2:].all()


def test_one_fit_answers_for_every_half_life_as_a_fit_of_its_own_would():
    log, users = drawn_log(), np.arange(5, dtype=np.int32)
    shared, own = LightGCN(**QUICK), LightGCN(**QUICK)
    plain, recent = (
        shared.fit(log, settings=settings, seed=0)
        for settings in (shared.grid()[0], shared.grid()[2])
    )

    alone = own.fit(log, settings=own.grid()[2], seed=0)

    assert [settings.half_life for settings in shared.grid()] == [None, 5.0, 2.0]
    assert recent.shared_seconds > 0
    np.testing.assert_array_equal(recent.scores(log, users=users), alone.scores(log, users=users))
    assert not np.allclose(recent.scores(log, users=users), plain.scores(log, users=users))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_layers": 0}, "layers"),
        ({"loss": "hinge"}, "one of softmax, bpr, not 'hinge'"),
        ({"hidden_share": 1.0}, "above 0 and below 1"),
    ],
)
def test_bad_settings_are_refused(changes, words):
    with pytest.raises(CannotFit, match=words):
        LightGCN().fit(drawn_log(), settings=replace(LightGCNSettings(), **changes), seed=0)


def test_nothing_to_learn_from_is_said():
    with pytest.raises(CannotFit, match="needs at least one"):
        LightGCN().fit(log_of([]), settings=LightGCNSettings(), seed=0)
