import torch

from benchmarks import compression
from interests.learning import trainer
from interests.learning.config import TrainingConfig
from recommender.evaluation import splits
from tests.recommender.logs import drawn_log


def test_each_variant_is_measured_beside_the_first():
    log = drawn_log()
    config = TrainingConfig(width=32, max_length=16, max_epochs=1)
    network = trainer.fit(log, config=config, device=torch.device("cpu"))
    found = compression.variants(network)

    compression.measure(found, splits.leave_one_out(log).validation, rounds=1)

    lines = compression.table(found).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| as trained", "| eight bits", "| 30% pruned", "| 50% pruned", "| 70% pruned", "| 90% pruned",
        "| 50% pruned, eight bits",
    ]  # fmt: skip
    assert lines[2].endswith("+0.0000 ± 0.0000 |")
    first, eight, _, half, *_ = found
    assert eight.num_bytes < 0.5 * first.num_bytes
    assert half.num_bytes == first.num_bytes
    assert half.packed_bytes < 0.8 * first.packed_bytes
