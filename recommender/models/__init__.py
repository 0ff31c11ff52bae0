"""Tables of publications, slates, maps and evaluations."""

from recommender.models.changes import ShelfChange
from recommender.models.evaluations import EvaluationRun, MetricValue
from recommender.models.experiments import (
    Experiment,
    ExperimentChange,
    ExperimentLook,
    ExperimentPerson,
    Variant,
)
from recommender.models.maps import InterestMap
from recommender.models.outcomes import (
    LagSample,
    OutcomeCount,
    OutcomeOfPerson,
    OutcomeRate,
    OutcomeRefusal,
)
from recommender.models.placements import Placement, PlacementSwitch, PlacementVersion
from recommender.models.runs import PublicationRun, Serving, Switch
from recommender.models.slates import PopularItems, SimilarItems, Slate

__all__ = [
    "EvaluationRun",
    "Experiment",
    "ExperimentChange",
    "ExperimentLook",
    "ExperimentPerson",
    "InterestMap",
    "LagSample",
    "MetricValue",
    "OutcomeCount",
    "OutcomeOfPerson",
    "OutcomeRate",
    "OutcomeRefusal",
    "Placement",
    "PlacementSwitch",
    "PlacementVersion",
    "PopularItems",
    "PublicationRun",
    "Serving",
    "ShelfChange",
    "SimilarItems",
    "Slate",
    "Switch",
    "Variant",
]
