"""What curators and engineers see and edit of end users, catalogue, events and runs."""

from interests.admin import audience, catalogue, events, runs

__all__ = ["audience", "catalogue", "events", "runs"]
