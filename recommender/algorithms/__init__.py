"""Algorithms by name. Their modules are imported when asked for: the network's brings torch."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple, cast

from recommender.algorithms.protocol import Algorithm


class Entry(NamedTuple):
    """Where an algorithm is found, and what a list of them says about it.

    Attributes:
        module: of this package
        class_name: made without arguments; options are for callers who know it
        family: one of `FAMILIES`
        summary: what it does, in one line
    """

    module: str
    class_name: str
    family: str
    summary: str


WITHOUT_A_PERSON = "without a person"
NEIGHBOURS = "neighbours"
FACTORS = "factors and linear"
CONTENT = "content"
INTEREST = "interest as yes or no, or a rating"
ORDER = "order"
EXPLORATION = "exploration"
FUSION = "fusion"
FAMILIES = (
    WITHOUT_A_PERSON, NEIGHBOURS, FACTORS, CONTENT, INTEREST, ORDER, EXPLORATION, FUSION,
)  # fmt: skip

# In the order in which tables list them.
REGISTRY = {
    "most_popular": Entry(
        "popularity", "MostPopular", WITHOUT_A_PERSON, "Items by their number of events."
    ),
    "recently_popular": Entry(
        "popularity", "RecentlyPopular", WITHOUT_A_PERSON, "Items by their events of late."
    ),
    "trending": Entry(
        "trending", "Trending", WITHOUT_A_PERSON, "Items by their events of late above their usual."
    ),
    "latest": Entry(
        "latest", "Latest", WITHOUT_A_PERSON, "Items by their first event, newest first."
    ),
    "random": Entry(
        "chance", "Random", WITHOUT_A_PERSON, "Items by chance: the floor for all others."
    ),
    "context_popular": Entry(
        "context",
        "ContextPopular",
        WITHOUT_A_PERSON,
        "Items that this hour, weekday and device have more of than others.",
    ),
    "attribute_popular": Entry(
        "attribute_popular",
        "AttributePopular",
        WITHOUT_A_PERSON,
        "Items that people with the same attributes choose.",
    ),
    "item_knn": Entry(
        "neighbours", "ItemKNN", NEIGHBOURS, "Items chosen by the same people, by cosine."
    ),
    "item_knn_adjusted": Entry(
        "nearest",
        "ItemKNNAdjusted",
        NEIGHBOURS,
        "Items chosen by the same people, by adjusted cosine.",
    ),
    "item_knn_pearson": Entry(
        "nearest",
        "ItemKNNPearson",
        NEIGHBOURS,
        "Items chosen by the same people, by Pearson's correlation.",
    ),
    "item_knn_jaccard": Entry(
        "nearest",
        "ItemKNNJaccard",
        NEIGHBOURS,
        "Items chosen by the same people, by Jaccard's index.",
    ),
    "item_knn_euclidean": Entry(
        "nearest",
        "ItemKNNEuclidean",
        NEIGHBOURS,
        "Items chosen by the same people, by Euclidean distance.",
    ),
    "item_knn_manhattan": Entry(
        "nearest",
        "ItemKNNManhattan",
        NEIGHBOURS,
        "Items chosen by the same people, by Manhattan distance.",
    ),
    "user_knn": Entry(
        "nearest", "UserKNN", NEIGHBOURS, "What people with like choices chose, by cosine."
    ),
    "user_knn_adjusted": Entry(
        "nearest",
        "UserKNNAdjusted",
        NEIGHBOURS,
        "What people with like choices chose, by adjusted cosine.",
    ),
    "user_knn_pearson": Entry(
        "nearest",
        "UserKNNPearson",
        NEIGHBOURS,
        "What people with like choices chose, by Pearson's correlation.",
    ),
    "user_knn_jaccard": Entry(
        "nearest",
        "UserKNNJaccard",
        NEIGHBOURS,
        "What people with like choices chose, by Jaccard's index.",
    ),
    "user_knn_euclidean": Entry(
        "nearest",
        "UserKNNEuclidean",
        NEIGHBOURS,
        "What people with like choices chose, by Euclidean distance.",
    ),
    "user_knn_manhattan": Entry(
        "nearest",
        "UserKNNManhattan",
        NEIGHBOURS,
        "What people with like choices chose, by Manhattan distance.",
    ),
    "item_knn_decayed": Entry(
        "decayed", "ItemKNNDecayed", NEIGHBOURS, "Items chosen shortly before or after each other."
    ),
    "user_knn_decayed": Entry(
        "decayed", "UserKNNDecayed", NEIGHBOURS, "What people chose who share the latest choices."
    ),
    "knn_regression": Entry(
        "knn_regression", "KNNRegression", NEIGHBOURS, "Items by the rating they would get."
    ),
    "als": Entry(
        "factors", "ALS", FACTORS, "Vectors of people and items by alternating least squares."
    ),
    "ease": Entry("linear", "Ease", FACTORS, "Each item from all others, in closed form."),
    "recent_ease": Entry(
        "linear", "RecentEase", FACTORS, "EASE, asked with a history in which late choices count."
    ),
    "svd": Entry(
        "svd", "SVD", FACTORS, "Histories laid onto the strongest directions of all choices."
    ),
    "biased_mf": Entry(
        "biased_mf",
        "BiasedMF",
        FACTORS,
        "Ratings as biases and vectors, by gradient steps with L1 and L2.",
    ),
    "als_explicit": Entry(
        "als_explicit", "ALSExplicit", FACTORS, "Ratings as biases and vectors, by least squares."
    ),
    "bpr": Entry("bpr", "BPR", FACTORS, "Vectors that put what was chosen above what was not."),
    "slim": Entry(
        "slim", "Slim", FACTORS, "Each item from a few others, with sparse weights above 0."
    ),
    "factorisation_machine": Entry(
        "factorisation_machine",
        "FactorisationMachine",
        FACTORS,
        "Pairs of history, item, categories, kinds and time of day, learned as a ranking.",
    ),
    "bag_of_words": Entry(
        "content", "BagOfWords", CONTENT, "Items with the same words and categories, by counts."
    ),
    "tfidf": Entry("content", "TfIdf", CONTENT, "Items with the same words; rare ones count more."),
    "word_embeddings": Entry(
        "content", "WordEmbeddings", CONTENT, "Items with like words, as the catalogue uses them."
    ),
    "item2vec": Entry(
        "content", "Item2Vec", CONTENT, "Items with the same company in histories (skip-gram)."
    ),
    "content_factors": Entry(
        "content_factors",
        "ContentFactors",
        CONTENT,
        "Factors, and new items by what is said about them.",
    ),
    "logistic_regression": Entry(
        "classifiers", "LogisticRegression", INTEREST, "P(y=1|x) = σ(θᵀx) of features of a pair."
    ),
    "linear_regression": Entry(
        "classifiers", "LinearRegression", INTEREST, "Yes as 1 and no as 0, by least squares."
    ),
    "svm": Entry("classifiers", "SVM", INTEREST, "The widest margin between yes and no."),
    "decision_tree": Entry("trees", "DecisionTree", INTEREST, "One tree of questions."),
    "random_forest": Entry("trees", "RandomForest", INTEREST, "The mean of many trees."),
    "gradient_boosting": Entry(
        "trees", "GradientBoosting", INTEREST, "Trees that each mend what those before left over."
    ),
    "mlp": Entry("deep_classifiers", "MLP", INTEREST, "A perceptron 128-64-1 with a sigmoid."),
    "lstm_classifier": Entry(
        "lstm_classifier",
        "LSTMClassifier",
        INTEREST,
        "A two-layer LSTM over the history, with a sigmoid over it and the candidate.",
    ),
    "markov": Entry("markov", "Markov", ORDER, "Items by how often they came after the last ones."),
    "hidden_markov": Entry(
        "hidden_markov", "HiddenMarkov", ORDER, "Items by the mood that somebody is likely in."
    ),
    "cnn": Entry("network", "CNN", ORDER, "Causal dilated convolutions over the history."),
    "gru": Entry("network", "GRU", ORDER, "Gated recurrent units over the history."),
    "lstm": Entry("network", "LSTM", ORDER, "Long short-term memory over the history."),
    "lightgcn": Entry(
        "graph", "LightGCN", ORDER, "Vectors smoothed over the graph of who chose what."
    ),
    "bidirectional_transformer": Entry(
        "network",
        "BidirectionalTransformer",
        ORDER,
        "A transformer that looks both ways and fills in what is masked.",
    ),
    "multi_interest": Entry(
        "network", "MultiInterest", ORDER, "Several vectors a person, by attention or capsules."
    ),
    "interest_network": Entry(
        "network", "InterestNetwork", ORDER, "A causal transformer over the history; what serves."
    ),
    "weighted_sum": Entry(
        "fusion",
        "WeightedSum",
        FUSION,
        "Several algorithms' scores on one scale, with learned weights.",
    ),
    "reciprocal_rank_fusion": Entry(
        "fusion",
        "ReciprocalRankFusion",
        FUSION,
        "Several algorithms by the reciprocals of their ranks.",
    ),
    "voting": Entry("fusion", "Voting", FUSION, "Several algorithms vote for their first places."),
    "cascade": Entry(
        "fusion", "CascadeFusion", FUSION, "One algorithm chooses candidates, several rank them."
    ),
    "stacking": Entry(
        "stacking", "Stacking", FUSION, "A ranker learned over several algorithms and traits."
    ),
    "feature_fusion": Entry(
        "stacking", "FeatureFusion", FUSION, "A ranker learned over several algorithms' vectors."
    ),
    "fusion": Entry(
        "fusion",
        "BestFusion",
        FUSION,
        "Several algorithms mixed as is best for each group of people.",
    ),
    "epsilon_greedy": Entry(
        "exploration", "EpsilonGreedy", EXPLORATION, "Another algorithm, and now and then any item."
    ),
    "thompson_sampling": Entry(
        "exploration", "ThompsonSampling", EXPLORATION, "Another algorithm, by scores drawn anew."
    ),
    "lin_ucb": Entry(
        "exploration", "LinUCB", EXPLORATION, "Another algorithm, by what items are worth at best."
    ),
}
# In every table, asked for or not (product.md, Measures).
ALWAYS = ("most_popular", "recently_popular")
# What is compared where nothing else is asked for: strong, and done in minutes.
USUAL = (*ALWAYS, "item_knn", "als", "ease", "recent_ease", "interest_network")


class UnknownAlgorithm(Exception):
    """No algorithm has this name; the message lists those that there are."""


def names() -> tuple[str, ...]:
    """Return the names of all algorithms."""
    return tuple(REGISTRY)


def chosen_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the names asked for, with those that are in every table, each once.

    Args:
        wanted: names of algorithms or of families, "usual", or "all".

    Raises:
        UnknownAlgorithm: one of them is not in the registry, or none was given.
    """
    asked = {name.strip() for name in wanted if name.strip()}
    unknown = sorted(asked - {"all", "usual", *REGISTRY, *FAMILIES})
    if unknown or not asked:
        said = (
            f"There is no algorithm {', '.join(map(repr, unknown))}." if unknown else "None given."
        )
        raise UnknownAlgorithm(f"{said} Choose from: {', '.join(REGISTRY)}, usual, or all.")
    if "usual" in asked:
        asked.update(USUAL)
    return tuple(
        name
        for name, entry in REGISTRY.items()
        if "all" in asked or name in asked or entry.family in asked or name in ALWAYS
    )


def make(name: str, **options: Any) -> Algorithm:
    """Return the algorithm of this name; `options` are those of its class, if it has any.

    Raises:
        UnknownAlgorithm: there is none.
    """
    if name not in REGISTRY:
        raise UnknownAlgorithm(
            f"There is no algorithm {name!r}. Choose from: {', '.join(REGISTRY)}."
        )
    entry = REGISTRY[name]
    found = getattr(import_module(f"recommender.algorithms.{entry.module}"), entry.class_name)
    return cast(Algorithm, found(**options))
