import dataclasses
import math

import numpy as np
import pytest
import torch

from interests.learning import progress, trainer
from interests.learning.config import TrainingConfig
from interests.learning.preparation import TooFewEvents
from tests.interests.learning.logs import chain, log_of

SHORT = TrainingConfig(
    width=8, num_heads=2, max_length=6, dropout=0.3, tokens_per_batch=64, max_epochs=3,
    checkpoint_seconds=0.0, warmup_steps=4,
)  # fmt: skip
CPU = torch.device("cpu")


def test_fit_learns_what_comes_next(trained):
    curves = trained.results["curves"]

    assert curves["loss"][-1] < 1.0 < math.log(12) - 0.5 < curves["loss"][0] + 0.5
    assert trained.results["validation"] == {"ndcg@10": 1.0, "recall@10": 1.0}
    assert {len(values) for values in curves.values()} == {len(curves["loss"])}


def test_fit_runs_on_each_device(device):
    found = trainer.fit(chain(), config=SHORT, device=device)

    assert len(found.results["curves"]["loss"]) == 3
    assert found.network.item_bias.device.type == device.type


def test_fit_twice_with_one_seed_is_equal_and_with_another_is_not():
    first, again = (trainer.fit(chain(), config=SHORT, device=CPU) for _ in range(2))
    other = trainer.fit(chain(), config=dataclasses.replace(SHORT, seed=1), device=CPU)

    assert first.results["curves"] == again.results["curves"]
    assert first.results["curves"]["loss"] != other.results["curves"]["loss"]


def test_fit_leaves_the_random_state_of_others_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)

    torch.manual_seed(7)
    trainer.fit(chain(num_users=5), config=SHORT, device=CPU)

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("stop_after", [1, 4, 11])
def test_resumed_training_has_the_losses_of_an_uninterrupted_one(tmp_path, stop_after):
    whole = trainer.fit(chain(), config=SHORT, device=CPU)
    asked = iter(range(1, 1000))

    with pytest.raises(trainer.TrainingStopped):
        trainer.fit(
            chain(), config=SHORT, directory=tmp_path, device=CPU,
            is_stopped=lambda: next(asked) == stop_after,
        )  # fmt: skip
    resumed = trainer.fit(chain(), config=SHORT, directory=tmp_path, device=CPU)

    assert resumed.results["curves"] == whole.results["curves"]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


TWO = dataclasses.replace(SHORT, num_members=2, max_epochs=2)


def test_members_are_trained_from_seeds_of_their_own_and_averaged():
    found = trainer.fit(chain(), config=TWO, device=CPU)

    first, second = found.network.members
    alone = trainer.fit(chain(), config=dataclasses.replace(TWO, num_members=1), device=CPU)
    assert [member["seed"] for member in found.results["members"]] == [0, 1]
    assert not torch.equal(first.items.weight, second.items.weight)
    assert torch.equal(first.items.weight, alone.network.items.weight)
    events = [
        torch.tensor([[1, 2, 3]]),
        torch.ones(1, 3, dtype=torch.int64),
        torch.ones(1, 3).long(),
    ]
    with torch.no_grad():
        scores = [network.scores(network(*events)) for network in (found.network, first, second)]
    torch.testing.assert_close(scores[0], (scores[1] + scores[2]) / 2)


@pytest.mark.parametrize("stop_after", [2, 12, 30])
def test_training_of_members_resumes_in_any_of_them(tmp_path, stop_after):
    whole = trainer.fit(chain(), config=TWO, device=CPU)
    asked = iter(range(1, 1000))

    with pytest.raises(trainer.TrainingStopped):
        trainer.fit(
            chain(), config=TWO, directory=tmp_path, device=CPU,
            is_stopped=lambda: next(asked) == stop_after,
        )  # fmt: skip
    resumed = trainer.fit(chain(), config=TWO, directory=tmp_path, device=CPU)

    assert resumed.results["members"] == whole.results["members"]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


def test_no_member_is_begun_without_the_time_of_those_before():
    config = dataclasses.replace(TWO, max_seconds=1e-6)

    found = trainer.fit(chain(), config=config, device=CPU)

    assert (found.num_members, len(found.results["members"])) == (1, 1)


def test_training_that_was_killed_after_its_last_pass_resumes_to_the_same_end(tmp_path):
    first = trainer.fit(chain(), config=SHORT, directory=tmp_path, device=CPU)
    told = []

    again = trainer.fit(chain(), config=SHORT, directory=tmp_path, device=CPU, report=told.append)

    assert again.results["curves"] == first.results["curves"]
    assert told == []


