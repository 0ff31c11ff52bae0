import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from interests.learning import checkpoints, progress, scoring
from interests.learning.distributed import RankFailed
from interests.models import Category, EndUser, Item, RunState, TrainingRun
from interests.selectors import events
from interests.services import running, training
from tests import factories, processes

NOW = factories.NOW
SMALL = {"width": 8, "max_length": 8, "max_epochs": 2, "tokens_per_batch": 64}


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> Path:
    settings.RECSITE_HOME = tmp_path
    return tmp_path


def population(*, num_users: int = 12, num_items: int = 10, length: int = 6) -> None:
    """Make people of whom each goes from item to item in order, a minute apart."""
    category = factories.category("all")
    items = [factories.item(f"i{number}", categories=(category,)) for number in range(num_items)]
    for user in range(num_users):
        person = factories.end_user(f"u{user}")
        for step in range(length):
            thing = items[(user + step) % num_items]
            factories.event(person, thing, occurred_at=NOW + timedelta(minutes=step))


def request(**changes) -> TrainingRun:
    return running.request(TrainingRun, now=timezone.now(), settings={**SMALL, **changes})


@pytest.mark.django_db
def test_train_leaves_a_run_that_is_done_with_weights_that_load(home):
    population()
    run = request()

    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt, run.error, run.share_done) == (RunState.DONE, 1, "", 1.0)
    assert (run.window_from, run.window_to) == (NOW, NOW + timedelta(minutes=5))
    results = run.results
    assert (results["num_events"], results["num_users"], results["num_items"]) == (72, 12, 10)
    assert [len(curve) for curve in results["curves"].values()] == [2, 2, 2]
    assert (results["settings"]["width"], results["settings"]["max_seconds"]) == (8, 240)
    assert results["validation"].keys() == {"ndcg@10", "recall@10"}
    assert results["device"].startswith(("CPU", "NVIDIA"))
    assert run.weights_path == f"networks/{run.pk}"
    assert not (home / run.weights_path / progress.FILE).exists()
    assert training.latest_done() == run
    network = training.load(run)
    assert network.item_ids.tolist() == [f"i{number}" for number in range(10)]
    assert network.results == results
    loaded = events.interaction_log()
    blocks = list(scoring.top_items(network, loaded.log, k=3))
    assert [users.tolist() for users, _, _ in blocks] == [list(range(12))]


@pytest.mark.django_db
def test_train_sorts_items_without_a_category_into_areas():
    population(num_items=48, num_users=48)
    Item.objects.first().categories.first().delete()
    run = request()

    training.train(run_id=run.pk)

    run.refresh_from_db()
    in_areas = Item.objects.filter(categories__is_learned=True)
    assert run.results["num_areas"] == Category.objects.filter(is_learned=True).count() == 4
    assert in_areas.distinct().count() == in_areas.count() == 48


@pytest.mark.django_db
def test_train_uses_only_events_up_to_its_window():
    population(length=4)
    run = request()
    TrainingRun.objects.filter(pk=run.pk).update(window_to=NOW + timedelta(minutes=1))

    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert run.results["num_events"] == 24
    assert run.window_to == NOW + timedelta(minutes=1)


@pytest.mark.django_db
def test_window_leaves_events_from_the_future_aside():
    population(length=3)
    person, thing = factories.end_user("early"), factories.item("i0b")
    factories.event(person, thing, occurred_at=timezone.now() + timedelta(days=365 * 900))
    run = request()

    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert run.window_to == NOW + timedelta(minutes=2)
    assert run.results["num_events"] == 36


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("length", "changes", "words"),
    [
        (0, {}, "A network needs events with at least 2 different items; there are 0."),
        (1, {}, "A network learns from what people did next, and nobody has two events"),
        (3, {"wide": 3}, "There is no setting 'wide'. There are: width"),
        (3, {"learning_rate": 1e30, "warmup_steps": 1, "max_epochs": 20}, "The loss became"),
    ],
)
def test_train_that_cannot_be_done_fails_with_its_reason(length, changes, words):
    population(length=length)
    run = request(**changes)

    with pytest.raises(running.CannotRun, match=words):
        training.train(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.error.startswith(words)
    assert training.latest_done() is None
    with pytest.raises(training.NotTrained, match=f"training {run.pk} is failed"):
        training.load(run)


@pytest.mark.django_db
def test_full_disk_fails_the_run_with_its_reason(home, monkeypatch):
    population()
    run = request()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("interests.learning.storage.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        training.train(run_id=run.pk)

    run.refresh_from_db()
    path = home / f"networks/{run.pk}" / progress.FILE
    assert run.error == f"The disk is full ({path}). Free some space and start again."
    assert list(path.parent.iterdir()) == []


@pytest.mark.django_db
def test_damaged_weights_are_refused(home):
    population()
    run = request()
    training.train(run_id=run.pk)
    run.refresh_from_db()
    weights = home / run.weights_path / checkpoints.WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1])

    with pytest.raises(checkpoints.DamagedWeights, match="is not the one that was saved"):
        training.load(run)


