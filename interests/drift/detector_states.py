"""What the detector remembers of one person, and how it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interests.drift.detector_alarms import probability
from interests.drift.detector_bank import Bank
from interests.drift.detector_columns import Columns
from interests.drift.detector_settings import DEFAULT, DetectorSettings
from interests.drift.detector_steps import move_chances
from interests.drift.detector_storage import packed, unpacked

VERSION = "detector-1"


class StateOfAnotherVersion(ValueError):
    """A stored state is of another version of the detector: replay the history."""


@dataclass
class DetectorState:
    """What the detector remembers of one person; its size does not grow with their events."""

    columns: Columns
    bank: Bank
    settings: DetectorSettings = DEFAULT

    @property
    def num_events(self) -> int:
        """How many events it has seen, negatives included."""
        return int(self.bank.num_events[0])

    @property
    def evidence(self) -> float:
        """Evidence above no change in nats, 0 or more; compare with the settings' threshold."""
        return float(self.bank.evidence[0])

    @property
    def probability(self) -> float:
        """The probability that interests have changed since the last alarm, 0 to 1."""
        return probability(self.evidence, self.settings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which `from_dict` goes on bit for bit; JSON takes all but "bank", bytes."""
        return {
            "version": VERSION,
            "num_categories": self.columns.num_categories,
            "places": [list(place) for place in self.columns.places.items()],
            "shape": list(self.bank.past.shape),
            "bank": packed(self.bank),
        }

    @classmethod
    def from_dict(
        cls,
        values: dict[str, Any],
        *,
        settings: DetectorSettings = DEFAULT,
        is_for_many: bool = False,
    ) -> DetectorState:
        """Return the state that was stored.

        Args:
            is_for_many: it goes to `detect`, which works `chances` out for all at once.

        Raises:
            StateOfAnotherVersion: it is of another version or of settings of another shape.
        """
        if values.get("version") != VERSION:
            raise StateOfAnotherVersion(
                f"The state is of {values.get('version')}, the detector of {VERSION}: replay the history."
            )
        columns = Columns(values["num_categories"])
        columns.places.update({category: place for category, place in values["places"]})
        bank = unpacked(values["bank"], columns.num_columns, settings)
        if bank is None or list(bank.past.shape) != values["shape"]:
            raise StateOfAnotherVersion(
                "The state was kept with other settings of the detector: replay the history."
            )
        if not is_for_many:
            bank.chances[:] = move_chances(bank.before, bank.falling, bank.last_move, settings)
        return DetectorState(columns, bank, settings)


def new_state(num_categories: int, *, settings: DetectorSettings = DEFAULT) -> DetectorState:
    """Return the state of a person without events; the last category is "uncategorised"."""
    columns = Columns(num_categories)
    return DetectorState(columns, Bank.new(1, columns.num_columns, settings), settings)
