import numpy as np

from interests.datasets.log import Catalogue
from interests.learning.item_features import ItemFeatures

CATALOGUE = Catalogue.build(
    item_ids=["a", "b", "c", "d"],
    titles=["Toy Story (1995)", "Toy, toy soldiers", "Heat (1995)", ""],
    categories=[["Comedy", "Kids"], ["Kids"], [], []],
)


def rows(features: ItemFeatures) -> list[set[str]]:
    return [
        {features.names[place] for place in features.places[begin:end]}
        for begin, end in zip(features.offsets[:-1], features.offsets[1:], strict=True)
    ]


def test_features_are_categories_and_words_that_two_items_share():
    found = ItemFeatures.of_catalogue(CATALOGUE)

    assert rows(found) == [
        {"category:Kids", "word:toy", "word:1995"},
        {"category:Kids", "word:toy"},
        {"word:1995"},
        set(),
    ]


def test_features_of_other_items_are_looked_up_by_name():
    new = Catalogue.build(item_ids=["x"], titles=["Heat and TOY"], categories=[["Kids"]])

    found = ItemFeatures.of_catalogue(new, names=("word:heat", "category:Kids"))

    assert found.places.tolist() == [1, 0]
    assert found.offsets.tolist() == [0, 2]


def test_take_keeps_rows_together():
    found = ItemFeatures.of_catalogue(CATALOGUE)

    taken = found.take(np.array([2, 3, 0, 2]))

    assert rows(taken) == [rows(found)[item] for item in (2, 3, 0, 2)]


def test_catalogue_that_says_nothing_has_no_features():
    found = ItemFeatures.of_catalogue(Catalogue.build(item_ids=["a", "b"]))

    assert found.names == ()
    assert found.offsets.tolist() == [0, 0, 0]
