"""The lines of an evaluation's table that a reader wants, in the order in which they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recommender import algorithms, charts
from recommender.selectors.pages_evaluation import NO_FAMILY, Line, Report, Unfitted

FAMILY, NAME, DIFFERENCE, P, FIT, SCORE, MEMORY = (
    "family", "algorithm", "difference", "p", "fit", "score", "memory",
)  # fmt: skip
# What sorts beside the columns of the table; those of which more is better.
SORTS = (FAMILY, NAME, DIFFERENCE, P, FIT, SCORE, MEMORY)
MORE_IS_BETTER = (DIFFERENCE,)


@dataclass(frozen=True)
class Filters:
    """What the table is narrowed to, and how it is sorted: "-" in front for the largest first."""

    query: str = ""
    family: str = ""
    sort: str = ""


@dataclass(frozen=True)
class Group:
    """Lines that stand together under a heading, or under none where the table is not sorted by family."""

    family: str
    lines: list[Line]


def families(report: Report) -> list[str]:
    """Return the families that the evaluation holds, in the order of the registry."""
    found = {line.family for line in report.lines} | {one.family for one in report.unfitted}
    return [family for family in (*algorithms.FAMILIES, NO_FAMILY) if family in found]


def sort_of(report: Report, asked: str) -> str:
    """Return how to sort: as asked, where there is such a column, else by the first one, best first."""
    if asked.removeprefix("-") in (*SORTS, *report.columns):
        return asked
    return f"-{report.columns[0]}"


def groups(report: Report, filters: Filters) -> list[Group]:
    """Return the lines that the filters leave, sorted; by family they come in groups."""
    lines = [line for line in report.lines if is_wanted(line, filters)]
    sort = sort_of(report, filters.sort)
    name, is_falling = sort.removeprefix("-"), sort.startswith("-")
    if name != FAMILY:
        return [Group("", _sorted(report, lines, name, is_falling))] if lines else []
    names = families(report)
    found = [
        Group(family, [line for line in lines if line.family == family])
        for family in (reversed(names) if is_falling else names)
    ]
    return [group for group in found if group.lines]


def unfitted(report: Report, filters: Filters) -> list[Unfitted]:
    """Return what could not be fitted, as far as the filters leave it."""
    return [one for one in report.unfitted if is_wanted(one, filters)]


def is_wanted(line: Line | Unfitted, filters: Filters) -> bool:
    """Tell whether an algorithm is of the family and has the text in its name."""
    words = filters.query.casefold()
    names = (line.algorithm, charts.algorithm_name(line.algorithm))
    return (not filters.family or line.family == filters.family) and any(
        words in name.casefold() for name in names
    )


def _sorted(report: Report, lines: Sequence[Line], name: str, is_falling: bool) -> list[Line]:
    """Sort by one column; what has no number there comes last either way, and equals keep their order."""
    if name == NAME:
        return sorted(lines, key=lambda line: line.algorithm, reverse=is_falling)
    value = _VALUES.get(name) or _cell(report.columns.index(name))
    known = [line for line in lines if value(line) is not None]
    missing = [line for line in lines if value(line) is None]
    sign = -1 if is_falling else 1
    return sorted(known, key=lambda line: sign * (value(line) or 0.0)) + missing


def _cell(place: int) -> Callable[[Line], float | None]:
    def value(line: Line) -> float | None:
        cell = line.cells[place]
        return cell.value if cell else None

    return value


_VALUES: dict[str, Callable[[Line], float | None]] = {
    DIFFERENCE: lambda line: line.against.difference if line.against else None,
    P: lambda line: line.p_value,
    FIT: lambda line: line.costs.fit_seconds,
    SCORE: lambda line: line.costs.score_seconds,
    MEMORY: lambda line: line.costs.memory_bytes,
}
