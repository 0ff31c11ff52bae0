"""The loss over a large catalogue, in a process of its own whose memory is counted."""

import json
import subprocess
import sys

import pytest
import torch

from interests.learning.config import TrainingConfig
from interests.learning.losses import CandidateSampler
from tests.interests.learning.logs import log_of

NUM_ITEMS, WIDTH, NUM_POSITIONS = 200_000, 8, 2_000
# Peak memory of a loss and its backward pass, beyond what was there before, in bytes.
MEASURE = f"""
import json, resource, sys
import numpy as np, torch
from interests.learning.losses import CandidateSampler, softmax_cross_entropy
torch.set_num_threads(1)
count = int(sys.argv[1])
hidden = torch.randn({NUM_POSITIONS}, {WIDTH}, requires_grad=True)
items = torch.randn({NUM_ITEMS}, {WIDTH}, requires_grad=True)
bias = torch.zeros({NUM_ITEMS}, requires_grad=True)
targets = torch.arange({NUM_POSITIONS})
sampler = CandidateSampler(np.ones({NUM_ITEMS}, np.int64), count=count) if count else None
def step():
    if sampler is None:
        return softmax_cross_entropy(hidden=hidden, items=items, bias=bias, targets=targets)
    drawn = sampler.draw(targets, random=np.random.default_rng(0))
    return softmax_cross_entropy(
        hidden=hidden, items=items[drawn.items], bias=bias[drawn.items] - drawn.log_probability,
        targets=drawn.places_of(targets), own_bias=drawn.log_probability,
    )
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
step().backward()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps((after - before) * 1024))
"""


def peak(num_candidates: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(num_candidates)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("num_candidates", [0, 4096])
def test_loss_never_holds_all_positions_times_all_items(num_candidates):
    whole_matrix = NUM_POSITIONS * NUM_ITEMS * 4  # 1.6 GB

    assert peak(num_candidates) < whole_matrix / 10


def test_large_catalogues_get_candidates_that_bound_the_loss():
    log = log_of([[item, item + 1] for item in range(0, 40_000, 2)], num_items=40_000)

    config = TrainingConfig.for_data(log)

    assert 0 < config.num_candidates < 40_000 / 2
    sampler = CandidateSampler(torch.ones(40_000).long().numpy(), count=config.num_candidates)
    assert sampler.probability.sum() == pytest.approx(config.num_candidates)
