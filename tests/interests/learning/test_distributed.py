import pytest
import torch

from interests.learning import devices, distributed
from tests.interests.learning import together

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What two processes found that trained together."""
    return together.start("train_all", tmp_path_factory.mktemp("together"), size=2)


@pytest.mark.parametrize("name", list(together.CONFIGS))
def test_two_processes_learn_what_one_learns_from_the_same_batches(found, name, monkeypatch):
    monkeypatch.setattr(devices, "is_bfloat16_faster", lambda device: False)

    alone = together.fit(together.CONFIGS[name])

    first = found[0][name]
    assert first["curves"]["loss"] == pytest.approx(alone["curves"]["loss"], rel=1e-5)
    assert first["curves"]["ndcg@10"] == pytest.approx(alone["curves"]["ndcg@10"], abs=1e-6)
    assert len(first["members"]) == together.CONFIGS[name].num_members
    assert first["validation"] == pytest.approx(alone["validation"], abs=1e-6)
    for key, weights in alone["weights"].items():
        torch.testing.assert_close(first["weights"][key], weights, rtol=1e-3, atol=1e-4)


def test_all_processes_end_with_one_network(found):
    names = [*together.CONFIGS, "dropping", "resumed"]

    for name in names:
        first, second = (each[name] for each in found)
        assert first["members"] == second["members"]
        for key, weights in first["weights"].items():
            assert torch.equal(weights, second["weights"][key]), (name, key)
    assert found[0]["whole"]["device"] == found[1]["whole"]["device"]
    assert found[0]["whole"]["device"].startswith("2 x CPU")


def test_resumed_processes_go_on_as_if_never_interrupted(found):
    whole, resumed = found[0]["dropping"], found[0]["resumed"]

    assert found[0]["stopped"] == "TrainingStopped: Stopped in pass 1."
    assert found[1]["stopped"] == (
        "RankFailed: Process 0 of this training has ended. TrainingStopped: Stopped in pass 1."
    )
    assert resumed["resumed_in_passes"] == [1]
    assert resumed["curves"] == whole["curves"]
    for key, weights in whole["weights"].items():
        assert torch.equal(resumed["weights"][key], weights), key


def test_process_0_alone_tells_how_far_it_is(found):
    assert found[0]["told"] == sorted(found[0]["told"])
    assert found[0]["told"][-1] == 1.0
    assert found[1]["told"] == []


def test_killed_process_ends_the_training_of_all_others(tmp_path):
    first, second, killed = together.start("lose_one", tmp_path, size=3)

    assert killed == {}
    for each in (first, second):
        assert each["error"].startswith("RankFailed: Another process of this training has ended")
        assert each["error"].endswith("it goes on from its last checkpoint.")


def test_processes_with_other_events_do_not_train_together(tmp_path):
    first, second = together.start("differ", tmp_path, size=2)

    assert second["error"].startswith("CannotJoin: Process 1 has other events or settings")
    assert first["error"].startswith("RankFailed: Another process of this training has ended")
    # A thread that outlives the interpreter aborts the process now and then.
    assert (first["threads"], second["threads"]) == ([], [])


def test_process_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    with (
        pytest.raises(
            distributed.CannotJoin, match="there are 2. Start torchrun with --nproc-per-node=2"
        ),
        distributed.joined(),
    ):
        pass
