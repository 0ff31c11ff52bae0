"""The registry of algorithms as lines for a terminal, as JSON, and as the table of docs/algorithms/README.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from recommender import algorithms
from recommender.algorithms import Entry

# What a docstring says in brackets with a year in it is a source: "(Steck, WWW 2019)".
SOURCE = re.compile(r"\(([^()]*\b(?:19|20)\d\d\b[^()]*)\)")
NO_SOURCE = "usual practice"
HEADING = """# Algorithms

Every algorithm of the registry (`recommender/algorithms/__init__.py`). The table is written by
`python manage.py algorithms --markdown > docs/algorithms/README.md`, and a test holds it to the registry.
Any of them is compared by `manage.py evaluate --algorithms NAME`; how to add one stands in
[CONTRIBUTING.md](../../CONTRIBUTING.md).

| Name | Family | What it does | Source |
|---|---|---|---|"""


def by_family() -> dict[str, dict[str, Entry]]:
    """Return the algorithms of each family that has any, families and algorithms in the registry's order."""
    found = {
        family: {name: one for name, one in algorithms.REGISTRY.items() if one.family == family}
        for family in algorithms.FAMILIES
    }
    return {family: entries for family, entries in found.items() if entries}


def source_of(entry: Entry) -> str:
    """Return who published it, as the docstring of its class says, or that of its module; "" where neither does.

    The module is read, not imported: networks would bring torch along.
    """
    path = Path(algorithms.__file__).parent / f"{entry.module}.py"
    module = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    texts = [ast.get_docstring(node) for node in classes if node.name == entry.class_name]
    for text in [*texts, ast.get_docstring(module)]:
        said = SOURCE.search(text or "")
        if said:
            return " ".join(said[1].split())
    return ""


def lines() -> Iterator[str]:
    """Yield the families with a line for each algorithm; those compared by default have a star."""
    width = max(len(name) for name in algorithms.REGISTRY)
    for family, entries in by_family().items():
        yield f"{family.capitalize()}:"
        for name, entry in entries.items():
            star = "*" if name in algorithms.USUAL else " "
            yield f" {star} {name.ljust(width)}  {entry.summary}"
        yield ""
    yield (
        f"{len(algorithms.REGISTRY)} algorithms. * is compared where nothing else is asked for (usual)."
    )


def as_json() -> list[dict[str, str | bool]]:
    """Return a row of plain values for each algorithm."""
    return [
        {
            "name": name,
            "family": family,
            "summary": entry.summary,
            "source": source_of(entry),
            "is_usual": name in algorithms.USUAL,
        }
        for family, entries in by_family().items()
        for name, entry in entries.items()
    ]


def markdown() -> str:
    """Return docs/algorithms/README.md."""
    rows = []
    for row in as_json():
        cells = (f"`{row['name']}`", row["family"], row["summary"], row["source"] or NO_SOURCE)
        rows.append("| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |")
    return "\n".join([HEADING, *rows]) + "\n"
