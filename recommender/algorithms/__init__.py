"""Algorithms by name. Their modules are imported when asked for: the network's brings torch."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, cast

from recommender.algorithms.protocol import Algorithm

# name -> module of this package, class. In the order in which tables list them.
REGISTRY = {
    "most_popular": ("popularity", "MostPopular"),
    "recently_popular": ("popularity", "RecentlyPopular"),
    "item_knn": ("neighbours", "ItemKNN"),
    "als": ("factors", "ALS"),
    "ease": ("linear", "Ease"),
    "recent_ease": ("linear", "RecentEase"),
    "interest_network": ("network", "InterestNetwork"),
}
# In every table, asked for or not (product.md, Measures).
ALWAYS = ("most_popular", "recently_popular")


class UnknownAlgorithm(Exception):
    """No algorithm has this name; the message lists those that there are."""


def names() -> tuple[str, ...]:
    """Return the names of all algorithms."""
    return tuple(REGISTRY)


def chosen_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the names asked for ("all" for all), with those that are in every table, each once.

    Raises:
        UnknownAlgorithm: one of them is not in the registry, or none was given.
    """
    asked = {name.strip() for name in wanted if name.strip()}
    unknown = sorted(asked - {"all", *REGISTRY})
    if unknown or not asked:
        said = (
            f"There is no algorithm {', '.join(map(repr, unknown))}." if unknown else "None given."
        )
        raise UnknownAlgorithm(f"{said} Choose from: {', '.join(REGISTRY)}, or all.")
    return tuple(name for name in REGISTRY if "all" in asked or name in asked or name in ALWAYS)


def make(name: str, **options: Any) -> Algorithm:
    """Return the algorithm of this name; `options` are those of its class, if it has any.

    Raises:
        UnknownAlgorithm: there is none.
    """
    if name not in REGISTRY:
        raise UnknownAlgorithm(
            f"There is no algorithm {name!r}. Choose from: {', '.join(REGISTRY)}."
        )
    module, class_name = REGISTRY[name]
    found = getattr(import_module(f"recommender.algorithms.{module}"), class_name)
    return cast(Algorithm, found(**options))
