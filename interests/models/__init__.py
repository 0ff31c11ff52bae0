"""Tables of end users, items, events, runs and interest states."""

from interests.models.alerts import Alert, AlertDelivery, AlertRule
from interests.models.audience import ID_LENGTH, Alias, ChangeMark, Controls, EndUser
from interests.models.catalogue import Category, Item
from interests.models.choices import ChosenSettings
from interests.models.drift import (
    DetectorChoice,
    DetectorSnapshot,
    DriftEvent,
    DriftMark,
    SelfTestRun,
)
from interests.models.events import EventKind, Impression, Interaction, RejectedRow
from interests.models.population import (
    Drifter,
    PopulationFlow,
    PopulationRun,
    PopulationShare,
)
from interests.models.runs import ImportRun, Run, RunState, TrackingRun, TrainingRun
from interests.models.states import InterestState, TrackerSnapshot

__all__ = [
    "ID_LENGTH",
    "Alert",
    "AlertDelivery",
    "AlertRule",
    "Alias",
    "Category",
    "ChangeMark",
    "ChosenSettings",
    "Controls",
    "DetectorChoice",
    "DetectorSnapshot",
    "DriftEvent",
    "DriftMark",
    "Drifter",
    "EndUser",
    "EventKind",
    "ImportRun",
    "Impression",
    "Interaction",
    "InterestState",
    "Item",
    "PopulationFlow",
    "PopulationRun",
    "PopulationShare",
    "RejectedRow",
    "Run",
    "RunState",
    "SelfTestRun",
    "TrackerSnapshot",
    "TrackingRun",
    "TrainingRun",
]
