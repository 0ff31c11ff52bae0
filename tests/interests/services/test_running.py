from datetime import timedelta

import pytest
from django.utils import timezone

from interests.models import ImportRun, RunState, TrainingRun
from interests.services import running
from tests import processes


@pytest.fixture
def run(db) -> ImportRun:
    return running.request(ImportRun, now=timezone.now(), source="somewhere")


def state_of(run) -> tuple[str, int, str]:
    run.refresh_from_db()
    return run.state, run.attempt, run.error


def let_expire(run) -> None:
    type(run).objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(hours=1))


def test_held_block_that_ends_without_a_word_is_done(run):
    with running.held(ImportRun, run_id=run.pk) as hold:
        hold.report("half way", 0.5, results={"rows": 3})

    assert state_of(run) == (RunState.DONE, 1, "")
    assert (run.share_done, run.step, run.results) == (1.0, "", {"rows": 3})
    assert run.lease_expires_at is None
    assert run.finished_at is not None


def test_held_by_one_is_refused_to_another(run):
    hold = running.claim(ImportRun, run_id=run.pk, now=timezone.now())

    with (
        pytest.raises(running.RunNotClaimed, match=f"import {run.pk} is held or has ended"),
        running.held(ImportRun, run_id=run.pk),
    ):
        pass

    hold.release()
    assert state_of(run) == (RunState.STARTED, 1, "")


def test_ended_run_is_refused(run):
    with running.held(ImportRun, run_id=run.pk):
        pass

    with pytest.raises(running.RunNotClaimed):
        running.claim(ImportRun, run_id=run.pk, now=timezone.now())


def test_expired_lease_is_taken_over_and_the_first_holder_writes_no_more(run):
    first = running.claim(ImportRun, run_id=run.pk, now=timezone.now())
    let_expire(run)
    second = running.claim(ImportRun, run_id=run.pk, now=timezone.now())

    with pytest.raises(running.RunOvertaken):
        first.report("still here", 0.9)
    with pytest.raises(running.RunOvertaken):
        first.end(RunState.DONE)

    second.end(RunState.DONE, results={"by": "second"})
    first.release()
    second.release()
    assert state_of(run) == (RunState.DONE, 2, "")
    assert run.results == {"by": "second"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (running.CannotRun("No file there. Name another."), "No file there. Name another."),
        (
            OSError(28, "No space left on device", "/data/weights"),
            "The disk is full (/data/weights). Free some space and start again.",
        ),
        (KeyError("column"), "KeyError: 'column'"),
    ],
)
def test_exception_fails_the_run_with_its_reason(run, error, words):
    with pytest.raises(type(error)), running.held(ImportRun, run_id=run.pk):
        raise error

    assert state_of(run) == (RunState.FAILED, 1, words)


def test_stop_is_heard_at_the_next_report(run):
    with pytest.raises(running.RunStopped), running.held(ImportRun, run_id=run.pk) as hold:
        assert running.ask_to_stop(ImportRun, run_id=run.pk, now=timezone.now()) is True
        hold.report("on and on", 0.2)

    assert state_of(run) == (RunState.STOPPED, 1, "Stopped by hand.")


def test_stop_of_a_waiting_run_ends_it_and_of_an_ended_one_is_refused(run):
    assert running.ask_to_stop(ImportRun, run_id=run.pk, now=timezone.now()) is True
    assert state_of(run) == (RunState.STOPPED, 0, "Stopped by hand before it began.")
    assert running.ask_to_stop(ImportRun, run_id=run.pk, now=timezone.now()) is False


def test_let_go_leaves_the_run_to_another_without_counting_the_attempt(run):
    with pytest.raises(running.RunLetGo), running.held(ImportRun, run_id=run.pk):
        raise running.RunLetGo("the machine goes down")

    assert state_of(run) == (RunState.WAITING, 0, "")
    assert run.lease_expires_at is None


def test_abandoned_lists_lost_runs_and_fails_those_past_their_last_attempt(run):
    lost = running.request(ImportRun, now=timezone.now(), source="lost")
    fine = running.request(ImportRun, now=timezone.now(), source="fine")
    gone = {"state": RunState.STARTED, "lease_expires_at": timezone.now() - timedelta(seconds=1)}
    ImportRun.objects.filter(pk=run.pk).update(attempt=ImportRun.max_attempts, **gone)
    ImportRun.objects.filter(pk=lost.pk).update(attempt=1, **gone)
    ImportRun.objects.filter(pk=fine.pk).update(
        state=RunState.STARTED, attempt=1, lease_expires_at=timezone.now() + timedelta(seconds=9)
    )

    assert running.abandoned(ImportRun, now=timezone.now()) == [lost.pk]

    assert state_of(run) == (
        RunState.FAILED, 3, "Its worker died 3 times. See the worker's log.",
    )  # fmt: skip
    with pytest.raises(running.RunNotClaimed):
        running.claim(ImportRun, run_id=run.pk, now=timezone.now())


def test_training_outlives_more_deaths_than_other_runs(db):
    training = running.request(TrainingRun, now=timezone.now())
    TrainingRun.objects.filter(pk=training.pk).update(
        state=RunState.STARTED, attempt=5, lease_expires_at=timezone.now() - timedelta(seconds=1)
    )

    assert running.abandoned(TrainingRun, now=timezone.now()) == [training.pk]


@pytest.mark.django_db(transaction=True)
def test_lease_is_renewed_while_the_block_runs(monkeypatch):
    monkeypatch.setattr(running, "RENEWAL_SECONDS", 0.05)
    run = running.request(ImportRun, now=timezone.now(), source="somewhere")
    hold = running.claim(ImportRun, run_id=run.pk, now=timezone.now() - timedelta(days=1))

    deadline = timezone.now() + timedelta(seconds=30)
    while timezone.now() < deadline:
        run.refresh_from_db()
        if run.lease_expires_at > timezone.now():
            break
    hold.release()

    assert run.lease_expires_at > timezone.now()


CLAIM = """
import sys, time, django
django.setup()
from django.utils import timezone
from interests.models import ImportRun
from interests.services import running
try:
    running.claim(ImportRun, run_id=int(sys.argv[1]), now=timezone.now())
    print("claimed")
except running.RunNotClaimed:
    print("refused")
"""


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_two_processes_cannot_hold_one_run():
    run = running.request(ImportRun, now=timezone.now(), source="somewhere")

    workers = [processes.start("-c", CLAIM, str(run.pk)) for _ in range(3)]
    answers = sorted(worker.communicate(timeout=120)[0].split()[-1] for worker in workers)

    assert answers == ["claimed", "refused", "refused"]
    assert state_of(run) == (RunState.STARTED, 1, "")
