"""Figures of the population: what everybody turns to, which segments move, where interest flows."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import slugify

from interests.charts import population as charts
from interests.charts import population_words as said
from interests.charts.population import Grid, Line
from interests.charts.series import Category
from interests.selectors.population import Cell
from interests.selectors.states import CategoryName
from recommender.selectors.pages_drift import Flows, Lines, Segments
from recommender.templatetags import words
from recommender.views.figures import Choice, Figure

SHARE, SURENESS = "share", "sureness"


def turns_to(lines: Lines, *, period: str) -> Figure | None:
    """Return categories over time with their intervals, None where there is none."""
    if not lines.categories:
        return None
    drawn = [
        Line(
            category=_category(category),
            periods=[cell.period for cell in cells],
            shares=[cell.share for cell in cells],
            low=[cell.low for cell in cells],
            high=[cell.high for cell in cells],
            is_sure=[abs(cell.significance) >= lines.is_sure_from for cell in cells],
            notes=[_note(cell, period) for cell in cells],
        )
        for category, cells in lines.categories
    ]
    return Figure(
        name="turns-to",
        question="What does everybody turn to?",
        sentence=said.surest_sentence(lines.moves, period=period),
        plot=charts.lines_over_time(drawn),
        header=["Period", "Category", "Share", "Low", "High", "Sureness", "Events", "End users"],
        rows=[
            [
                said.short_period_name(cell.period, period),
                category.name,
                *_numbers(cell),
            ]
            for category, cells in lines.categories
            for cell in reversed(cells)
        ],
        file="population-shares",
        size="high",
    )


def segments_move(found: Segments, *, show: str, choices: Sequence[Choice], period: str) -> Figure:
    """Return the segments of a kind as a heat map of one category."""
    is_significance = show == SURENESS
    grid = Grid(
        segments=found.names,
        periods=found.periods,
        values=[
            [
                None if cell is None else cell.significance if is_significance else cell.share
                for cell in row
            ]
            for row in _rows(found)
        ],
        notes=[["" if cell is None else _note(cell, period) for cell in row] for row in _rows(found)],
    )  # fmt: skip
    category = _category(found.category)
    return Figure(
        name="segments",
        question=f"Which segments move in {found.category.name}?",
        sentence=said.surest_sentence(found.moves, period=period),
        plot=charts.heat_map(grid, category=category, is_significance=is_significance),
        header=["Segment", "Period", "Share", "Low", "High", "Sureness", "Events", "End users"],
        rows=[
            [cell.segment, said.short_period_name(cell.period, period), *_numbers(cell)]
            for row in _rows(found)
            for cell in reversed(row)
            if cell is not None
        ],
        file=f"segments-{slugify(found.kind)}-{slugify(found.category.name)}",
        choices=choices,
        size="high" if len(found.names) > 8 else "low",
    )


def flows_to(found: Flows, *, since: str, until: str) -> Figure | None:
    """Return what went from category to category on balance, None where nothing did."""
    if not found.rows:
        return None
    sentence = said.flows_sentence(
        found.rows,
        in_all=found.in_all,
        num_end_users=found.num_end_users,
        since=since,
        until=until,
    )
    if found.num_left_out:
        sentence += (
            f" {found.num_left_out} smaller flow{'' if found.num_left_out == 1 else 's'} left out."
        )
    return Figure(
        name="flows",
        question="Where does interest flow?",
        sentence=sentence,
        plot=charts.flows(found.rows),
        header=["From", "To", "On balance, end users", "There", "And back"],
        rows=[
            [
                row.start.name,
                row.end.name,
                words.number(row.end_users, 2),
                words.number(found.gross.get((row.start.name, row.end.name), 0.0), 2),
                words.number(found.gross.get((row.end.name, row.start.name), 0.0), 2),
            ]
            for row in found.rows
        ],
        file="population-flows",
        size="middle",
    )


def _rows(found: Segments) -> list[list[Cell | None]]:
    return [[found.cells.get((name, period)) for period in found.periods] for name in found.names]


def _note(cell: Cell, period: str) -> str:
    return (
        f"{said.short_period_name(cell.period, period)}: {100 * cell.share:.1f} % "
        f"({100 * cell.low:.1f} to {100 * cell.high:.1f})<br>{cell.significance:+.1f} of its own noise, "
        f"{cell.num_events:,} events of {cell.num_end_users:,} end users"
    )


def _numbers(cell: Cell) -> list[str]:
    return [
        words.percent(cell.share),
        words.percent(cell.low),
        words.percent(cell.high),
        f"{cell.significance:+.1f}".replace("-", words.MINUS),
        words.number(cell.num_events),
        words.number(cell.num_end_users),
    ]


def _category(found: CategoryName) -> Category:
    return Category(found.name, found.colour_rank)
