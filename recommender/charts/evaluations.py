"""Plain values -> Plotly figures as dicts, and the sentences that stand above them.

No colour is fixed here: a trace says in `meta.role` what it is ("accent" for what the figure is about,
"rest" for what it is held against), and the script that draws it takes the theme's colour for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCENT, REST = "accent", "rest"
NETWORK = "interest_network"
NETWORK_NAME = "Network"
BAR_HEIGHT, FRAME_HEIGHT = 36, 90  # pixels
# A difference with a larger p-value is not called one.
SURE = 0.05
NUMBER_WORDS = {1: "one", 5: "five", 10: "ten", 20: "twenty", 50: "fifty", 100: "hundred"}
# Words in the names of algorithms that are written otherwise.
SHORT_NAMES = {
    "als": "ALS", "bert": "BERT", "bpr": "BPR", "cnn": "CNN", "ease": "EASE", "gru": "GRU", "hmm": "HMM", "knn": "KNN",
    "lightgcn": "LightGCN", "linucb": "LinUCB", "lstm": "LSTM", "mf": "MF", "mlp": "MLP", "pearson": "Pearson",
    "jaccard": "Jaccard", "euclidean": "Euclidean", "manhattan": "Manhattan", "markov": "Markov", "slim": "SLIM",
    "svd": "SVD", "svm": "SVM", "tfidf": "TF-IDF", "thompson": "Thompson", "bow": "Bag of words", "idf": "IDF", "tf": "TF",
}  # fmt: skip
METRIC_NAMES = {
    "ndcg": "NDCG", "recall": "Recall", "precision": "Precision", "map": "MAP", "mrr": "MRR",
    "coverage": "Coverage",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One algorithm's value of the metric shown; `p_value` is that against the baseline."""

    algorithm: str
    value: float
    low: float | None
    high: float | None
    p_value: float | None
    num_users: int


def algorithm_name(algorithm: str) -> str:
    """Return an algorithm's name as readers know it."""
    if algorithm == NETWORK:
        return NETWORK_NAME
    words = [SHORT_NAMES.get(word, word) for word in algorithm.split("_")]
    name = " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
    return name.replace("Item KNN", "Item-KNN").replace("User KNN", "User-KNN")


def metric_bars(bars: Sequence[Bar], *, metric: str) -> dict[str, Any]:
    """Return horizontal bars with 95 % intervals as whiskers, the best on top.

    Args:
        metric: its key, such as "ndcg@10", for the axis.
    """
    ordered = sorted(bars, key=lambda bar: bar.value)
    name, _, length = metric.partition("@")
    title = f"{METRIC_NAMES.get(name, name)} at {length}" if length else name
    # One trace for the network and one for all others, so that each can have its colour.
    roles = [(ACCENT, [bar for bar in ordered if bar.algorithm == NETWORK])]
    roles.append((REST, [bar for bar in ordered if bar.algorithm != NETWORK]))
    return {
        "data": [_trace(own, role=role, title=title) for role, own in roles if own],
        "layout": {
            "barmode": "overlay",
            "bargap": 0.35,
            "showlegend": False,
            "height": FRAME_HEIGHT + BAR_HEIGHT * len(ordered),
            "margin": {"l": 8, "r": 16, "t": 8, "b": 40},
            "hovermode": "closest",
            "xaxis": {"title": {"text": title}, "rangemode": "tozero", "zeroline": True},
            "yaxis": {
                "automargin": True,
                "categoryorder": "array",
                "categoryarray": [algorithm_name(bar.algorithm) for bar in ordered],
                "type": "category",
            },
        },
    }


def sentence(bars: Sequence[Bar], *, k: int, split: str, baseline: str) -> str:
    """Say what an evaluation found about recall in one sentence, "" where there is nothing to say.

    Args:
        bars: of recall@k.
        baseline: the one that the p-values are against.
    """
    by_name = {bar.algorithm: bar for bar in bars}
    network, other = by_name.get(NETWORK), by_name.get(baseline)
    if network is None:
        best = max(bars, key=lambda bar: bar.value, default=None)
        return f"{_finding(best, k=k, split=split)}." if best else ""
    said = _finding(network, k=k, split=split)
    return f"{said}{_comparison(network, other, split=split)}." if other else f"{said}."


def _trace(bars: Sequence[Bar], *, role: str, title: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": NETWORK_NAME if role == ACCENT else "Others",
        "meta": {"role": role},
        "x": [bar.value for bar in bars],
        "y": [algorithm_name(bar.algorithm) for bar in bars],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [(bar.value if bar.high is None else bar.high) - bar.value for bar in bars],
            "arrayminus": [bar.value - (bar.value if bar.low is None else bar.low) for bar in bars],
        },
        "customdata": [[_interval(bar), f"{bar.num_users:,}"] for bar in bars],
        "hovertemplate": (
            f"%{{y}}<br>{title} %{{x:.4f}} %{{customdata[0]}}<br>"
            "%{customdata[1]} end users<extra></extra>"
        ),
    }


def _interval(bar: Bar) -> str:
    return "" if bar.low is None or bar.high is None else f"({bar.low:.4f} to {bar.high:.4f})"


