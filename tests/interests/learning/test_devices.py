import pytest
import structlog
import torch

from interests.learning import devices, preparation, sequences
from interests.learning.config import TrainingConfig
from interests.learning.distributed import ALONE
from interests.learning.learner import Learner
from tests.interests.learning.logs import chain

CONFIG = TrainingConfig(width=8, max_length=8, dropout=0.0, own_dropout=0.0)
CPU = torch.device("cpu")


def losses_and_weights(backend: str | None) -> tuple[list[float], torch.Tensor]:
    """Make steps over windows of different lengths."""
    prepared = preparation.prepare(chain(num_users=9), config=CONFIG)
    own = prepared.histories
    torch.manual_seed(0)
    learner = Learner(prepared, CONFIG, device=CPU, backend=backend)
    losses = []
    for step, length in enumerate((4, 6, 3, 7)):
        first = own.offsets[:-1]
        windows = sequences.Windows(first, first * 0 + length)
        asked = sequences.targets(own, windows)
        part = sequences.batch(own, windows, device=CPU)
        loss = learner.loss(part, asked, asked_of_all=asked.items, seed=(step,))
        losses.append(learner.learn(loss, step=step, ranks=ALONE).item())
    return losses, learner.network.items.weight.detach()


# Inductor's own code generation needs a C compiler; this traces forward and backward as it does.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # of torch's own looking
def test_compiled_encoder_learns_the_same_at_any_length():
    torch._dynamo.reset()  # what other tests have compiled
    num_graphs = []

    def count(graph, inputs):
        num_graphs.append(1)
        return torch._dynamo.backends.debugging.aot_eager(graph, inputs)

    expected, weights = losses_and_weights(None)

    found, compiled = losses_and_weights(count)

    assert found == pytest.approx(expected, rel=1e-3)
    torch.testing.assert_close(compiled, weights, rtol=1e-2, atol=1e-4)
    assert len(num_graphs) in (1, 2)  # the trial's may serve all


def test_encoder_that_cannot_be_compiled_is_left_as_it_is():
    def refuse(graph, inputs):
        raise OSError("no C compiler")

    expected, weights = losses_and_weights(None)

    with structlog.testing.capture_logs() as said:
        found, same = losses_and_weights(refuse)

    assert found == expected
    assert torch.equal(same, weights)
    assert [line["event"] for line in said] == ["not_compiled"]


def test_only_gpus_are_worth_a_compiler():
    assert devices.compiler(torch.device("cuda")) == "inductor"
    assert devices.compiler(CPU) is None


def test_name_says_how_many_there_are():
    assert devices.name(CPU).startswith("CPU (")
    assert devices.name(CPU, count=3) == f"3 x {devices.name(CPU)}"
