"""What engineers see and do with publications, slates and evaluations."""

from recommender.admin import (
    evaluations,
    experiments,
    placements,
    publications,
    slates,
    studies,
)

__all__ = ["evaluations", "experiments", "placements", "publications", "slates", "studies"]
