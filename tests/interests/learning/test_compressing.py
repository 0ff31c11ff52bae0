import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from interests.datasets.log import Catalogue
from interests.learning import checkpoints, compressing, scoring, trainer
from interests.learning.networks.int8 import Int8Embedding, Int8Linear, Int8Rows
from tests.interests.learning.logs import chain

CPU = torch.device("cpu")
USERS = np.arange(5)


def test_rows_are_whole_numbers_of_their_largest(device):
    rows = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]], device=device)

    found = Int8Rows.of(rows)

    # 127 / 2 times 1 and 0.5 are 63.5 and 31.75.
    assert found.numbers.tolist() == [[64, -127, 32], [0, 0, 0]]
    torch.testing.assert_close(
        found.floats(), torch.tensor([[128 / 127, -2, 64 / 127], [0, 0, 0]], device=device)
    )


def test_layers_of_eight_bits_are_near_those_they_replace():
    torch.manual_seed(0)
    layer, table, hidden = nn.Linear(32, 16), nn.Embedding(9, 32), torch.randn(2, 5, 32)

    linear, embedding = Int8Linear(layer), Int8Embedding(table)

    torch.testing.assert_close(linear(hidden), layer(hidden), atol=0.03, rtol=0)
    places = torch.tensor([[0, 8], [3, 3]])
    torch.testing.assert_close(embedding(places), table(places), atol=0.015, rtol=0)
    assert embedding.num_embeddings == 9


def test_quantised_network_places_new_items_nearly_where_the_whole_one_does(trained):
    new = Catalogue.build(
        item_ids=[*trained.item_ids, "new"], categories=[["low"]] * 6 + [["high"]] * 6 + [["low"]]
    )
    expected = trained.grown(new).network.items.weight

    found = compressing.quantised(trained).grown(new).network.items.weight

    assert len(found) == 13
    torch.testing.assert_close(found, expected, atol=0.01 * expected.abs().max().item(), rtol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"encoder": "gru"},
        {"encoder": "bidirectional"},
        {"num_interests": 2},
        {"num_members": 2},
    ],
    ids=str,
)
def test_quantised_network_scores_nearly_the_same_and_is_loaded_as_it_was_saved(
    changes, small_config, tmp_path
):
    config = dataclasses.replace(small_config, max_epochs=3, **changes)
    trained = trainer.fit(chain(), config=config, device=CPU)
    before = scoring.scores(trained, chain(), users=USERS)

    small = compressing.quantised(trained)
    checkpoints.save(small, tmp_path)

    scores = scoring.scores(small, chain(), users=USERS)
    spread = before.max(1) - before.min(1)
    assert (np.abs(scores - before).max(1) < 0.05 * spread).all()
    loaded = checkpoints.load(tmp_path)
    np.testing.assert_array_equal(scoring.scores(loaded, chain(), users=USERS), scores)
    assert not any(isinstance(module, nn.Linear) for module in loaded.network.modules())
    np.testing.assert_array_equal(scoring.scores(trained, chain(), users=USERS), before)


def test_pruned_network_lacks_the_smallest_weights_of_each_matrix(trained):
    before = {name: weights.clone() for name, weights in trained.network.named_parameters()}

    found = compressing.pruned(trained, share=0.5)

    own = dict(found.network.named_parameters())
    assert own.keys() == before.keys()
    for name, weights in own.items():
        is_kept = weights != 0
        if weights.ndim < 2:
            torch.testing.assert_close(weights, before[name])
            continue
        assert int(is_kept.sum()) == weights.numel() - round(0.5 * weights.numel()), name
        torch.testing.assert_close(weights[is_kept], before[name][is_kept])
        assert before[name][is_kept].abs().min() >= before[name][~is_kept].abs().max()


def test_nothing_pruned_is_the_same_network(trained):
    found = compressing.pruned(trained, share=0.0)

    np.testing.assert_array_equal(
        scoring.scores(found, chain(), users=USERS), scoring.scores(trained, chain(), users=USERS)
    )