@pytest.mark.django_db
def test_stop_by_hand_is_heard_while_training(monkeypatch):
    population()
    run = request(max_epochs=10_000, patience=10_000)
    monkeypatch.setattr(training, "REPORT_SECONDS", 0.0)
    running_step = training.trainer._Training._step

    def step_and_ask(self, part):
        running.ask_to_stop(TrainingRun, run_id=run.pk, now=timezone.now())
        running_step(self, part)

    monkeypatch.setattr(training.trainer._Training, "_step", step_and_ask)
    with pytest.raises(running.RunStopped):
        training.train(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.STOPPED, "Stopped by hand.")


@pytest.mark.django_db
def test_let_go_keeps_a_checkpoint_from_which_the_next_goes_on(monkeypatch):
    population()
    whole, run = request(max_epochs=6), request(max_epochs=6)
    steps = []
    step = training.trainer._Training._step
    monkeypatch.setattr(
        training.trainer._Training, "_step", lambda own, part: (steps.append(1), step(own, part))
    )
    training.train(run_id=whole.pk)
    num_steps = len(steps)
    asked = iter(range(1, 1000))

    with pytest.raises(running.RunLetGo):
        training.train(run_id=run.pk, must_end=lambda: next(asked) == 4)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.WAITING, 0)
    # Arrives in between: not part of this training, so its checkpoint still fits.
    factories.event(factories.end_user("late"), factories.item("new"), occurred_at=NOW)
    training.train(run_id=run.pk)

    run.refresh_from_db()
    whole.refresh_from_db()
    assert (run.state, run.results["num_events"]) == (RunState.DONE, 72)
    assert run.results["curves"] == whole.results["curves"]
    assert len(steps) == 2 * num_steps


@pytest.mark.django_db
def test_checkpoints_of_ended_runs_are_removed(home):
    population()
    ended = factories.training_run()
    unfinished = request()
    for number in (ended.pk, unfinished.pk, 999_999):
        (home / f"networks/{number}").mkdir(parents=True)
        (home / f"networks/{number}" / progress.FILE).write_bytes(b"left")

    training.train(run_id=request().pk)

    left = sorted(int(path.parent.name) for path in home.glob(f"networks/*/{progress.FILE}"))
    assert left == [unfinished.pk]


@pytest.mark.django_db
def test_latest_done_is_the_newest_of_those_done():
    first = factories.training_run()
    last = factories.training_run(finished_at=NOW + timedelta(hours=1))
    factories.training_run(state=RunState.FAILED, finished_at=NOW + timedelta(hours=2))

    assert training.latest_done() == last
    assert first.pk < last.pk


@pytest.mark.django_db
def test_command_requests_a_run_and_says_how_it_went(capsys):
    population()

    call_command("train", "--set", "max_epochs=1", "--set", "width=8", "--seed", "4")

    run = TrainingRun.objects.get()
    assert (run.state, run.seed) == (RunState.DONE, 4)
    assert run.settings == {"max_epochs": 1, "width": 8}
    assert capsys.readouterr().out.startswith(
        f"training {run.pk} is done: 72 events of 12 end users, 1 passes in "
    )


