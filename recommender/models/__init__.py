"""Tables of publications, slates, maps and evaluations."""

from recommender.models.evaluations import EvaluationRun, MetricValue
from recommender.models.maps import InterestMap
from recommender.models.placements import Placement, PlacementSwitch, PlacementVersion
from recommender.models.runs import PublicationRun, Serving, Switch
from recommender.models.slates import PopularItems, SimilarItems, Slate

__all__ = [
    "EvaluationRun",
    "InterestMap",
    "MetricValue",
    "Placement",
    "PlacementSwitch",
    "PlacementVersion",
    "PopularItems",
    "PublicationRun",
    "Serving",
    "SimilarItems",
    "Slate",
    "Switch",
]