def _finding(bar: Bar, *, k: int, split: str) -> str:
    name = algorithm_name(bar.algorithm)
    subject = "The network" if bar.algorithm == NETWORK else name
    first = f"first {NUMBER_WORDS.get(k, f'{k:,}')}" if k != 1 else "first place"
    noise = "" if bar.low is None or bar.high is None else f" ± {(bar.high - bar.low) / 2:.1%}"
    noise = noise.replace("%", "")
    share = f"{bar.value:.1%}".replace("%", " %")
    users = f"{bar.num_users:,} end user{'' if bar.num_users == 1 else 's'}"
    if split == "time":
        return f"{subject} has in its {first} {share}{noise} of what {users} went on to choose"
    return f"{subject} finds the next item in its {first} for {share}{noise} of {users}"


def _comparison(network: Bar, other: Bar, *, split: str) -> str:
    words_of_name = algorithm_name(other.algorithm).split()
    name = " ".join(one.lower() if one[1:].islower() else one for one in words_of_name)
    if not other.value:
        return f", {name} for none" if network.value else f", as does {name}"
    measure = "much" if split == "time" else "often"
    words = f", {network.value / other.value:.1f} times as {measure} as {name}"
    if network.p_value is None:
        return words
    return words + (f"; p = {network.p_value:.3f}" if network.p_value >= 0.001 else "; p < 0.001")


@dataclass(frozen=True)
class Order:
    """What a network finds for some end users from histories as they were and shuffled."""

    segment: str
    num_users: int
    kept: float
    shuffled: float
    p_value: float | None


def order_sentence(rows: Sequence[Order], *, drifting: str, stable: str) -> str:
    """Say whether following interests helps those whose interests move; the two names are segments."""
    found = {row.segment: row for row in rows}
    moving, steady = found.get(drifting), found.get(stable)
    if moving is None:
        return "Nobody's interests moved enough in training to tell."
    users = f"{moving.num_users:,} end user{'' if moving.num_users == 1 else 's'}"
    if moving.p_value is None or moving.p_value >= SURE:
        tested = "" if moving.p_value is None else f"; p = {moving.p_value:.2f}"
        return f"Not shown: over {users} the difference could be chance{tested}."
    if moving.kept <= moving.shuffled:
        return f"No: for {users} the order of events does harm; p = {moving.p_value:.3f}."
    p = f"p = {moving.p_value:.3f}" if moving.p_value >= 0.001 else "p < 0.001"
    said = f"Yes: for {users} it finds {_gain(moving)} from what they did in its order; {p}"
    if steady is None:
        return f"{said}."
    return f"{said}. For the {steady.num_users:,} stable ones {_gain(steady)}."


def _gain(row: Order) -> str:
    if not row.shuffled:
        return "what it else does not find at all" if row.kept else "as little"
    return f"{row.kept / row.shuffled:.1f} times as much"


def training_curves(curves: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return validation metrics above the training loss, both by pass over the events.

    Args:
        curves: "loss" in nats, and "ndcg@10" and "recall@10" of validation where there is one; one
            value for each pass.
    """
    loss = list(curves.get("loss", ()))
    shown = [name for name in ("ndcg@10", "recall@10") if curves.get(name)]
    axis = {"title": {"text": "pass over the events"}, "dtick": _step(len(loss)), "anchor": "y"}
    layout: dict[str, Any] = {
        "height": 440 if shown else 280,
        "margin": {"l": 56, "r": 84, "t": 8, "b": 44},
        "showlegend": False,
        "hovermode": "x unified",
        "xaxis": axis | {"range": [0.5, max(len(loss), 2) + 0.5]},
        "yaxis": {"title": {"text": "loss, nats"}, "domain": [0, 0.42 if shown else 1]},
    }
    data = [_curve(loss, name="Loss", role=REST)]
    if shown:
        layout["yaxis2"] = {
            "title": {"text": "validation"},
            "domain": [0.54, 1],
            "rangemode": "tozero",
        }
        data += [
            _curve(curves[name], name=_at(name), role=role) | {"yaxis": "y2"}
            for name, role in zip(shown, (ACCENT, REST), strict=False)
        ]
    layout["annotations"] = [_label(trace) for trace in data if trace["x"]]
    return {"data": data, "layout": layout}


def training_sentence(curves: Mapping[str, Sequence[float]]) -> str:
    """Say what the curves show right now, "" where there are none."""
    loss, ndcg = curves.get("loss", ()), curves.get("ndcg@10", ())
    if not loss:
        return ""
    passes = f"{len(loss)} pass{'' if len(loss) == 1 else 'es'}"
    fell = f"After {passes} the loss is {loss[-1]:.2f} nats"
    if not ndcg:
        return f"{fell}; there is no validation sample."
    best = max(range(len(ndcg)), key=lambda index: ndcg[index])
    return f"{fell}; validation NDCG@10 was best after pass {best + 1}, at {ndcg[best]:.4f}."


def _curve(values: Sequence[float], *, name: str, role: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(values) < 3 else "lines",
        "name": name,
        "meta": {"role": role},
        "x": list(range(1, len(values) + 1)),
        "y": list(values),
        "hovertemplate": "%{y:.4f}",
    }


def _label(trace: dict[str, Any]) -> dict[str, Any]:
    """Return a label at a curve's right end: nearer to what it names than a legend."""
    return {
        "text": trace["name"],
        "x": trace["x"][-1],
        "y": trace["y"][-1],
        "yref": trace.get("yaxis", "y"),
        "xanchor": "left",
        "xshift": 6,
        "showarrow": False,
    }


def _at(metric: str) -> str:
    name, _, length = metric.partition("@")
    return f"{METRIC_NAMES.get(name, name)}@{length}"


def _step(num_passes: int) -> int:
    return max(1, round(num_passes / 10))
