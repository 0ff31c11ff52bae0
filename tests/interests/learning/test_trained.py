import copy
import dataclasses
import gc
import weakref

import numpy as np
import pytest
import torch

from interests.datasets.log import Catalogue
from interests.learning import scoring, trainer
from interests.learning.trained import ForeignWeights, TrainedNetwork
from tests.interests.learning.logs import chain


@pytest.fixture(scope="module")
def with_categories() -> TrainedNetwork:
    """A network that learned from people who keep to the low or to the high items."""
    log = chain(num_users=80, length=6)
    config = trainer.TrainingConfig(
        width=16, max_length=6, dropout=0.1, learning_rate=0.01, warmup_steps=5,
        tokens_per_batch=64, max_epochs=15, patience=15, own_dropout=0.3,
    )  # fmt: skip
    # Everybody stays on one side: items 0 to 5 or 6 to 11.
    sides = np.repeat(np.arange(80) % 2, 6)
    items = (6 * sides + np.random.default_rng(0).integers(0, 6, 480)).astype(np.int32)
    return trainer.fit(
        dataclasses.replace(log, items=items), config=config, device=torch.device("cpu")
    )


def catalogue_with_new_items() -> Catalogue:
    categories = [["low"]] * 6 + [["high"]] * 6 + [["low"], ["high"], ["other"]]
    return Catalogue.build(item_ids=[f"i{n}" for n in range(15)], categories=categories)


def test_new_items_get_a_place_by_their_categories(with_categories):
    catalogue = catalogue_with_new_items()

    grown = with_categories.grown(catalogue)

    assert grown.item_ids.tolist()[12:] == ["i12", "i13"]  # nothing is known of i14
    log = chain(num_users=2, length=4)
    low_and_high = np.array([0, 1, 2, 3, 6, 7, 8, 9], np.int32)
    log = dataclasses.replace(log, catalogue=catalogue, items=low_and_high)
    scores = scoring.scores(grown, log, users=np.arange(2))
    assert scores[0, 12] > scores[0, 13]
    assert scores[1, 13] > scores[1, 12]
    assert np.isneginf(scores[:, 14]).all()


def test_known_items_score_as_before(with_categories):
    catalogue = catalogue_with_new_items()
    log = dataclasses.replace(chain(num_users=3), catalogue=catalogue)

    before = scoring.scores(with_categories, log, users=np.arange(3))
    after = scoring.scores(with_categories.grown(catalogue), log, users=np.arange(3))

    np.testing.assert_allclose(after[:, :12], before[:, :12], rtol=1e-5)


def test_network_that_knows_all_items_or_no_features_stays_itself(with_categories):
    known = chain().catalogue
    without = dataclasses.replace(with_categories, feature_names=())

    assert with_categories.grown(known) is with_categories
    assert without.grown(catalogue_with_new_items()) is without


def test_other_catalogue_is_refused(with_categories):
    with pytest.raises(ForeignWeights, match="trained on another"):
        with_categories.grown(Catalogue.build(item_ids=["x", "y"], categories=[["low"], []]))


def test_network_is_let_go_of_as_soon_as_nobody_holds_it(with_categories):
    own = dataclasses.replace(with_categories, network=copy.deepcopy(with_categories.network))
    module = weakref.ref(own.network.items)
    own.grown(chain().catalogue)
    own.grown(catalogue_with_new_items())
    own.grown(chain().catalogue)

    gc.disable()
    try:
        del own
        assert module() is None
    finally:
        gc.enable()
