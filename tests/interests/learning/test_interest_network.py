import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from interests.datasets.log import Catalogue
from interests.learning.config import TrainingConfig
from interests.learning.item_features import ItemFeatures
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.networks.parts import Dropout

CONFIG = TrainingConfig(width=8, max_length=7)
CATALOGUE = Catalogue.build(
    item_ids=list("abcdefghi"),
    titles=["red shoe", "red hat", "blue hat"] * 3,
    categories=[["shoes"], ["hats"], ["hats"]] * 3,
)


def network_on(device: torch.device, **changes) -> InterestNetwork:
    torch.manual_seed(0)
    config = TrainingConfig.from_dict(CONFIG.to_dict() | changes)
    return InterestNetwork(num_items=9, num_kinds=3, config=config).to(device).eval()


def network_with_features(**changes) -> InterestNetwork:
    torch.manual_seed(0)
    config = TrainingConfig.from_dict(CONFIG.to_dict() | changes)
    features = ItemFeatures.of_catalogue(CATALOGUE)
    network = InterestNetwork(
        num_items=9, num_kinds=3, config=config, num_features=len(features.names)
    )
    network.item_features = features
    return network


def inputs(device: torch.device, rows: int = 2, length: int = 7) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tops = (9, 2, 20)
    return [torch.randint(1, top, (rows, length), generator=generator).to(device) for top in tops]


def test_hidden_states_do_not_look_ahead(device):
    network, whole = network_on(device), inputs(device)

    hidden = network(*whole)
    early = network(*(part[:, :4] for part in whole))

    torch.testing.assert_close(hidden[:, :4], early)


@pytest.mark.parametrize("num_blocks", [1, 3])
def test_last_is_what_follows_the_last_event(device, num_blocks):
    network, whole = network_on(device, num_blocks=num_blocks), inputs(device, rows=4)
    lengths = torch.tensor([7, 1, 4, 7], device=device)

    last = network.last(*whole, lengths)

    torch.testing.assert_close(last, network(*whole)[torch.arange(4), lengths - 1])


def test_padding_changes_nothing_before_it(device):
    network, whole = network_on(device), inputs(device)
    padded = [functional.pad(part[:, :4], (0, 3)) for part in whole]

    torch.testing.assert_close(network(*padded)[:, :4], network(*whole)[:, :4])


@pytest.mark.parametrize("off", [None, "use_kinds", "use_gaps"])
def test_items_kinds_and_gaps_count_unless_switched_off(device, off):
    network, whole = network_on(device, **({off: False} if off else {})), inputs(device)
    before = network(*whole)

    for number, switch in enumerate(("use_items", "use_kinds", "use_gaps")):
        changed = [part.clone() for part in whole]
        changed[number][:, 2] = changed[number][:, 2] % 2 + 1 + (number == 0) * 5
        if torch.equal(changed[number], whole[number]):
            changed[number][:, 2] += 1
        is_same = torch.allclose(network(*changed)[:, 2], before[:, 2])
        assert is_same is (switch == off), switch


def test_without_positions_the_first_of_equal_events_is_like_the_second(device):
    same = [torch.ones(1, 2, dtype=torch.int64, device=device)] * 3

    for is_used in (True, False):
        hidden = network_on(device, use_positions=is_used)(*same)
        assert torch.allclose(hidden[0, 0], hidden[0, 1]) is not is_used


def test_scores_are_cosines_over_the_temperature_and_a_bias(device):
    network = network_on(device, temperature=0.1)
    with torch.no_grad():
        network.item_bias.copy_(torch.arange(9.0))
    hidden = network(*inputs(device))

    scores = network.scores(hidden)

    torch.testing.assert_close(hidden.norm(dim=-1), torch.full((2, 7), 10.0, device=device))
    cosines = functional.cosine_similarity(hidden[0, 3], network.items.weight)
    torch.testing.assert_close(scores[0, 3], 10 * cosines + network.item_bias)


def test_without_a_temperature_scores_are_products(device):
    network = network_on(device, temperature=0)
    hidden = torch.ones(3, 8, device=device)

    scores = network.scores(hidden)

    expected = network.items.weight.sum(1) + network.item_bias
    torch.testing.assert_close(scores, expected.expand(3, 9))


def test_vector_of_an_item_is_its_own_and_the_mean_of_its_features():
    network = network_with_features().eval()
    names = list(network.item_features.names)
    with torch.no_grad():
        rows = [names.index(name) for name in ("category:hats", "word:red", "word:hat")]
        expected = network.items.weight[1] + network.features.weight[rows].mean(0)

        torch.testing.assert_close(network.item_vectors()[1], expected)
        torch.testing.assert_close(network.item_vectors(torch.tensor([4, 1]))[1], expected)


def test_settled_network_scores_the_same_and_places_new_items_by_their_features():
    network = network_with_features().eval()
    names = list(network.item_features.names)
    whole = inputs(torch.device("cpu"))
    with torch.no_grad():
        network.item_bias.copy_(torch.arange(9.0) - 4)
        before = network.scores(network(*whole))
        network.settle()
        settled = network.scores(network(*whole))
        new = Catalogue.build(item_ids=["j"], titles=["a red hat"], categories=[["hats"]])
        network.grow(ItemFeatures.of_catalogue(new, names=names))
        grown = network.scores(network(*whole))

    torch.testing.assert_close(settled, before)
    torch.testing.assert_close(grown[..., :9], before)
    rows = [names.index(name) for name in ("category:hats", "word:hat", "word:red")]
    torch.testing.assert_close(network.items.weight[9], network.features.weight[rows].mean(0))
    assert network.item_bias[9] == -4


def test_own_embeddings_are_dropped_in_training_only():
    network = network_with_features(own_dropout=0.5).train()
    own = network.items.weight
    rest = network.item_vectors().detach() - own.detach()

    torch.manual_seed(3)
    vectors = network.item_vectors().detach()
    is_dropped = [
        not torch.allclose(vectors[item] - own[item], rest[item], atol=1e-6) for item in range(9)
    ]

    assert 0 < sum(is_dropped) < 9
    assert torch.allclose(network.eval().item_vectors(), network.item_vectors())


def test_dropout_drops_its_share_and_keeps_the_mean(device):
    torch.manual_seed(0)
    ones = torch.ones(200, 500, device=device, requires_grad=True)
    dropped = Dropout(0.3).to(device).train()(ones)
    dropped.sum().backward()

    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(dropped.detach().mean()) == pytest.approx(1, abs=0.01)
    # What went through forward comes back, and nothing else.
    torch.testing.assert_close(ones.grad, dropped.detach())
    assert torch.equal(Dropout(0.3).eval()(ones), ones)


def test_dropout_draws_new_masks_from_torchs_generator():
    layer, ones = Dropout(0.5).train(), torch.ones(64)
    torch.manual_seed(1)
    first, second = layer(ones), layer(ones)
    torch.manual_seed(1)

    assert torch.equal(layer(ones), first)
    assert not torch.equal(first, second)


def test_untrained_network_spreads_its_scores_evenly():
    network = network_on(torch.device("cpu"), temperature=0)
    shares = network.scores(network(*inputs(torch.device("cpu")))).softmax(-1).detach().numpy()

    assert np.abs(shares - 1 / 9).max() < 0.05
    assert math.isclose(shares[0, 0].sum(), 1, rel_tol=1e-5)
