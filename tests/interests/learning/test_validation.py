import math

import pytest
import torch

from interests.learning import preparation, validation
from interests.learning.config import TrainingConfig
from interests.learning.networks.interest_network import InterestNetwork
from tests.interests.learning.logs import log_of


def test_measure_of_a_network_whose_ranks_are_known(device):
    # Only the bias scores: item 4 first, item 0 last.
    log = log_of([[0, 1, 2], [0, 4, 3]] * 20, num_items=5)
    config = TrainingConfig(width=8, max_length=4, validation_users=40, temperature=0)
    prepared = preparation.prepare(log, config=config)
    network = InterestNetwork(num_items=5, num_kinds=2, config=config).to(device)
    torch.nn.init.zeros_(network.items.weight)
    network.item_bias.data = torch.arange(5.0, device=device)

    ranks = validation.target_ranks(network, prepared, device=device)
    measured = validation.measure(network, prepared, device=device)

    # Of people 0, 2, ...: items 3 and 4 come before 2. Of the others 4 was seen, so 3 is first.
    assert ranks.tolist() == [3 if user % 2 == 0 else 1 for user in prepared.validation_users]
    share = float((ranks == 1).mean())
    assert measured["recall@10"] == 1.0
    assert measured["ndcg@10"] == pytest.approx(share + (1 - share) / math.log2(4))


def test_ties_count_against_the_target():
    log = log_of([[0, 1, 2]] * 20, num_items=4)
    config = TrainingConfig(width=8, max_length=4, temperature=0)
    prepared = preparation.prepare(log, config=config)
    network = InterestNetwork(num_items=3, num_kinds=2, config=config)
    torch.nn.init.zeros_(network.items.weight)

    ranks = validation.target_ranks(network, prepared, device=torch.device("cpu"))

    assert set(ranks.tolist()) == {1}  # items 0 and 1 were seen: only the target is left