def test_checkpoint_of_other_data_or_damaged_is_not_taken_up(tmp_path):
    fresh = trainer.fit(chain(seed=1), config=SHORT, device=CPU)
    trainer.fit(chain(seed=0), config=SHORT, directory=tmp_path, device=CPU)
    other_data = trainer.fit(chain(seed=1), config=SHORT, directory=tmp_path, device=CPU)
    path = tmp_path / progress.FILE
    path.write_bytes(path.read_bytes()[:-100])
    damaged = trainer.fit(chain(seed=1), config=SHORT, directory=tmp_path, device=CPU)

    assert other_data.results["curves"] == fresh.results["curves"]
    assert damaged.results["curves"] == fresh.results["curves"]


def test_report_says_how_far_it_is():
    told = []

    trainer.fit(chain(), config=SHORT, device=CPU, report=told.append)

    shares = [now.share_done for now in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[0].step == "Pass 1 over the events"
    assert len(told[-1].curves["loss"]) == 3


def test_steps_get_smaller_and_training_ends_when_validation_no_longer_gets_better():
    # Items at random: nothing to learn, so no pass is better than a lucky one.
    random = np.random.default_rng(0)
    log = log_of([random.permutation(40)[:10].tolist() for _ in range(40)], num_items=40)
    config = dataclasses.replace(SHORT, max_epochs=50, patience=2)

    results = trainer.fit(log, config=config, device=CPU).results

    cooled_at, ndcg = results["members"][0]["cooled_at"], results["curves"]["ndcg@10"]
    assert int(np.argmax(ndcg[:cooled_at])) == cooled_at - 1 - 2
    # Half the patience is left for small steps.
    last_gain = max(results["best_epoch"], cooled_at - 1)
    assert len(ndcg) == last_gain + 1 + 1
    assert max(ndcg) == ndcg[results["best_epoch"]] == results["validation"]["ndcg@10"]


def test_small_steps_begin_at_the_best_pass_and_are_cooler():
    kept = dataclasses.replace(SHORT, max_epochs=5, learning_rate=0.02)
    warm, cool = (
        trainer.fit(chain(), config=dataclasses.replace(kept, cooling=cooling), device=CPU)
        for cooling in (1.0, 0.01)
    )

    assert warm.results["members"][0]["cooled_at"] == 4  # the last fifth of five passes
    assert warm.results["curves"]["loss"][:4] == cool.results["curves"]["loss"][:4]
    assert warm.results["curves"]["loss"][4] != cool.results["curves"]["loss"][4]


def test_training_begins_no_pass_after_its_time():
    config = dataclasses.replace(SHORT, max_epochs=1000, patience=1000, max_seconds=1e-6)

    assert len(trainer.fit(chain(), config=config, device=CPU).results["curves"]["loss"]) == 1


def test_loss_that_is_no_number_is_refused():
    config = dataclasses.replace(SHORT, learning_rate=1e30, warmup_steps=1, max_epochs=20)

    with pytest.raises(trainer.TrainingDiverged, match=r"Lower learning_rate \(now 1e\+30\)"):
        trainer.fit(chain(), config=config, device=CPU)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (log_of([], num_items=0), "at least 2 different items; there are 0"),
        (log_of([[0, 0], [0]], num_items=5), "at least 2 different items; there are 1"),
        (log_of([[0], [1], [2]], num_items=3), "nobody has two events"),
        (log_of([[0, 1], [1]], num_items=2, kinds=[[0, 1], [0]]), "nobody has two events"),
    ],
)
def test_too_few_events_are_refused_with_what_is_missing(log, words):
    with pytest.raises(TooFewEvents, match=words):
        trainer.fit(log, config=SHORT, device=CPU)


def test_two_events_of_one_person_are_enough():
    results = trainer.fit(log_of([[0, 1]], num_items=2), config=SHORT, device=CPU).results

    assert results["validation"] == {}
    assert results["best_epoch"] == 2
    assert len(results["curves"]["loss"]) == 3


def test_full_disk_is_an_os_error_and_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    trainer.fit(chain(), config=SHORT, directory=tmp_path, device=CPU)
    before = (tmp_path / progress.FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("interests.learning.storage.os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        trainer.fit(chain(seed=3), config=SHORT, directory=tmp_path, device=CPU)

    assert caught.value.filename == str(tmp_path / progress.FILE)
    assert [path.name for path in tmp_path.iterdir()] == [progress.FILE]
    assert (tmp_path / progress.FILE).read_bytes() == before
