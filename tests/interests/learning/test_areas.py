from __future__ import annotations

import numpy as np

from interests.learning import areas


def test_usual_number_grows_with_the_root_of_the_items():
    assert [areas.usual_number(n) for n in (0, 40, 500, 2_000, 1_000_000)] == [4, 4, 5, 10, 24]


def test_learn_finds_directions_whatever_the_lengths():
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=90)
    lengths = rng.uniform(0.1, 10, size=(90, 1))
    embeddings = (np.eye(5)[truth] + rng.normal(0, 0.05, (90, 5))) * lengths

    found = areas.learn(embeddings, number=3, seed=1)

    pairs = {(int(a), int(b)) for a, b in zip(truth, found, strict=True)}
    assert len(pairs) == 3
    assert sorted(area for _, area in pairs) == [0, 1, 2]


def test_learn_makes_no_more_areas_than_there_are_different_items():
    same = np.ones((50, 4))
    two = np.vstack([np.ones((25, 4)), -np.ones((25, 4))])

    assert areas.learn(same, number=6, seed=0).tolist() == [0] * 50
    assert len(set(areas.learn(two, number=6, seed=0).tolist())) == 2
    assert areas.learn(np.zeros((3, 4)), number=2, seed=0).tolist() == [0, 0, 0]


def test_matched_gives_each_new_area_the_old_one_it_shares_most_with():
    new = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    old = np.array([1, 1, 0, 0, 0, -1, -1, 0])

    assert areas.matched(new, old).tolist() == [1, 0, -1]
    assert areas.matched(new, np.full(8, -1)).tolist() == [-1, -1, -1]


def test_names_are_words_that_are_usual_here_and_unusual_elsewhere():
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    texts = [
        "The Robot War", "A Robot and the Sea", "Robot War II",
        "The Quiet Garden", "Garden of the Sea", "The Garden",
        "", "",
    ]  # fmt: skip

    assert areas.names(labels, texts, taken=[]) == ["Robot, war", "Garden", "Area 3"]


def test_names_that_are_taken_get_a_number():
    labels, texts = np.array([0, 0, 1, 1]), ["", "", "", ""]

    assert areas.names(labels, texts, taken=["Area 1", "Area 1 (2)"]) == ["Area 1 (3)", "Area 2"]
