"""The detector tried on our own people with known changes, and the threshold that somebody chose by it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from django.contrib.auth.models import User

from interests.drift import detectors, self_test
from interests.models import DetectorChoice, RunState, SelfTestRun
from interests.selectors import events
from interests.services import detecting, running
from interests.services.running import CannotRun
from interests.tracking import histories
from interests.tracking.protocol import population_prior

# People are drawn until they have so many events: shares found are then sure to a few points.
MAX_EVENTS = 40_000


class NotTested(ValueError):
    """The threshold is none of those that a finished self-test tried."""


def request(*, now: datetime, by: User) -> tuple[SelfTestRun, bool]:
    """Request a self-test; return it and whether it is new: one under way is not asked for twice.

    The caller enqueues a new one after commit.
    """
    active = SelfTestRun.objects.filter(state__in=[RunState.WAITING, RunState.STARTED])
    if (waiting := active.order_by("pk").first()) is not None:
        return waiting, False
    return running.request(SelfTestRun, now=now, requested_by=by, settings=_in_force()), True


def test_detector(*, run_id: int) -> None:
    """Do a self-test: people drawn at random, without changes and with one put into each.

    Raises:
        RunNotClaimed, RunStopped, RunOvertaken: as `running.held` has it.
        CannotRun: no history is long enough.
    """
    with running.held(SelfTestRun, run_id=run_id) as hold:
        run: SelfTestRun = hold.run  # type: ignore[assignment]  # held as one
        hold.report("Reading the events", 0.0)
        log = events.interaction_log(seed=run.seed).log
        people = self_test.drawn(histories.of_log(log), seed=run.seed, max_events=MAX_EVENTS)
        if not people:
            raise CannotRun("There are no events yet. Import some, or post them.")
        threshold = run.settings.get("threshold", detectors.DEFAULT.threshold)
        try:
            found = self_test.run(
                people,
                population=population_prior(people, num_categories=people[0].shares.shape[1]),
                settings=replace(detectors.DEFAULT, threshold=threshold),
                seed=run.seed,
                report=lambda share: hold.report("Trying thresholds", 0.05 + 0.9 * share),
            )
        except self_test.TooFewHistories as error:
            raise CannotRun(str(error)) from error
        hold.end(RunState.DONE, results={**asdict(found), "detector_version": detectors.VERSION})


def choose(*, run: SelfTestRun, threshold: float, now: datetime, by: User) -> DetectorChoice:
    """Let the detector use a threshold that a self-test tried, from the next event on.

    Raises:
        NotTested: the self-test is not done, or did not try it.
    """
    for row in run.results.get("reached", []) if run.state == RunState.DONE else []:
        if abs(row["threshold"] - threshold) < 1e-6:
            return DetectorChoice.objects.create(
                threshold=row["threshold"],
                false_alarms_per_1000=row["false_alarms_per_1000"],
                self_test=run,
                chosen_by=by,
                chosen_at=now,
            )
    raise NotTested(f"{run} has not tried the threshold {threshold:g}. Choose one of its table.")


def choose_usual(*, now: datetime, by: User) -> DetectorChoice:
    """Let the detector use the product's own threshold again."""
    return DetectorChoice.objects.create(
        threshold=detectors.DEFAULT.threshold, chosen_by=by, chosen_at=now
    )


def _in_force() -> dict[str, float]:
    return {"threshold": detecting.settings_in_force().threshold}
