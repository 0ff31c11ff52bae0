import dataclasses

import torch

from interests.learning import trainer
from interests.learning.config import TrainingConfig
from interests.learning.networks.bidirectional_network import BidirectionalNetwork
from interests.learning.networks.building import build
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.sequences import HIDDEN
from tests.interests.learning.logs import chain
from tests.interests.learning.test_interest_network import CONFIG, inputs


def network(device: torch.device, **changes) -> BidirectionalNetwork:
    torch.manual_seed(0)
    config = dataclasses.replace(CONFIG, encoder="bidirectional", **changes)
    found = build(num_items=9, num_kinds=3, config=config).to(device).eval()
    assert isinstance(found, BidirectionalNetwork)
    return found


def states(found: BidirectionalNetwork, whole: list[torch.Tensor]) -> torch.Tensor:
    items, kinds, gaps = whole
    return found.encode(found.looked_up(items), items, kinds, gaps)


def test_settings_ask_for_the_network():
    usual = build(num_items=9, num_kinds=3, config=CONFIG)

    assert type(usual) is InterestNetwork


def test_a_masked_event_is_told_from_both_sides(device):
    found, whole = network(device), inputs(device, rows=1)
    whole[0][0, 3] = HIDDEN
    before = states(found, whole)[0, 2]  # of the place after the third event

    for place in (0, 6):
        changed = whole[0].clone()
        changed[0, place] = changed[0, place] % 8 + 1
        after = states(found, [changed, *whole[1:]])[0, 2]
        assert not torch.allclose(after, before, atol=1e-6), place


def test_nothing_is_known_of_a_masked_event(device):
    found, whole = network(device), inputs(device, rows=1)
    whole[0][0, 3] = HIDDEN
    changed = [part.clone() for part in whole]
    changed[1][0, 3], changed[2][0, 3] = 3 - changed[1][0, 3], changed[2][0, 3] + 1

    torch.testing.assert_close(states(found, changed), states(found, whole))


def test_state_at_the_end_is_that_of_a_history_that_is_asked_what_comes_next(device):
    found, whole = network(device), inputs(device, rows=2)
    whole[0][1, 4:] = 0
    lengths = torch.tensor([7, 4], device=device)

    ends = states(found, whole)[torch.arange(2), lengths - 1]

    torch.testing.assert_close(ends, found.last(*whole, lengths))


def test_padding_is_not_looked_at(device):
    found, whole = network(device), inputs(device, rows=1)
    short = [part[:, :4] for part in whole]
    padded = [part.clone() for part in whole]
    padded[0][:, 4:] = 0

    torch.testing.assert_close(states(found, padded)[:, :4], states(found, short))


def test_fine_tuning_asks_for_the_end_alone_and_goes_on_from_the_best_pass(monkeypatch):
    asked = []
    config = TrainingConfig(
        width=8, max_length=6, encoder="bidirectional", max_epochs=5, hidden_share=0.8
    )
    step = trainer._Training._step

    def noting(self, part):
        asked.append((self.standing.epoch, len(part.asked.items), len(part.windows.starts)))
        step(self, part)

    monkeypatch.setattr(trainer._Training, "_step", noting)
    found = trainer.fit(chain(), config=config, device=torch.device("cpu"))

    assert found.results["members"][0]["cooled_at"] == 4
    assert [epoch for epoch, num_asked, num_windows in asked if num_asked > 2 * num_windows]
    assert {num_asked <= num_windows for epoch, num_asked, num_windows in asked if epoch == 4} == {
        True
    }
    assert {num_asked > num_windows for epoch, num_asked, num_windows in asked if epoch < 4} == {
        True
    }
