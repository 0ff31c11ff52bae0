"""What engineers see and do with publications, slates and evaluations."""

from recommender.admin import evaluations, publications, slates

__all__ = ["evaluations", "publications", "slates"]
