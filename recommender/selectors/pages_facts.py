"""What a run was told and what came of it, in readers' words; what tells them nothing is left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interests.selectors import imports

PASS, TIME, SHARE, ALGORITHM, DEVICE = "pass", "time", "share", "algorithm", "device"


@dataclass(frozen=True)
class Fact:
    """One line: a name, a value, and its unit where it has one. Times are datetimes."""

    name: str
    value: Any
    unit: str = ""


# Key of a result -> its name and its unit or form, in the order in which they are shown.
RESULTS: dict[str, dict[str, tuple[str, str]]] = {
    "import": {
        "format": ("Format", ""),
        "lines": ("Lines", ""),
        "good": ("Good", ""),
        "duplicates": ("Duplicates", ""),
        "bad": ("Bad, set aside", ""),
    },
    "training": {
        "num_events": ("Events learned from", ""),
        "num_users": ("End users", ""),
        "num_items": ("Items", ""),
        "num_members": ("Networks averaged", ""),
        "best_epoch": ("Best pass", PASS),
        "validation_users": ("Validated on", "end users"),
        "device": ("Computed on", ""),
    },
    "tracking": {
        "num_end_users": ("End users", ""),
        "num_states": ("Interest states", ""),
        "session_correlation": ("Likeness of events in one session", SHARE),
    },
    "self-test": {
        "num_end_users": ("End users", ""),
        "num_events": ("Events", ""),
        "num_changes": ("Changes put in", ""),
        "detector_version": ("Detector", ""),
    },
    "report": {
        "num_end_users": ("End users", ""),
        "num_events": ("Events", ""),
        "period": ("Told by", ""),
        "num_periods": ("Periods", ""),
        "num_segments": ("Segments", ""),
        "num_tested": ("With a drift score", "end users"),
        "num_drifting": ("Drifting, one in ten falsely", "end users"),
    },
    "publication": {
        "settings_from": ("Settings of what ranks", ""),
        "num_end_users": ("Recommendations for", "end users"),
        "num_items": ("Chosen from", "items"),
        "slate_length": ("At most for each", "items"),
        "end_users_per_second": ("Speed", "end users a second"),
        "events_through": ("Has seen events until", TIME),
        "switched": ("Took over when done", ""),
        "not_switched_because": ("Why not", ""),
        "slates_removed_at": ("Recommendations cleared away", TIME),
    },
    "study": {},
    "evaluation": {
        "num_users": ("Asked about", "end users"),
        "num_targets": ("Looked for", "items they chose"),
        "baseline": ("Strongest baseline", ALGORITHM),
    },
}
SETTINGS: dict[str, tuple[str, str]] = {
    "width": ("Width of embeddings", ""),
    "num_blocks": ("Transformer blocks", ""),
    "num_heads": ("Attention heads", ""),
    "max_length": ("History seen at once", "events"),
    "dropout": ("Dropout", SHARE),
    "temperature": ("Temperature of cosines", ""),
    "num_candidates": ("Candidates in the loss, 0 for all", "items"),
    "own_dropout": ("Items reduced to their features", SHARE),
    "use_positions": ("Sees places in the window", ""),
    "use_gaps": ("Sees gaps of time", ""),
    "use_kinds": ("Sees kinds and values", ""),
    "use_features": ("Sees titles and categories", ""),
    "learning_rate": ("Learning rate", ""),
    "warmup_steps": ("Warm-up", "steps"),
    "cooling": ("Learning rate at the end", SHARE),
    "weight_decay": ("Weight decay", ""),
    "gradient_norm": ("Longest gradient", ""),
    "tokens_per_batch": ("Batch", "events"),
    "max_epochs": ("At most", "passes"),
    "patience": ("Ends after", "passes without a gain"),
    "max_seconds": ("Time limit", "s"),
    "num_members": ("Networks averaged, at most", ""),
    "validation_users": ("Validation, at most", "end users"),
    "checkpoint_seconds": ("Checkpoint every", "s"),
    "seed": ("Seed", ""),
    "algorithm": ("Ranked by", ""),
    "switch": ("Takes over when done", ""),
    "is_simulated": ("Simulated population", ""),
    "dry_run": ("Dry run", ""),
    "strict": ("Refused if a row is bad", ""),
    "uploaded": ("Uploaded", ""),
    "budget_seconds": ("Time for choosing settings", "s"),
    "request_time": ("Time of the request", ""),
    "repeats": ("May name what was seen", ""),
    "ties": ("Events at the same time", ""),
    "algorithms": ("Algorithms", ""),
}


def results(kind: str, values: dict[str, Any]) -> list[Fact]:
    """Return what came of a run of a kind."""
    if kind == "import" and "files" in values:
        values = values | imports.totals(values)
    return [
        _fact(key, values[key], name, unit, values)
        for key, (name, unit) in RESULTS[kind].items()
        if not _is_empty(values.get(key))
    ]


def settings(kind: str, told: dict[str, Any], values: dict[str, Any]) -> list[Fact]:
    """Return with which settings a run worked: all that it used where its results hold them."""
    used = values.get("settings") if kind == "training" else None
    chosen = {**told, **(used or {})}
    order = [key for key in SETTINGS if key in chosen]
    order += sorted(key for key in chosen if key not in SETTINGS)
    return [
        _fact(key, chosen[key], *SETTINGS.get(key, (_words(key), "")), chosen)
        for key in order
        if not _is_empty(chosen[key]) and not isinstance(chosen[key], dict)
    ]


def _fact(key: str, value: Any, name: str, unit: str, values: dict[str, Any]) -> Fact:
    if unit == TIME:
        return Fact(name, _moment(value), TIME)
    if unit == PASS:
        num_passes = len((values.get("curves") or {}).get("loss", ()))
        return Fact(name, value + 1, f"of {num_passes:,}" if num_passes else "")
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return Fact(name, ", ".join(str(part) for part in value), unit)
    return Fact(name, value, unit)


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()
