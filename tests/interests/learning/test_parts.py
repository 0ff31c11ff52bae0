import pytest
import torch
from torch import nn
from torch.nn import functional

from interests.learning.networks import parts


def gradients(found: torch.Tensor, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    outer = torch.randn(found.shape, generator=torch.Generator().manual_seed(1)).to(found.device)
    return torch.autograd.grad(found, inputs, outer)


@pytest.mark.parametrize("shape", [(5, 8), (3, 4, 8)])
def test_norm_and_its_gradients_are_those_of_torch(device, shape):
    torch.manual_seed(0)
    hidden = torch.randn(shape, device=device, requires_grad=True)
    own, expected = parts.RootMeanSquareNorm(8).to(device), nn.RMSNorm(8).to(device)
    with torch.no_grad():
        own.weight.copy_(torch.linspace(0.5, 2, 8))
    expected.load_state_dict(own.state_dict())

    found, wanted = own(hidden), expected(hidden)

    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        gradients(found, [hidden, own.weight]), gradients(wanted, [hidden, expected.weight])
    )


def test_normalised_vectors_and_their_gradients_are_those_of_torch(device):
    torch.manual_seed(0)
    hidden = torch.randn(3, 4, 8, device=device, requires_grad=True)

    found, wanted = parts.normalised(hidden, length=5.0), 5 * functional.normalize(hidden, dim=-1)

    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(gradients(found, [hidden]), gradients(wanted, [hidden]))


def test_a_vector_of_zeros_has_no_direction_and_is_no_nan(device):
    hidden = torch.zeros(2, 8, device=device, requires_grad=True)

    found = parts.normalised(hidden, length=5.0)

    torch.testing.assert_close(found, torch.zeros_like(hidden))
    assert torch.isfinite(gradients(found, [hidden])[0]).all()
