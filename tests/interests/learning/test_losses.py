import math

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


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("chunk", [7, 20, 10_000])
def test_loss_and_gradients_equal_those_of_torch_for_any_chunk(
    device, monkeypatch, smoothing, chunk
):
    monkeypatch.setattr(losses, "CHUNK_LOGITS", chunk)
    generator = torch.Generator().manual_seed(0)
    shapes = [(9, 4), (7, 4), (7,)]
    parts = [
        torch.randn(shape, generator=generator).to(device).requires_grad_() for shape in shapes
    ]
    targets = torch.randint(0, 7, (9,), generator=generator).to(device)

    hidden, items, bias = parts
    own = losses.softmax_cross_entropy(
        hidden=hidden, items=items, bias=bias, targets=targets, label_smoothing=smoothing
    )
    own_gradients = torch.autograd.grad(3 * own, parts)
    expected = functional.cross_entropy(
        functional.linear(hidden, items, bias), targets, label_smoothing=smoothing
    )
    expected_gradients = torch.autograd.grad(3 * expected, parts)

    torch.testing.assert_close(own, expected)
    torch.testing.assert_close(own_gradients, expected_gradients)


def test_loss_of_bfloat16_keeps_its_gradients_type():
    hidden, items = (torch.randn(5, 4, dtype=torch.bfloat16).requires_grad_() for _ in range(2))
    bias = torch.zeros(5, dtype=torch.bfloat16, requires_grad=True)

    loss = losses.softmax_cross_entropy(
        hidden=hidden, items=items, bias=bias, targets=torch.arange(5)
    )
    loss.backward()

    assert loss.dtype == torch.float32
    assert {part.grad.dtype for part in (hidden, items, bias)} == {torch.bfloat16}
