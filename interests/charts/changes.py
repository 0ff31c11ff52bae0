"""One change of interests: shares before and after as paired bars, with sign and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interests.charts.series import PALETTE_SIZE, Category

RISING, FALLING, STEADY = "rising", "falling", "within noise"
# More pairs than these do not fit a screen; the table has the rest.
MAX_PAIRS = 8
PAIR_HEIGHT, FRAME_HEIGHT = 34, 48
# Rounded to a tenth of a point this is nothing.
LEAST_SHOWN = 0.0005
MINUS = "\u2212"


@dataclass(frozen=True)
class Change:
    """How one category stood before and after; `direction` is RISING, FALLING or STEADY."""

    category: Category
    before: float
    after: float
    direction: str

    @property
    def size(self) -> float:
        return self.after - self.before

    @property
    def label(self) -> str:
        """Return the change with its sign and whether it is more than noise: "+23.1 pp, rising"."""
        if self.direction == STEADY and abs(self.size) < LEAST_SHOWN:
            return "steady"
        return f"{points(self.size)}, {self.direction}"


def points(size: float) -> str:
    """Return a change between two shares with its sign, in percentage points."""
    return f"{100 * size:+.1f} pp".replace("-", MINUS)


def in_order(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that are more than noise first, then by size; of two alike, the rise."""
    return sorted(
        changes,
        key=lambda change: (change.direction == STEADY, -abs(round(change.size, 9)), -change.size),
    )


def change_bars(changes: Sequence[Change]) -> dict[str, Any]:
    """Return a pair of bars for each category, before and after, the most telling on top."""
    shown = in_order(changes)[:MAX_PAIRS][::-1]  # Plotly draws from the bottom
    names = [change.category.label for change in shown]
    largest = max((max(change.before, change.after) for change in shown), default=1.0)

    def bars(name: str, values: list[float], **fields: Any) -> dict[str, Any]:
        return {
            "type": "bar", "orientation": "h", "name": name, "x": values, "y": names,
            "hovertemplate": f"%{{x:.1%}} {name}<extra></extra>", "cliponaxis": False, **fields,
        }  # fmt: skip

    return {
        "data": [
            bars(
                "after",
                [change.after for change in shown],
                marker={"color": [_colour(change.category) for change in shown]},
                text=[change.label for change in shown],
                textposition="outside",
            ),
            bars("before", [change.before for change in shown], meta={"role": "rest"}),
        ],
        "layout": {
            "height": PAIR_HEIGHT * max(len(shown), 1) + FRAME_HEIGHT,
            "margin": {"l": 96, "r": 24, "t": 8, "b": 40},
            "showlegend": False,
            "barmode": "group",
            "bargap": 0.28,
            "bargroupgap": 0.06,
            # Room for the words beside the longest bar.
            "xaxis": {"range": [0, 1.6 * largest], "tickformat": ".0%", "fixedrange": True},
            "yaxis": {"automargin": True, "fixedrange": True},
        },
    }


def change_table(changes: Sequence[Change]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of all categories of a change."""
    rows = [
        [
            change.category.name,
            _percent(change.before),
            _percent(change.after),
            points(change.size),
            change.direction,
        ]
        for change in in_order(changes)
    ]
    return ["Category", "Before", "After", "Change", "More than noise?"], rows


def _colour(category: Category) -> str:
    rank = category.colour_rank
    return f"category-{rank}" if rank is not None and rank < PALETTE_SIZE else "category-other"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
