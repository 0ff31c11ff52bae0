"""Putting a list together by the rules of a placement; pure: plain data in, plain data out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """An item of an answer.

    Attributes:
        item: key
        item_id: the client's id
        rank: counted from 1 over all pages of the list
        score: a slate's score (log odds, boosts added), or events in the window of a fallback
        rule: what placed it: "" the slate's own order, "pin", "boost", "burial", "seen", "diversity",
            "calibration", "novelty", "exploration", or "fallback:" and which, such as "fallback:popular_30d"
    """

    item: int
    item_id: str
    rank: int
    score: float
    rule: str = ""
