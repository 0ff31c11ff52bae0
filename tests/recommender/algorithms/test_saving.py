"""A saved algorithm is loaded as it was, or refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from interests.datasets.log import Catalogue
from recommender import algorithms
from recommender.algorithms import saving
from recommender.algorithms.linear import EaseSettings
from recommender.algorithms.popularity import Popularity
from recommender.algorithms.saving import CannotLoad
from tests.recommender.logs import drawn_log

CATALOGUE = Catalogue.build(item_ids=["a", "b", "c"])
RANKING = Popularity(np.array([1.5, -np.inf, 0], np.float32))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "algorithm.safetensors"


@pytest.fixture
def saved(path):
    settings = algorithms.make("most_popular").grid()[0]
    saving.save(RANKING, path, algorithm="most_popular", settings=settings, catalogue=CATALOGUE)
    return path


def test_what_was_saved_is_loaded_with_its_name_settings_and_hash(path):
    settings = EaseSettings(50.0, half_life=5.0)

    sha256 = saving.save(RANKING, path, algorithm="ease", settings=settings, catalogue=CATALOGUE)
    loaded = saving.load(path, catalogue=CATALOGUE, algorithm="ease", sha256=sha256)

    assert (loaded.algorithm, loaded.settings, loaded.sha256) == ("ease", settings, sha256)
    np.testing.assert_array_equal(loaded.fitted.item_scores, RANKING.item_scores)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_any_program_can_read_what_it_is(saved):
    with safetensors.safe_open(saved, framework="numpy") as file:
        meta = file.metadata()

    assert (meta["format"], meta["version"], meta["algorithm"]) == (
        "recsite algorithm",
        "1",
        "most_popular",
    )
    assert json.loads(meta["settings"]) == {}


def test_whichever_byte_is_changed_the_file_is_refused(saved):
    whole = saved.read_bytes()

    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x29  # turns a space into a tab, which JSON would not mind
        saved.write_bytes(changed)
        with pytest.raises(CannotLoad):
            saving.load(saved, catalogue=CATALOGUE)


def test_whatever_is_missing_or_added_the_file_is_refused(saved):
    whole = saved.read_bytes()

    for part in (*(whole[:end] for end in range(len(whole))), whole + b"\0"):
        saved.write_bytes(part)
        with pytest.raises(CannotLoad):
            saving.load(saved, catalogue=CATALOGUE)


def test_a_file_of_another_kind_is_refused(path):
    path.parent.mkdir()
    for content in (
        pickle.dumps(RANKING),
        b"",
        b"PK\x03\x04",
        safetensors.numpy.save({"a": np.zeros(2)}),
    ):
        path.write_bytes(content)
        with pytest.raises(CannotLoad, match="damaged, or no saved algorithm"):
            saving.load(path, catalogue=CATALOGUE)  # fmt: skip


def test_a_newer_version_is_refused(path, monkeypatch):
    monkeypatch.setattr(saving, "VERSION", 2)
    saving.save(RANKING, path, algorithm="ease", settings=EaseSettings(), catalogue=CATALOGUE)
    monkeypatch.undo()

    with pytest.raises(CannotLoad, match="of version 2, this release reads 1"):
        saving.load(path, catalogue=CATALOGUE)


def test_another_algorithm_another_file_and_none_are_refused(saved, tmp_path):
    with pytest.raises(CannotLoad, match="holds most_popular, not ease"):
        saving.load(saved, catalogue=CATALOGUE, algorithm="ease")
    with pytest.raises(CannotLoad, match="not the file that is wanted"):
        saving.load(saved, catalogue=CATALOGUE, sha256="0" * 64)
    with pytest.raises(CannotLoad, match="cannot be read"):
        saving.load(tmp_path / "nothing", catalogue=CATALOGUE)


@pytest.mark.parametrize("item_ids", [["a", "c", "b"], ["a", "b"], ["a", "b", "c", "d"], ["ab", "c"]])  # fmt: skip
def test_another_catalogue_is_refused(saved, item_ids):
    with pytest.raises(CannotLoad, match="another catalogue"):
        saving.load(saved, catalogue=Catalogue.build(item_ids=item_ids))


def test_what_was_there_stays_where_saving_fails(saved):
    before = saved.read_bytes()
    settings = EaseSettings()

    with pytest.raises(saving.CannotSave):
        saving.save(
            replace(RANKING, item_scores=np.array([1j])),
            saved, algorithm="ease", settings=settings, catalogue=CATALOGUE,
        )  # fmt: skip

    assert saved.read_bytes() == before
    assert [one.name for one in saved.parent.iterdir()] == [saved.name]


def test_bytes_are_those_of_the_arrays_each_counted_once():
    one = np.zeros(1000, np.float32)

    assert saving.num_bytes(Popularity(one)) == 4000
    assert saving.num_bytes((Popularity(one), Popularity(one))) == 4000
    assert saving.num_bytes((one, one.copy())) == 8000


def test_a_network_is_loaded_with_its_trend(path):
    log = drawn_log(num_events=300)
    changes = {"width": 16, "max_epochs": 1, "warmup_steps": 2, "trend": 4.0}
    algorithm = algorithms.make("interest_network", changes=changes)
    settings = algorithm.grid()[0]
    fitted = algorithm.fit(log, settings=settings, seed=0)

    saving.save(
        fitted, path, algorithm="interest_network", settings=settings, catalogue=log.catalogue
    )
    loaded = saving.load(path, catalogue=log.catalogue)

    assert loaded.settings == settings
    assert loaded.fitted.network.trend.tolist() == fitted.network.trend.tolist()
    assert saving.num_bytes(loaded.fitted) == saving.num_bytes(fitted) > 10_000
