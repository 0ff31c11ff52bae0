"""What curators and engineers see and edit of end users, catalogue, events and runs."""

from interests.admin import alerts, audience, catalogue, drift, events, runs

__all__ = ["alerts", "audience", "catalogue", "drift", "events", "runs"]
