"""How much one event of a kind tells, until a curator says otherwise."""

from __future__ import annotations

# The same numbers as the table of kinds starts with. A purchase tells more than a view; a dislike
# speaks against. A kind that is not here is a shop's own word and counts once.
KIND_WEIGHTS = {
    "view": 1.0,
    "click": 1.0,
    "rating": 1.0,
    "like": 2.0,
    "purchase": 3.0,
    "dislike": -1.0,
}
DEFAULT_WEIGHT = 1.0


def weight_of(kind: str) -> float:
    """Return the starting weight of a kind."""
    return KIND_WEIGHTS.get(kind, DEFAULT_WEIGHT)
