"""An evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from recommender.evaluation import metrics, segments
from recommender.evaluation.results import Measured, Result
from recommender.evaluation.splits import Split

# In the order in which readers look at them.
COLUMNS = ("ndcg", "recall", "precision", "map", "mrr", metrics.COVERAGE)


def lines(results: Sequence[Result], *, split: Split, unfitted: Mapping[str, str]) -> Iterator[str]:
    """Yield the table, what was left out, and the segments.

    Args:
        unfitted: algorithms that could not be fitted, and why.
    """
    k = results[0].k
    test = split.test
    yield (
        f"{split.name}: {test.num_users:,} end users, {len(test.items):,} targets; each value with half "
        "of its 95 % interval"
    )
    yield ""
    yield from grid([_header(k), *(_row(result) for result in results)])
    yield ""
    yield from _notes(results)
    for name, why in unfitted.items():
        yield f"{name} could not be fitted: {why}"
    for name, count in split.left_out.items():
        yield f"Left out: {name}: {count:,}."
    yield ""
    yield f"NDCG@{k} of parts, and how many end users have a target in each"
    yield from grid(_parts(results))
    yield from _order(results)


def _header(k: int) -> list[str]:
    return [
        "algorithm", "validation", *(f"{name}@{k}" for name in COLUMNS), "p", "fit s", "score s", "MB",
    ]  # fmt: skip


def _row(result: Result) -> list[str]:
    everybody = result.segments[segments.ALL]
    ndcg = result.p_values.get(f"ndcg@{result.k}")
    return [
        result.algorithm,
        "" if result.validation_ndcg is None else f"{result.validation_ndcg:.4f}",
        *(_value(everybody, f"{name}@{result.k}") for name in COLUMNS),
        "baseline"
        if result.algorithm == result.baseline
        else ""
        if ndcg is None
        else f"{ndcg:.4f}",
        f"{result.fit_seconds:.1f}",
        f"{result.score_seconds:.1f}",
        f"{result.memory_bytes / 1e6:.1f}",
    ]


def _value(measured: Measured, key: str) -> str:
    value = f"{measured.values[key]:.4f}"
    if key not in measured.intervals:
        return value
    low, high = measured.intervals[key]
    return f"{value} ±{(high - low) / 2:.4f}"


def _notes(results: Sequence[Result]) -> Iterator[str]:
    first = results[0]
    if first.baseline:
        yield (
            f"validation: NDCG@{first.k} there. p: paired sign-flip test of NDCG@{first.k} over end users "
            f"against {first.baseline}, the baseline that was best on validation."
        )
    chosen: dict[str, list[str]] = {}
    for result in results:
        settings = ", ".join(f"{name} {value}" for name, value in result.settings.items())
        if settings and result.validation_ndcg is not None:
            chosen.setdefault(settings, []).append(result.algorithm)
    for settings, names in chosen.items():
        yield f"{', '.join(names)}: chosen on validation: {settings}."
    misses = {result.unfitted_targets for result in results}
    if misses != {0}:
        counts = " to ".join(f"{count:,}" for count in sorted({min(misses), max(misses)}))
        yield f"Targets outside the fitted catalogue, which count as misses: {counts}."


def _parts(results: Sequence[Result]) -> Iterator[list[str]]:
    parts = [name for name in results[0].segments if name != segments.ALL]
    yield ["algorithm", *parts]
    yield ["end users", *(f"{results[0].segments[part].num_users:,}" for part in parts)]
    for result in results:
        values = (result.segments[part].values[f"ndcg@{result.k}"] for part in parts)
        yield [result.algorithm, *(f"{value:.4f}" for value in values)]


def _order(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        for name, effect in result.order.items():
            tested = "" if effect.p_value is None else f", p {effect.p_value:.4f}"
            yield (
                f"{result.algorithm}, {name} ({effect.num_users:,}): NDCG@{result.k} {effect.ndcg:.4f}; "
                f"from shuffled histories {effect.shuffled_ndcg:.4f}{tested}."
            )


def grid(rows: Sequence[list[str]] | Iterator[list[str]]) -> Iterator[str]:
    """Align the first column left, all others right."""
    cells = list(rows)
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  ".join([row[0].ljust(widths[0]), *rest]).rstrip()
