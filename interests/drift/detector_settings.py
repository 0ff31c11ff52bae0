"""What the detector assumes, in numbers; they ship with the product and are learned from nobody."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DetectorSettings:
    """How people behave until told otherwise. docs/drift.md says where each number is from.

    Attributes:
        threshold: evidence in nats at which a drift event is raised. The logarithm of the fewest
            events from one false alarm to the next that theory promises (`threshold_for`)
        hazard: chance that an event is the first of a change; only `probability` depends on it
        moved_part: how much of a falling interest moves, 0 to 1
        num_falling: so many of the strongest interests are watched for a fall
        num_begins: so many possible begins are remembered
        begin_every: events of one session between two possible begins
        min_before: events before the earliest possible begin
        concentration: pseudo-events per category before anything is known
        most_concentration: limit of their sum
        population_part: how much of them follows everybody's interests, the rest all categories alike
        binge_chances, binge_weights: what share of sessions may be binges, and how likely that is
        binge_event_part: how many of a binge's events hold to its one category
        memory_events: what is older than so many events fades
        events_of_a_move: how many events `moved_part` counts for beside those since the begin
        kept_events: how many events the interests after an alarm count for
        rest_events: events after an alarm before a new begin is thought of
        recovery_events: events until a new begin is as likely as it was before the alarm
        strong_power: how much likelier a strong interest is to fall: as its share to this power
        rare_power: how much likelier than others a category is to rise that is hardly wanted so far:
            as one over its share to this power
        same_again: how much likelier than others the very same move is right after an alarm
        back_again: the same of the move back
    """

    threshold: float = math.log(1000 / 1.5)
    hazard: float = 1 / 200
    moved_part: float = 0.8
    num_falling: int = 2
    num_begins: int = 12
    begin_every: int = 4
    min_before: int = 8
    concentration: float = 0.25
    most_concentration: float = 7.0
    population_part: float = 0.5
    binge_chances: tuple[float, ...] = (0.01, 0.05, 0.15, 0.35)
    binge_weights: tuple[float, ...] = (0.6, 0.2, 0.12, 0.08)
    binge_event_part: float = 0.8
    memory_events: float = 400.0
    events_of_a_move: float = 4.0
    kept_events: float = 15.0
    rest_events: int = 10
    recovery_events: int = 40
    strong_power: float = 3.0
    rare_power: float = 1.0
    same_again: float = 0.1
    back_again: float = 10.0

    def pseudo_events(self, population: NDArray[np.floating] | None, num_columns: int) -> Pseudo:
        """Return what each category counts for before anything is known. [K]"""
        total = min(self.concentration * num_columns, self.most_concentration)
        flat = np.full(num_columns, 1 / num_columns)
        if population is None or not (mine := population[:num_columns]).sum() > 0:
            return total * flat
        everybody = mine / mine.sum()
        return np.asarray(
            total * (self.population_part * everybody + (1 - self.population_part) * flat)
        )


Pseudo = NDArray[np.float64]
DEFAULT = DetectorSettings()


def threshold_for(*, false_alarms_per_1000: float) -> float:
    """Return the threshold that keeps false alarms within a budget per 1,000 events of stable people.

    The evidence is the logarithm of a Shiryaev-Roberts statistic R. While nothing changes, R less the
    number of events is a martingale, so that the mean number of events until R reaches A is at least A
    (Pollak, "Average run lengths of an optimal method of detecting a change in distribution", 1987).

    Raises:
        ValueError: the budget is not above 0, or infinite.
    """
    if not 0 < false_alarms_per_1000 < math.inf:
        raise ValueError(
            "The budget of false alarms per 1,000 events must be above 0 and not without end."
        )
    return max(math.log(1000 / false_alarms_per_1000), 0.0)
