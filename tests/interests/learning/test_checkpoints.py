import dataclasses
import json

import numpy as np
import pytest
import torch

from interests.datasets.log import Catalogue
from interests.learning import checkpoints, scoring, trainer
from interests.learning.trained import ForeignWeights
from tests.interests.learning.logs import chain


@pytest.fixture
def saved(trained, tmp_path):
    return tmp_path, checkpoints.save(trained, tmp_path)


def test_loaded_network_is_the_saved_one(trained, saved):
    folder, sha256 = saved

    found = checkpoints.load(folder, sha256)

    assert found.item_ids.tolist() == trained.item_ids.tolist()
    assert (found.config, found.kinds) == (trained.config, trained.kinds)
    assert (found.results, found.repeats_items) == (trained.results, trained.repeats_items)
    assert found.network.training is False
    for name, tensor in trained.network.state_dict().items():
        assert torch.equal(found.network.state_dict()[name].cpu(), tensor.cpu()), name


def test_mean_of_networks_is_loaded_as_one(tmp_path, small_config):
    config = dataclasses.replace(small_config, num_members=2, max_epochs=1)
    averaged = trainer.fit(chain(), config=config, device=torch.device("cpu"))
    sha256 = checkpoints.save(averaged, tmp_path)

    found = checkpoints.load(tmp_path, sha256)

    assert found.num_members == 2
    everybody = np.arange(5)
    np.testing.assert_allclose(
        scoring.scores(found, chain(), users=everybody),
        scoring.scores(averaged, chain(), users=everybody),
        rtol=1e-4,
    )


def test_save_twice_gives_one_hash(trained, saved):
    folder, sha256 = saved

    assert checkpoints.save(trained, folder) == sha256
    assert sorted(path.name for path in folder.iterdir()) == [
        "network.json", "sha256", "weights.safetensors",
    ]  # fmt: skip


@pytest.mark.parametrize("file", ["weights.safetensors", "network.json"])
def test_one_changed_byte_is_refused(saved, file):
    folder, sha256 = saved
    content = bytearray((folder / file).read_bytes())
    content[-3] ^= 1
    (folder / file).write_bytes(content)

    with pytest.raises(checkpoints.DamagedWeights, match="is not the one that was saved"):
        checkpoints.load(folder, sha256)
    with pytest.raises(checkpoints.DamagedWeights):
        checkpoints.load(folder)


def test_missing_file_and_other_hash_are_refused(saved):
    folder, _ = saved

    with pytest.raises(checkpoints.DamagedWeights, match="its SHA-256 is not 0000"):
        checkpoints.load(folder, "0" * 64)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(checkpoints.DamagedWeights, match="cannot be read"):
        checkpoints.load(folder)


def test_other_version_is_refused(saved, monkeypatch):
    folder, sha256 = saved
    monkeypatch.setattr(checkpoints, "VERSION", 99)

    with pytest.raises(ForeignWeights, match="of version 3; this release reads .* of version 99"):
        checkpoints.load(folder, sha256)


def test_weights_that_do_not_fit_their_settings_are_refused(saved):
    folder, _ = saved
    path = folder / "network.json"
    meaning = json.loads(path.read_text())
    meaning["item_ids"] = meaning["item_ids"][:-1]
    path.write_text(json.dumps(meaning))
    weights = (folder / "weights.safetensors").read_bytes()

    with pytest.raises(ForeignWeights, match="do not fit"):
        checkpoints.load(folder, checkpoints._hash(weights, path.read_bytes()))


def test_item_index_finds_known_items_and_refuses_another_catalogue(trained):
    some = Catalogue.build(item_ids=["i3", "new", "i0"])
    foreign = Catalogue.build(item_ids=["x", "y"])

    assert trained.item_index(some).tolist() == [3, -1, 0]
    assert trained.item_index(Catalogue.build(item_ids=[])).tolist() == []
    with pytest.raises(ForeignWeights, match="none of the catalogue's 2 items"):
        trained.item_index(foreign)
