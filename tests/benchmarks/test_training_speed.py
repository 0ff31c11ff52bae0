from __future__ import annotations

import subprocess

import pytest

from benchmarks import peer_environment, training_speed
from benchmarks.rectools_peer import WARM_UP_BATCHES, Stopwatch
from benchmarks.training_passes import PassClock, measure
from interests.learning.config import TrainingConfig
from interests.learning.progress import Progress
from tests.recommender.logs import drawn_log


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of the arguments --data --shape is required"),
        (["--shape", "movielens-1m", "--data", "."], "not allowed with argument"),
        (["--shape", "netflix"], "invalid choice: 'netflix'"),
        (["--data", "no-such-folder"], "no-such-folder is not a folder"),
        (["--data", ".", "--rounds", "0"], "must be 1 or more, not 0"),
        (["--data", ".", "--budget", "soon"], "must be a whole number, not 'soon'"),
        (["--data", ".", "--change", "width"], "'width' is not of the form name=value"),
    ],
)
def test_main_refuses_bad_arguments(arguments, said, capsys):
    with pytest.raises(SystemExit) as left:
        training_speed.main(arguments)

    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_main_refuses_a_setting_that_there_is_not(tmp_path, capsys):
    (tmp_path / "interactions.csv").write_text(
        "user_id,item_id,kind,occurred_at\nada,x,view,2026-01-01\nada,y,view,2026-01-02\n"
    )

    with pytest.raises(SystemExit) as left:
        training_speed.main(["--data", str(tmp_path), "--change", "depth=9"])

    assert left.value.code == 2
    assert "There is no setting 'depth'" in capsys.readouterr().err


def test_parse_change_reads_values_as_json_or_text():
    assert training_speed.parse_change("width=64,dropout=0.1,use_gaps=false,loss=full") == {
        "width": 64, "dropout": 0.1, "use_gaps": False, "loss": "full",
    }  # fmt: skip


def test_contenders_are_the_full_softmax_and_what_differs_from_it():
    assert training_speed.contenders([], automatic=TrainingConfig(), num_items=9) == {
        "Recsite, full softmax": {"num_candidates": 0}
    }
    assert training_speed.contenders(
        [{"num_heads": 4}], automatic=TrainingConfig(num_candidates=8), num_items=9
    ) == {
        "Recsite, full softmax": {"num_candidates": 0},
        "Recsite, automatic loss": {"num_candidates": 8},
        "Recsite, num_heads=4": {"num_candidates": 0, "num_heads": 4},
    }


def test_contenders_know_that_candidates_for_all_items_are_the_full_softmax():
    found = training_speed.contenders([], automatic=TrainingConfig(num_candidates=9), num_items=9)

    assert list(found) == ["Recsite, full softmax"]


def test_stopwatch_leaves_the_warm_up_out_and_stops_when_the_time_is_up():
    stopwatch = Stopwatch(batches_wanted=100, budget_seconds=5)

    answers = [stopwatch.tick(now) for now in (40, 60, 70, 72, 74, 76)]

    assert WARM_UP_BATCHES == 3
    assert answers == [False] * 5 + [True]
    assert (stopwatch.batches, stopwatch.seconds) == (3, 6)


def test_stopwatch_stops_after_enough_batches():
    stopwatch = Stopwatch(batches_wanted=2, budget_seconds=1000)

    answers = [stopwatch.tick(now) for now in (1, 2, 3, 4, 5)]

    assert answers == [False] * 4 + [True]


def test_pass_clock_leaves_the_first_pass_out():
    clock = PassClock()
    clock.ends = [2.0, 5.0, 9.5]

    assert clock.seconds() == [3.0, 4.5]


def test_pass_clock_notes_each_pass_once():
    clock = PassClock()

    for number in (0, 0, 1, 1, 2, 2):
        clock(Progress("", 0.0, {"loss": [1.0] * number}))

    assert len(clock.ends) == 2


def test_measure_times_all_passes_but_the_first():
    changes = {"width": 8, "num_blocks": 1, "max_length": 16, "max_epochs": 3, "patience": 3,
               "validation_users": 1}  # fmt: skip

    found = measure(drawn_log(), changes)

    assert len(found["seconds"]) == 2
    assert {name: found["settings"][name] for name in changes} == changes
    assert found["parameters"] > 8 * 40


def test_environment_is_kept_and_another_for_other_pins(tmp_path, monkeypatch):
    place = peer_environment.folder(tmp_path)
    place.mkdir()
    (place / peer_environment.READY).touch()

    assert peer_environment.python(tmp_path) == place / "bin" / "python"

    monkeypatch.setattr(peer_environment, "RECTOOLS", ("RecTools[torch]==0.20.0",))
    assert peer_environment.folder(tmp_path) != place


def test_environment_says_why_it_cannot_be_made(tmp_path, monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="no index\n")

    monkeypatch.setattr(peer_environment.subprocess, "run", fail)

    with pytest.raises(peer_environment.CannotInstall, match="needs venv .*\nno index"):
        peer_environment.python(tmp_path)

    assert not (peer_environment.folder(tmp_path) / peer_environment.READY).exists()
