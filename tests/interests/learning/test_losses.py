import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from interests.learning import losses


def test_loss_worked_out_by_hand():
    # Scores 0 and ln 3: the second item has probability 3/4.
    loss = losses.softmax_cross_entropy(
        hidden=torch.tensor([[1.0]]),
        items=torch.tensor([[0.0], [math.log(2)]]),
        bias=torch.tensor([0.0, math.log(1.5)]),
        targets=torch.tensor([1]),
    )

    assert loss.item() == pytest.approx(math.log(4 / 3))


def parts_on(device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(9, 4), (7, 4), (7,)]
    parts = [
        torch.randn(shape, generator=generator).to(device).requires_grad_() for shape in shapes
    ]
    return parts, torch.randint(0, 7, (9,), generator=generator).to(device)


@pytest.mark.parametrize("chunk", [7, 20, 10_000])
def test_loss_and_gradients_equal_those_of_torch_for_any_chunk(device, monkeypatch, chunk):
    monkeypatch.setitem(losses.CHUNK_LOGITS, device.type, chunk)
    parts, targets = parts_on(device)

    hidden, items, bias = parts
    own = losses.softmax_cross_entropy(hidden=hidden, items=items, bias=bias, targets=targets)
    own_gradients = torch.autograd.grad(3 * own, parts)
    expected = functional.cross_entropy(functional.linear(hidden, items, bias), targets)
    expected_gradients = torch.autograd.grad(3 * expected, parts)

    torch.testing.assert_close(own, expected)
    torch.testing.assert_close(own_gradients, expected_gradients)


@pytest.mark.parametrize(("size", "bound"), [(10.0, None), (10.0, 1e9), (1.0, 29.0), (0.0, 0.0)])
def test_large_products_and_those_within_a_bound_give_the_same_as_torch(device, size, bound):
    (hidden, items, bias), targets = parts_on(device)
    # Products of up to several hundred, whose exponentials float32 cannot hold; biases far apart.
    parts = [part.detach().requires_grad_() for part in (size * hidden, size * items, 30 * bias)]

    own = losses.softmax_cross_entropy(
        hidden=parts[0], items=parts[1], bias=parts[2], targets=targets, bound=bound
    )
    expected = functional.cross_entropy(functional.linear(*parts), targets)

    torch.testing.assert_close(own, expected)
    torch.testing.assert_close(
        torch.autograd.grad(own, parts), torch.autograd.grad(expected, parts)
    )


def test_own_bias_counts_for_the_target_alone(device):
    parts, targets = parts_on(device)
    own_bias = torch.linspace(-2, 0, 7, device=device)

    hidden, items, bias = parts
    own = losses.softmax_cross_entropy(
        hidden=hidden, items=items, bias=bias, targets=targets, own_bias=own_bias
    )
    logits = functional.linear(hidden, items, bias)
    logits = logits + functional.one_hot(targets, 7) * own_bias
    expected = functional.cross_entropy(logits, targets)

    torch.testing.assert_close(own, expected)
    torch.testing.assert_close(
        torch.autograd.grad(own, parts), torch.autograd.grad(expected, parts)
    )


def test_candidates_stand_for_the_whole_catalogue_without_bias():
    counts = np.random.default_rng(0).zipf(1.5, 300).clip(max=500)
    sampler = losses.CandidateSampler(counts, count=60)
    random = np.random.default_rng(1)
    scores = random.normal(size=300)
    own = 7

    totals, sizes = [], []
    for _ in range(4000):
        # A batch of positions: one asks for item 7, the others for what people ask for.
        others = random.choice(300, size=19, p=sampler.shares)
        found = sampler.draw(torch.tensor([own, *others]), random=random)
        weights = np.where(found.items == own, 0, -found.log_probability)
        totals.append(np.exp(scores[found.items] + weights).sum())
        sizes.append(len(found.items))

    spread = np.std(totals) / math.sqrt(len(totals))
    assert np.mean(totals) == pytest.approx(np.exp(scores).sum(), abs=4 * spread)
    assert 60 < np.mean(sizes) < 80


def test_candidates_hold_every_target():
    sampler = losses.CandidateSampler(np.ones(50, np.int64), count=5)
    targets = torch.tensor([3, 49, 3, 0])

    found = sampler.draw(targets, random=np.random.default_rng(0))

    assert found.items.tolist() == sorted(set(found.items.tolist()))
    assert torch.equal(found.items[found.places_of(targets)], targets)
    assert (found.log_probability <= 0).all()


@pytest.mark.parametrize("count", [1, 5, 29])
def test_expected_number_of_drawn_candidates_is_what_was_asked_for(count):
    counts = np.array([10_000, 500, 3, *[1] * 20, *[0] * 7])

    sampler = losses.CandidateSampler(counts, count=count)

    assert sampler.probability.sum() == pytest.approx(count)
    assert sampler.probability.max() <= 1


def test_loss_of_bfloat16_keeps_its_gradients_type():
    hidden, items = (torch.randn(5, 4, dtype=torch.bfloat16).requires_grad_() for _ in range(2))
    bias = torch.zeros(5, dtype=torch.bfloat16, requires_grad=True)

    loss = losses.softmax_cross_entropy(
        hidden=hidden, items=items, bias=bias, targets=torch.arange(5)
    )
    loss.backward()

    assert loss.dtype == torch.float32
    assert {part.grad.dtype for part in (hidden, items, bias)} == {torch.bfloat16}
