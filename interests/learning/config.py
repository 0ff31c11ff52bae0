"""What a training can be told; every field is part of the run's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch

from interests.datasets.log import InteractionLog
from interests.learning import costs, devices

# Events from which data counts as large: wider, less dropout, longer histories and batches.
LARGE = 500_000
# Items that stand for a larger catalogue in the loss of a batch.
CANDIDATES = 2048
# Networks to average where the time allows.
MEMBERS = 4
# Mean number of events a person below which histories count as short.
SHORT_HISTORY = 30
# About so many steps make a pass over small data.
STEPS_PER_PASS = 100
# Passes that a network should be able to make in its time.
PASSES = 15
# What reads a history: `networks.building` has the class of each.
TRANSFORMER, GRU, LSTM, CNN, BIDIRECTIONAL = "transformer", "gru", "lstm", "cnn", "bidirectional"
ENCODERS = (TRANSFORMER, GRU, LSTM, CNN, BIDIRECTIONAL)
# How several interests are made of a history.
ATTENTION, CAPSULES = "attention", "capsules"
ROUTINGS = (ATTENTION, CAPSULES)
RMS, LAYER, BATCH, NONE = "rms", "layer", "batch", "none"
NORMS = (RMS, LAYER, BATCH, NONE)
ADAMW, ADAM, SGD = "adamw", "adam", "sgd"
OPTIMIZERS = (ADAMW, ADAM, SGD)
CHOICES = {"encoder": ENCODERS, "routing": ROUTINGS, "norm": NORMS, "optimizer": OPTIMIZERS}
# Settings that older releases did not have. Where one is as it was without them, it goes unsaid in what tells
# trainings apart, so that a training which an older release began goes on.
LATER = (
    "encoder", "num_interests", "routing", "norm", "hidden_share", "crop", "mask", "reorder", "optimizer",
    "l1",
)  # fmt: skip


class BadSettings(ValueError):
    """A setting is unknown or out of range; the message names it and says what would be right."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training.

    Attributes:
        width: length of all embeddings and hidden states, a multiple of `num_heads`. Scoring everybody
            costs in proportion to it.
        encoder: what reads a history, one of `ENCODERS`: a causal transformer, gated recurrent units,
            long short-term memory, causal dilated convolutions, or a transformer that looks both ways.
        num_blocks: blocks of the encoder, one after the other. More than two gained nothing on small sparse data.
        num_heads: attention heads of a transformer's block.
        num_interests: vectors that a person has; the one that an item suits best scores it. Only one
            network can be trained of several, and the bidirectional transformer has one.
        routing: how several are made of a history, one of `ROUTINGS`; see `networks.interests`.
        norm: what hidden states are normalised by, one of `NORMS`: their root mean square, their mean and
            variance, those of each unit over a batch (of each process its own), or nothing.
        max_length: events of a history that the network sees at once, the last ones.
        dropout: share of the hidden units dropped in training, 0 to below 1; more for less data.
        temperature: what cosines of hidden states and items are divided by; 0 scores by products.
        num_candidates: about so many items stand for the catalogue in the loss of a batch, beside its
            own targets; 0, or as many as there are items, is the whole catalogue.
        trend: how much it counts in answers what is chosen more often now than usual: so many times the log
            of that ratio is added to an item's score, see `trend`; 0 for not at all. Training does
            without. Next events of one visit want 0 to 1, people who come back after days up to 4.
        trend_half_life: the share of all events after which an event counts half as recent.
        own_dropout: share of the items that are reduced to their features in a training batch, so that
            items without events get a place.
        hidden_share: of the events, hidden in a pass of the bidirectional transformer while it is warm;
            once cool, only what comes next is. Above 0, below 1.
        crop: share of a window that is left out at its ends in training, 0 to below 1.
        mask: share of the items that are hidden in training inputs, 0 to below 1.
        reorder: share of a window that is shuffled in training, 0 to 1. Of these three augmentations the
            first and the last are for one window in two.
        use_positions, use_gaps, use_kinds, use_features: whether the network sees an event's place in
            the window, the time since the one before, its kind and value; its item's title and categories.
        optimizer: one of `OPTIMIZERS`; `sgd` has momentum, and wants a learning rate of about 1.
        learning_rate: of the optimizer, after the warm-up.
        cooling: what the learning rate is multiplied by, once, when validation stands still or the end
            of the time or of the passes is near; training then goes on from the best pass.
        warmup_steps: steps over which the learning rate rises from 0.
        weight_decay: of matrices and embeddings; biases and norms have none. AdamW takes it off the
            weights, the others add it to their gradients (L2).
        l1: how much of their size matrices and embeddings lose in a step, times the learning rate; what
            would change its sign becomes 0.
        gradient_norm: gradients longer than this are shortened to it.
        tokens_per_batch: events in a batch, padding counted.
        max_epochs: passes over the data after which training ends even if it still gets better.
        patience: passes without a better validation NDCG@10 after which the learning rate falls; half
            as many of them after that end the training.
        max_seconds: time after which no further pass is begun; None is no limit. Counted over all
            attempts of a run.
        num_members: networks that are trained from different seeds and averaged; a further one is begun
            only where `max_seconds` leaves it as much time as those before it took.
        validation_users: at most this many end users' last events are kept out and validated on.
        checkpoint_seconds: the longest time that a killed training loses.
        seed: of weights, batches, dropout, and the choice of validation users.
    """

    width: int = 64
    encoder: str = TRANSFORMER
    num_blocks: int = 2
    num_heads: int = 2
    num_interests: int = 1
    routing: str = ATTENTION
    norm: str = RMS
    max_length: int = 50
    dropout: float = 0.3
    temperature: float = 0.1
    num_candidates: int = 0
    trend: float = 0.5
    trend_half_life: float = 0.02
    own_dropout: float = 0.1
    hidden_share: float = 0.3
    crop: float = 0.0
    mask: float = 0.0
    reorder: float = 0.0
    use_positions: bool = True
    use_gaps: bool = True
    use_kinds: bool = True
    use_features: bool = True
    optimizer: str = ADAMW
    learning_rate: float = 1e-3
    cooling: float = 0.1
    warmup_steps: int = 100
    weight_decay: float = 0.05
    l1: float = 0.0
    gradient_norm: float = 1.0
    tokens_per_batch: int = 4096
    max_epochs: int = 60
    patience: int = 4
    max_seconds: float | None = None
    num_members: int = 1
    validation_users: int = 2000
    checkpoint_seconds: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, among in CHOICES.items():
            if getattr(self, name) not in among:
                raise BadSettings(
                    f"{name} must be one of {', '.join(among)}, not {getattr(self, name)!r}."
                )
        at_least_one = (
            "width", "num_heads", "num_interests", "max_length", "warmup_steps", "tokens_per_batch",
            "max_epochs", "patience", "validation_users", "num_members",
        )  # fmt: skip
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} must be 1 or more, not {getattr(self, name)}.")
        if self.num_blocks < 1 and (self.num_blocks < 0 or self.num_interests == 1):
            raise BadSettings(
                f"num_blocks must be 1 or more, not {self.num_blocks}; 0 only with several interests."
            )
        for name in ("dropout", "own_dropout", "crop", "mask"):
            if not 0 <= getattr(self, name) < 1:
                raise BadSettings(f"{name} must be 0 or more and below 1.")
        if self.width % (2 * self.num_heads):
            raise BadSettings(f"width must be a multiple of 2 * num_heads = {2 * self.num_heads}.")
        for name in ("temperature", "num_candidates", "trend", "l1"):
            if getattr(self, name) < 0:
                raise BadSettings(f"{name} must be 0 or more, not {getattr(self, name)}.")
        for name in ("cooling", "trend_half_life"):
            if not 0 < getattr(self, name) <= 1:
                raise BadSettings(
                    f"{name} must be above 0 and at most 1, not {getattr(self, name)}."
                )
        if self.learning_rate <= 0 or self.gradient_norm <= 0 or self.weight_decay < 0:
            raise BadSettings(
                "learning_rate and gradient_norm must be above 0, weight_decay not below."
            )
        if not 0 < self.hidden_share < 1 or not 0 <= self.reorder <= 1:
            raise BadSettings(
                "hidden_share must be above 0 and below 1, reorder at least 0 and at most 1."
            )
        if self.num_interests > 1 and (self.num_members > 1 or self.encoder == BIDIRECTIONAL):
            raise BadSettings(
                "With several interests num_members must be 1, and encoder not bidirectional: best"
                " interests cannot be averaged, and a mask has one state."
            )

    @classmethod
    def for_data(
        cls,
        log: InteractionLog,
        *,
        budget_seconds: float | None = None,
        device: torch.device | None = None,
        **changes: Any,
    ) -> TrainingConfig:
        """Return settings that suit the amount of data and the time, with `changes` on top.

        With a budget the training ends in time; what is not needed for one network goes into further
        ones to average, and where a pass would take too long, the network gets narrower.

        Args:
            device: to be trained on, by default the GPU if there is one.

        Raises:
            BadSettings: a change is unknown or out of range.
        """
        num_items = int(np.count_nonzero(np.bincount(log.items)))
        suited = _suited(log, num_items=num_items)
        if budget_seconds is not None:
            suited |= _in_time(
                suited,
                num_events=log.num_events,
                num_items=num_items,
                budget_seconds=budget_seconds,
                rate=costs.matrix_rate(device or devices.best()),
            )
        if changes.get("num_interests", 1) != 1:
            suited["num_members"] = 1
        return cls.from_dict(suited | changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """Return the settings in a dict, the rest by default.

        Raises:
            BadSettings: a setting is unknown, of another type, or out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise BadSettings(f"There is no setting {name!r}. There are: {', '.join(known)}.")
        try:
            return cls(**values)
        except TypeError as error:
            raise BadSettings(f"A setting has the wrong type: {error}.") from error

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as plain values."""
        return asdict(self)

    def telling(self) -> dict[str, Any]:
        """Return the settings that tell this training from others."""
        usual = {field.name: field.default for field in fields(self)}
        return {
            name: value
            for name, value in self.to_dict().items()
            if name not in LATER or value != usual[name]
        }


def _suited(log: InteractionLog, *, num_items: int) -> dict[str, Any]:
    """Return what suits the data, whatever it costs."""
    num_events = log.num_events
    lengths = np.bincount(log.users, minlength=1)
    lengths = lengths[lengths > 0] if num_events else np.ones(1, np.int64)
    is_large, is_short = num_events >= LARGE, lengths.mean() < SHORT_HISTORY
    return {
        # Few events a person say little each: a wide network with sharp cosines makes the most of
        # them. Where histories are long, popularity and taste need the softer ones.
        "width": 128 if is_large or is_short else 64,
        "temperature": 0.1 if is_short else 0.2,
        # A power of two that holds the histories of most. On small data 50 events at once taught
        # more than 200: more windows, more steps in a pass.
        "max_length": _power_of_two(np.quantile(lengths, 0.95), 16, 200 if is_large else 50),
        "dropout": 0.2 if is_large else 0.4,
        "learning_rate": 1e-3 if is_large else 2e-3,
        "tokens_per_batch": _power_of_two(num_events / STEPS_PER_PASS, 512, 4096),
        "num_candidates": CANDIDATES if num_items > 2 * CANDIDATES else 0,
    }


def _power_of_two(value: float, lowest: int, highest: int) -> int:
    """Return the least power of two that is not below a value, within bounds."""
    return int(np.clip(2 ** np.ceil(np.log2(max(value, 1))), lowest, highest))


def _in_time(
    suited: Mapping[str, Any],
    *,
    num_events: int,
    num_items: int,
    budget_seconds: float,
    rate: float,
) -> dict[str, Any]:
    """Return changes with which a training comes to its end within the time."""
    changes: dict[str, Any] = {"max_seconds": budget_seconds, "num_members": MEMBERS}
    narrower = {"width": suited["width"] // 2}
    for smaller in ({}, {"num_candidates": CANDIDATES // 2}, narrower):
        if smaller.get("num_candidates", 0) < num_items:
            changes |= smaller
        settings = {**suited, **changes}
        seconds = costs.seconds_per_pass(
            num_targets=num_events,
            width=settings["width"],
            num_blocks=TrainingConfig.num_blocks,
            num_scored=settings["num_candidates"] or num_items,
            operations_per_second=rate,
        )
        if PASSES * seconds <= budget_seconds:
            break
    return changes
