import torch

from interests.learning.config import TrainingConfig
from interests.learning.networks.interest_network import InterestNetwork

CONFIG = TrainingConfig(width=8, max_length=7)


def network_on(device: torch.device) -> InterestNetwork:
    torch.manual_seed(0)
    return InterestNetwork(num_items=9, num_kinds=2, config=CONFIG).to(device).eval()


def inputs(device: torch.device, rows: int = 2, length: int = 7) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tops = (9, 2, 20)
    return [torch.randint(1, top, (rows, length), generator=generator).to(device) for top in tops]


def test_hidden_states_do_not_look_ahead(device):
    network, whole = network_on(device), inputs(device)

    hidden = network(*whole)
    early = network(*(part[:, :4] for part in whole))

    torch.testing.assert_close(hidden[:, :4], early)


def test_padding_changes_nothing_before_it(device):
    network, whole = network_on(device), inputs(device)
    padded = [torch.nn.functional.pad(part[:, :4], (0, 3)) for part in whole]

    torch.testing.assert_close(network(*padded)[:, :4], network(*whole)[:, :4])


def test_items_kinds_and_gaps_all_count(device):
    network, whole = network_on(device), inputs(device)
    before = network(*whole)

    for number in range(3):
        changed = [part.clone() for part in whole]
        changed[number][:, 2] = changed[number][:, 2] % 2 + 1 + (number == 0) * 5
        if torch.equal(changed[number], whole[number]):
            changed[number][:, 2] += 1
        assert not torch.allclose(network(*changed)[:, 2], before[:, 2]), number


def test_scores_are_products_with_the_embeddings_and_a_bias(device):
    network = network_on(device)
    hidden = torch.ones(3, 8, device=device)

    scores = network.scores(hidden)

    expected = network.items.weight[1:].sum(1) + network.item_bias
    torch.testing.assert_close(scores, expected.expand(3, 9))
