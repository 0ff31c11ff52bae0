"""What engineers see and do with publications, slates and evaluations."""

from recommender.admin import evaluations, placements, publications, slates

__all__ = ["evaluations", "placements", "publications", "slates"]
