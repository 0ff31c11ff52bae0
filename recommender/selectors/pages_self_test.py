"""What the self-test of the detector found, for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interests.models import DetectorChoice, RunState, SelfTestRun
from recommender.selectors import pages_runs
from recommender.selectors.pages_runs import UnderWay

# Thresholds that differ by less are the same; the table shows two decimals.
SAME = 1e-6


@dataclass(frozen=True)
class Line:
    """What one threshold reaches; `is_in_force` marks the one that the detector uses now."""

    threshold: float
    false_alarms_per_1000: float
    found_share: float
    low: float
    high: float
    median_delay: float | None
    late_delay: float | None
    is_in_force: bool
    is_tested: bool


@dataclass(frozen=True)
class Report:
    """A finished self-test, the most watchful threshold first."""

    run_id: int
    finished_at: datetime | None
    num_end_users: int
    num_events: int
    num_changes: int
    lines: list[Line]

    @property
    def tested(self) -> Line | None:
        """The threshold that was in force when it was asked for."""
        return next((line for line in self.lines if line.is_tested), None)


@dataclass(frozen=True)
class Chosen:
    """The threshold that somebody chose last."""

    threshold: float
    false_alarms_per_1000: float | None
    by: str
    at: datetime


def report(*, in_force: float) -> Report | None:
    """Return the newest finished self-test, None before the first; one query."""
    run = SelfTestRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk").first()
    if run is None:
        return None
    asked = run.settings.get("threshold")
    return Report(
        run.pk,
        run.finished_at,
        run.results["num_end_users"],
        run.results["num_events"],
        run.results["num_changes"],
        [
            Line(
                **row,
                is_in_force=abs(row["threshold"] - in_force) < SAME,
                is_tested=asked is not None and abs(row["threshold"] - asked) < SAME,
            )
            for row in run.results["reached"]
        ],
    )


def under_way() -> UnderWay | None:
    """Return the self-test that runs or waits; one query."""
    return pages_runs.under_way(SelfTestRun.objects.all(), kind="self-test")


def failed_last() -> str:
    """Return why the newest self-test failed, "" where it did not; one query."""
    run = SelfTestRun.objects.order_by("-pk").first()
    return run.error if run is not None and run.state == RunState.FAILED else ""


def chosen_last() -> Chosen | None:
    """Return who chose the threshold in force and when, None for the product's own; one query."""
    row = DetectorChoice.objects.select_related("chosen_by").order_by("-chosen_at", "-pk").first()
    if row is None:
        return None
    by = row.chosen_by.get_username() if row.chosen_by else "somebody whose account is gone"
    return Chosen(row.threshold, row.false_alarms_per_1000, by, row.chosen_at)
