"""Items like those that an end user chose, by what is said about them or by the company they keep in histories.

Each item has a vector. An end user's profile is the mean of the vectors of his items, late choices counting more, what he
spoke against counting below 0; items are compared with it. What the vectors are is the algorithms' only difference:
counts of words, TF-IDF, mean vectors of words learned from the catalogue, or vectors learned from histories
(item2vec: Barkan and Koenigstein, 2016). Profiles of that kind go back to Pazzani and Billsus (1997).

Legend: b end users, N items, W numbers in a vector, E events.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from interests.datasets.log import InteractionLog
from recommender.algorithms import closeness, embeddings, limits, texts
from recommender.algorithms.closeness import COSINE, EUCLIDEAN, PEARSON, Vectors
from recommender.algorithms.protocol import (
    CannotFit,
    Report,
    answer_strangers,
    event_counts,
    popularity,
)

RANKED = "ranked"
TOP_N = "top_n"
THRESHOLD = "threshold"
GENERATIONS = (RANKED, TOP_N, THRESHOLD)


@dataclass(frozen=True)
class ContentSettings:
    """How items are compared with a profile, and what follows from it.

    Attributes:
        similarity: "cosine", "euclidean" or "pearson", see `closeness`.
        generation: "ranked": all items, the likest first. "top_n": the `size` likest items come first, the most
            chosen of them at the top, then all others, the likest first. "threshold": the same with those that are at
            least `least` alike.
        half_life: how many events of an end user ago a choice counts half as much as the last one; None: all
            count alike.
        size: candidates of "top_n".
        least: similarity of candidates of "threshold".
    """

    similarity: str = COSINE
    generation: str = RANKED
    half_life: float | None = 2.0
    size: int = 100
    least: float = 0.5


@dataclass(frozen=True)
class EmbeddingSettings(ContentSettings):
    """How the vectors are learned, and how items are compared by them.

    Attributes:
        width: numbers in a vector, 1 or more.
    """

    width: int = 64


@dataclass(frozen=True)
class Item2VecSettings(EmbeddingSettings):
    """How the vectors are learned, and how items are compared by them.

    Attributes:
        window: how many events apart two items of one history count as together, 1 or more.
        negatives: what the shift of `embeddings.positive_information` stands for, 1 or more.
    """

    window: int = 3
    negatives: float = 1.0


@dataclass(frozen=True)
class FittedContent:
    """Vectors of the items. vectors: [N, W]; is_known: which items can be scored [N]; popularity: [N]"""

    vectors: Vectors
    is_known: NDArray[np.bool_]
    popularity: NDArray[np.float32]
    settings: ContentSettings
    shared_seconds: float = 0.0

    def scores(
        self,
        histories: InteractionLog,
        *,
        users: NDArray[np.int32],
        request_times: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        settings = self.settings
        weights = signed_choices(histories, users=users, half_life=settings.half_life)  # [b, N]
        profiles = weights @ self.vectors  # [b, W]
        scores = closeness.closeness(profiles, self.vectors, similarity=settings.similarity)
        scores[:, ~self.is_known] = -np.inf
        if settings.generation != RANKED:
            _put_first(scores, _candidates(scores, settings), popularity=self.popularity)
        # Whoever chose nothing, or nothing of which anything is said.
        spoken_for = (weights > 0) @ _has_vector(self.vectors).astype(np.float32)
        answer_strangers(scores, has_history=spoken_for > 0, popularity=self.popularity)
        return scores


@dataclass(frozen=True)
class _Last:
    """The last vectors: settings that only compare otherwise share them."""

    log: InteractionLog
    made_from: ContentSettings
    seed: int
    vectors: Vectors
    seconds: float


class Content:
    """What algorithms of this file have in common; each says what its vectors are."""

    name = ""
    is_baseline = False
    reads_order = True
    scores_new_items = True
    shares_fits = True

    def __init__(self) -> None:
        self._last: _Last | None = None

    def grid(self) -> Sequence[ContentSettings]:
        return _ways(ContentSettings())

    def fit(
        self,
        log: InteractionLog,
        *,
        settings: ContentSettings,
        seed: int,
        budget_seconds: float | None = None,
        report: Report | None = None,
    ) -> FittedContent:
        _check(self.name, settings)
        counts = event_counts(log)
        if not counts.any():
            raise CannotFit(
                f"There are no events to know people by: {self.name} needs at least one."
            )
        # What only compares is taken out, so that equal means equal vectors.
        made_from = replace(
            settings, similarity=COSINE, generation=RANKED, half_life=None, size=1, least=0.0
        )
        last, shared = self._last, 0.0
        if last and last.log is log and (last.made_from, last.seed) == (made_from, seed):
            shared = last.seconds
        else:
            began = time.perf_counter()
            vectors = self.vectors(log, settings=settings, seed=seed)
            last = _Last(log, made_from, seed, vectors, time.perf_counter() - began)
            self._last = last
        is_known = counts > 0
        if self.scores_new_items:
            is_known |= _has_vector(last.vectors)
        return FittedContent(last.vectors, is_known, popularity(log), settings, shared)

    def vectors(self, log: InteractionLog, *, settings: ContentSettings, seed: int) -> Vectors:
        """Return the vectors of all items, zeros where nothing is known. [N, W]"""
        raise NotImplementedError


class BagOfWords(Content):
    """Items by the counts of their words and categories (Pazzani and Billsus, 1997)."""

    name = "bag_of_words"

    def vectors(self, log: InteractionLog, *, settings: ContentSettings, seed: int) -> Vectors:
        return _words(self.name, log).counts


class TfIdf(Content):
    """Items by their words and categories, rare words counting more (Salton and Buckley, 1988)."""

    name = "tfidf"

    def vectors(self, log: InteractionLog, *, settings: ContentSettings, seed: int) -> Vectors:
        return texts.tf_idf(_words(self.name, log))


class WordEmbeddings(Content):
    """Items by the mean vector of their words, near where they stand beside the same (Levy and Goldberg, 2014)."""

    name = "word_embeddings"

    def grid(self) -> Sequence[ContentSettings]:
        return _ways(EmbeddingSettings())

    def vectors(self, log: InteractionLog, *, settings: ContentSettings, seed: int) -> Vectors:
        assert isinstance(settings, EmbeddingSettings)
        words = _words(self.name, log)
        stands = words.counts.astype(bool).astype(np.float32)
        # Each word stands beside itself, too, or those without other company would mean nothing.
        together = sparse.csr_array(stands.T @ stands)
        of_words = embeddings.vectors_of(together, width=settings.width, seed=seed)  # [W, d]
        return np.asarray(texts.tf_idf(words) @ of_words, np.float32)


class Item2Vec(Content):
    """Items by their company in histories: skip-gram, factorised (Barkan and Koenigstein, 2016)."""

    name = "item2vec"
    is_baseline = True
    scores_new_items = False

    def grid(self) -> Sequence[ContentSettings]:
        return _ways(Item2VecSettings(width=128))

    def vectors(self, log: InteractionLog, *, settings: ContentSettings, seed: int) -> Vectors:
        assert isinstance(settings, Item2VecSettings)
        together = together_in_histories(log, window=settings.window)
        return embeddings.vectors_of(
            together, width=settings.width, seed=seed, negatives=settings.negatives
        )


def signed_choices(
    log: InteractionLog, *, users: NDArray[np.int32], half_life: float | None = None
) -> sparse.csr_array:
    """Return what each of a user's items counts in his profile; the parts of a row sum to 1 without signs. [b, N]

    Args:
        half_life: with it, an event counts half for every `half_life` events since. Negative events count
            below 0; of several events on one item the last counts.
    """
    starts, ends = log.offsets[users], log.offsets[users + 1]
    lengths = ends - starts
    rows = np.repeat(np.arange(len(users)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    events = np.repeat(starts, lengths) + within
    since = np.repeat(lengths, lengths) - 1 - within
    weights = np.ones(len(events)) if half_life is None else 0.5 ** (since / half_life)
    weights = np.where(log.is_negative[events], -weights, weights)
    # The last event on an item comes first among the reversed.
    keys, last = np.unique((rows * log.num_items + log.items[events])[::-1], return_index=True)
    rows, columns, weights = keys // log.num_items, keys % log.num_items, weights[::-1][last]
    totals = np.bincount(rows, np.abs(weights), minlength=len(users))
    cells = (weights / np.maximum(totals, 1e-300)[rows]).astype(np.float32)
    return sparse.csr_array((cells, (rows, columns)), shape=(len(users), log.num_items))


def together_in_histories(log: InteractionLog, *, window: int) -> sparse.csr_array:
    """Count how often two items stand at most `window` events apart in a history, both ways. [N, N]"""
    chosen = log.take(~log.is_negative)
    pairs = [np.empty((2, 0), np.int32)]
    for apart in range(1, window + 1):
        pair = np.stack([chosen.items[:-apart], chosen.items[apart:]])
        pairs.append(pair[:, chosen.users[apart:] == chosen.users[:-apart]])
    first, second = np.concatenate(pairs, axis=1)
    places = (np.concatenate([first, second]), np.concatenate([second, first]))
    ones = np.ones(len(places[0]), np.float32)
    together = sparse.csr_array((ones, places), shape=(log.num_items, log.num_items))
    together.sum_duplicates()
    together.setdiag(0)
    together.eliminate_zeros()
    return together


def _ways(usual: ContentSettings) -> tuple[ContentSettings, ...]:
    """Return the usual settings, then other ways to compare."""
    return (
        usual,
        replace(usual, half_life=10.0),
        replace(usual, similarity=PEARSON),
        replace(usual, similarity=EUCLIDEAN),
        replace(usual, generation=TOP_N),
        replace(usual, generation=THRESHOLD),
        replace(usual, generation=THRESHOLD, least=0.3),
    )


def _candidates(scores: NDArray[np.float32], settings: ContentSettings) -> NDArray[np.bool_]:
    """Mark the candidates among the items; none is outside the known ones. [b, N]"""
    if settings.generation == THRESHOLD:
        return np.asarray(scores >= settings.least)
    size = min(settings.size, scores.shape[1])
    lowest = np.partition(scores, -size, axis=1)[:, -size, None]
    return np.asarray((scores >= lowest) & np.isfinite(scores))


def _put_first(
    scores: NDArray[np.float32],
    is_candidate: NDArray[np.bool_],
    *,
    popularity: NDArray[np.float32],
) -> None:
    """Lift candidates above all others, in order of their events, then of likeness. Changes `scores`."""
    counts = np.where(np.isfinite(popularity), popularity, 0)
    # Likeness is from -1 to 1: a quarter of it never outweighs one event.
    lifted = 2 + counts + scores / 4
    scores[is_candidate] = lifted[is_candidate]


def _has_vector(vectors: Vectors) -> NDArray[np.bool_]:
    if sparse.issparse(vectors):
        return np.diff(vectors.indptr) > 0
    return np.asarray(np.asarray(vectors).any(axis=1))


def _words(name: str, log: InteractionLog) -> texts.Words:
    words = texts.words_of(log.catalogue)
    if not words.names:
        raise CannotFit(
            f"{name} compares items by words and categories, and no two items share one. Bring titles, "
            "descriptions or categories (items.csv)."
        )
    return words


def _check(name: str, settings: ContentSettings) -> None:
    limits.insist(name, settings, half_life=limits.ABOVE_0, negatives=limits.ABOVE_0)
    if settings.similarity not in closeness.NAMES or settings.generation not in GENERATIONS:
        raise CannotFit(
            f"{name} knows the similarities {', '.join(closeness.NAMES)} and the generations "
            f"{', '.join(GENERATIONS)}."
        )
    if settings.size < 1 or (isinstance(settings, EmbeddingSettings) and settings.width < 1):
        raise CannotFit(f"{name} needs a size and a width of at least 1.")
