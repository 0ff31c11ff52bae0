"""Settings that somebody chose in place of the usual ones."""

from __future__ import annotations

from typing import Any

from interests.models import ChosenSettings, TrainingRun

# What belongs to the network's training stands among its changes.
CHANGES = "changes."


def settings_of(algorithm: str) -> dict[str, Any]:
    """Return the chosen settings of an algorithm by name, empty where its usual ones count; one query."""
    row = ChosenSettings.objects.filter(algorithm=algorithm).first()
    return dict(row.settings) if row else {}


def who_chose(algorithm: str) -> str:
    """Say who chose an algorithm's settings, and by which study; "" where nobody did; one query."""
    row = ChosenSettings.objects.filter(algorithm=algorithm).select_related("chosen_by").first()
    if row is None:
        return ""
    who = row.chosen_by.get_username() if row.chosen_by else "a command"
    return f"chosen by {who}" + (f", study {row.study_number}" if row.study_number else "")


def training_settings(run: TrainingRun) -> dict[str, Any]:
    """Return the chosen settings of a training of a network, as `TrainingConfig` names them; one query."""
    chosen = settings_of(run.network)
    return {name.removeprefix(CHANGES): value for name, value in chosen.items()}
