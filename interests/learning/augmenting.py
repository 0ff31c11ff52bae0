"""What a pass of a training sees of the histories: all, unless settings have parts left out, hidden or shuffled.

Xie et al., "Contrastive Learning for Sequential Recommendation" (CL4SRec), ICDE 2022, has cropping, masking and
reordering; here they change what the next events are told from, and there is no loss beside. Masks that are
to be filled in are those of BERT4Rec.

Legend: E events, W windows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from interests.learning.config import BIDIRECTIONAL, TrainingConfig
from interests.learning.sequences import Histories, Windows, rows_and_places, training_windows

# Of the windows, cropped and reordered: the others stay as they were, which is how a network is asked later.
CHANGED_SHARE = 0.5


def pass_over(
    own: Histories, *, config: TrainingConfig, is_cool: bool, random: np.random.Generator
) -> tuple[Histories, Windows]:
    """Return histories and windows as one pass sees them: whole ones where no setting says otherwise.

    Args:
        is_cool: whether the learning rate has fallen: a bidirectional network is then asked for what comes
            next alone.
    """
    windows = training_windows(own, max_length=config.max_length, random=random)
    if config.crop:
        windows = cropped(windows, share=config.crop, random=random)
    if config.reorder:
        own = reordered(own, windows, share=config.reorder, random=random)
    if config.encoder == BIDIRECTIONAL:
        share = 0.0 if is_cool else config.hidden_share
        own = masked(own, windows, share=share, random=random)
    if config.mask:
        is_hidden = random.random(len(own.items)) < config.mask
        before = own.is_hidden
        own = replace(own, is_hidden=is_hidden if before is None else before | is_hidden)
    return own, windows


def cropped(windows: Windows, *, share: float, random: np.random.Generator) -> Windows:
    """Leave out a share of some windows at their ends, so that a stretch from within remains."""
    count = len(windows.lengths)
    kept = np.maximum(np.round((1 - share) * windows.lengths).astype(np.int64), 1)
    kept = np.where(random.random(count) < CHANGED_SHARE, kept, windows.lengths)
    skipped = random.integers(0, windows.lengths - kept + 1)
    return Windows(windows.starts + skipped, kept)


def reordered(
    own: Histories, windows: Windows, *, share: float, random: np.random.Generator
) -> Histories:
    """Shuffle a stretch, a share of the window, in some windows: each event with all that is known of it.

    Nothing comes from outside of a window into it, so no network sees what it is asked for later.
    """
    count = len(windows.lengths)
    sizes = np.round(share * windows.lengths).astype(np.int64)
    sizes = np.where(random.random(count) < CHANGED_SHARE, sizes, 0)
    starts = windows.starts + random.integers(0, windows.lengths - sizes + 1)
    rows, places = rows_and_places(starts, sizes)
    order = np.arange(len(own.items))
    order[places] = places[np.lexsort((random.random(len(places)), rows))]
    return replace(
        own,
        items=own.items[order],
        kinds=own.kinds[order],
        gaps=own.gaps[order],
        is_target=own.is_target[order],
        events=own.events[order],
    )


def masked(
    own: Histories, windows: Windows, *, share: float, random: np.random.Generator
) -> Histories:
    """Hide a share of the targets; ask for those, for what comes after each window, and for nothing else."""
    is_hidden = own.is_target & (random.random(len(own.items)) < share)
    is_next: NDArray[np.bool_] = np.zeros(len(own.items) + 1, bool)
    is_next[windows.starts + windows.lengths] = True
    return replace(own, is_hidden=is_hidden, is_target=own.is_target & (is_hidden | is_next[:-1]))