@pytest.mark.django_db
def test_command_keeps_to_a_budget():
    population()

    call_command("train", "--budget", "5m", "--set", "max_epochs=1", "--set", "num_members=2")

    results = TrainingRun.objects.get().results
    assert (results["settings"]["max_seconds"], results["settings"]["num_members"]) == (300, 2)
    assert [member["seed"] for member in results["members"]] == [0, 1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--run", "77"], "There is no training run 77"),
        (["--set", "wide=3"], "There is no setting 'wide'"),
        (["--seed", "-1"], "--seed must be 0 or more"),
        (["--seed", str(2**31)], "--seed must be at most 2,147,483,647, not 2,147,483,648."),
        (["--run", "77", "--seed", "1"], "--set, --budget and --seed are for a new run"),
        (["--run", "77", "--budget", "10m"], "--set, --budget and --seed are for a new run"),
        ([], r"Training \d+ failed. A network needs events with at least 2 different items"),
    ],
)
def test_command_says_what_is_wrong(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("train", *arguments)


def wait_for(is_so, *, process=None, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert process is None or process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_training_killed_mid_way_resumes_at_its_checkpoint(home):
    population(num_users=30, num_items=20, length=12)
    run = request(max_epochs=40, patience=40, checkpoint_seconds=0)
    checkpoint = home / f"networks/{run.pk}" / progress.FILE
    short = {"RUN_LEASE_SECONDS": "4", "OMP_NUM_THREADS": "1"}

    def passes_kept() -> int:
        return progress.standing_of(checkpoint.parent).epoch if checkpoint.exists() else 0

    first = processes.start("manage.py", "train", "--run", str(run.pk), **short)
    with first:
        wait_for(lambda: passes_kept() >= 2, process=first)
        first.send_signal(signal.SIGKILL)
    kept = passes_kept()
    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.STARTED, 1)
    wait_for(lambda: _is_expired(run))
    with processes.start("manage.py", "train", "--run", str(run.pk), **short) as second:
        output, _ = second.communicate(timeout=240)

    run.refresh_from_db()
    assert (run.state, run.attempt, run.error) == (RunState.DONE, 2, ""), output
    assert 2 <= kept < 40
    assert len(run.results["curves"]["loss"]) == 40
    assert run.results["resumed_in_passes"] == [kept + 1]
    assert training.load(run).num_items == 20


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_torchrun_trains_a_run_in_two_processes(home):
    population()
    run = request()

    arguments = (
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "--",
        "manage.py",
    )
    with processes.start(*arguments, "train", "--run", str(run.pk)) as both:
        output, _ = both.communicate(timeout=240)

    run.refresh_from_db()
    assert (both.returncode, run.state, run.attempt) == (0, RunState.DONE, 1), output
    assert "2 x" in run.results["device"]
    assert output.count(f"training {run.pk} is done") == 1
    assert training.load(run).num_items == 10


@pytest.mark.django_db
def test_run_that_another_process_let_down_can_be_taken_up_at_once(monkeypatch):
    population()
    run = request()
    fit = training.trainer.fit

    def fail(*args, **kwargs):
        raise RankFailed("Another process of this training has ended.")

    monkeypatch.setattr(training.trainer, "fit", fail)
    with pytest.raises(running.RunInterrupted, match="Another process of this training"):
        training.train(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.STARTED, 1)
    assert run.step == "Another process of this training has ended."
    first = run.results["settings"]
    monkeypatch.setattr(training.trainer, "fit", fit)
    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.DONE, 2)
    assert run.results["settings"] == first


def _is_expired(run: TrainingRun) -> bool:
    run.refresh_from_db()
    return run.lease_expires_at < timezone.now()


@pytest.mark.django_db
def test_events_dated_ahead_of_the_clock_are_not_learned_from_by_any_attempt():
    population()
    person, thing = EndUser.objects.get(user_id="u0"), Item.objects.get(item_id="i9")
    factories.event(person, thing, occurred_at=datetime(9999, 1, 1, tzinfo=UTC))
    run = request()

    training.train(run_id=run.pk)

    run.refresh_from_db()
    assert run.results["num_events"] == 72
    assert run.window_to == NOW + timedelta(minutes=5)
    again = training._read_again(run)  # what another attempt would learn from
    assert again.log.num_events == 72
