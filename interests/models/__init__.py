"""Tables of end users, items, events, runs and interest states."""

from interests.models.audience import ID_LENGTH, ChangeMark, EndUser
from interests.models.catalogue import Category, Item
from interests.models.events import EventKind, Interaction, RejectedRow
from interests.models.runs import ImportRun, Run, RunState, TrackingRun, TrainingRun
from interests.models.states import InterestState

__all__ = [
    "ID_LENGTH",
    "Category",
    "ChangeMark",
    "EndUser",
    "EventKind",
    "ImportRun",
    "Interaction",
    "InterestState",
    "Item",
    "RejectedRow",
    "Run",
    "RunState",
    "TrackingRun",
    "TrainingRun",
]
