"""Tables of publications, slates, maps and evaluations."""

from recommender.models.changes import ShelfChange
from recommender.models.evaluations import (
    EvaluationList,
    EvaluationQuestion,
    EvaluationRun,
    MetricValue,
    PairedTest,
)
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
from recommender.models.studies import Study, Trial

__all__ = [
    "EvaluationList",
    "EvaluationQuestion",
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
    "PairedTest",
    "Placement",
    "PlacementSwitch",
    "PlacementVersion",
    "PopularItems",
    "PublicationRun",
    "Serving",
    "ShelfChange",
    "SimilarItems",
    "Slate",
    "Study",
    "Switch",
    "Trial",
    "Variant",
]
