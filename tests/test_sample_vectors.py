"""The vectors that come with the sample are those of the default model, and a stale one cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.embedding import DEFAULT_MODEL, load
from lunacy.paper import RECIPES, embedded_text
from lunacy.pipeline import sample_vectors as module
from lunacy.store import Store, verify
from tests.conftest import FakeEmbedder
from tests.models import reference
from tests.sample_vectors import entries


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("lunacy.embedding.load", loaded)


def stored(folder: Path) -> tuple[dict[str, np.ndarray], Any]:
    with Store(folder) as store, store.view() as view:
        rows = view.live_rows()
        vectors = {paper.id: one for paper, one in zip(view.papers(rows), view.vectors(rows), strict=True)}
        return vectors, view.fingerprint


@pytest.mark.parametrize("n", [12, pytest.param(2000, marks=pytest.mark.slow)])
def test_they_are_those_of_the_default_model(tmp_path: Path, n: int) -> None:
    lunacy.build_index(into=tmp_path / "ix")
    vectors, fingerprint = stored(tmp_path / "ix")
    found = entries()[:: 2000 // n]
    right = reference(DEFAULT_MODEL, [embedded_text(one.paper, RECIPES[0]) for one in found])
    cosines = (np.array([vectors[one.id] for one in found]) * right).sum(1)
    assert (len(cosines), cosines.min() >= 0.9999) == (len(found), True)
    assert fingerprint.differences(load(n_texts=1).fingerprint) == ["text"]
    assert None not in (fingerprint.weights, fingerprint.tokenizer, fingerprint.max_tokens, fingerprint.pooling)


@pytest.mark.usefixtures("no_model")
def test_the_sample_is_indexed_without_the_model_and_that_is_said(tmp_path: Path) -> None:
    report = lunacy.build_index(into=tmp_path / "ix", note=(told := []).append)
    assert (report.counts.added, report.counts.cut) == (2000, 684)
    assert [one.partition(";")[0] for one in told] == ["the sample's vectors come with lunacy"]
    assert f"verify --reembed 20 --index {tmp_path / 'ix'}" in told[0]
    assert verify(tmp_path / "ix") == []
    with lunacy.open_index(tmp_path / "ix") as ix:
        shown = [(hit.id, f"{hit.score:.3f}") for hit in ix.similar("1802.05130", top=3)]
    assert shown == [("1802.05121", "0.912"), ("1801.06294", "0.840"), ("1709.01687", "0.835")]
    assert lunacy.build_index(into=tmp_path / "ix").counts.unchanged == 2000
    some = lunacy.build_index(into=tmp_path / "some", category=["cs.*"], limit=30).counts
    assert 0 < some.added <= 30


@pytest.mark.parametrize(
    "options", [{"text": "abstract"}, {"model": "other/model"}, {"device": "cpu"}, {"prompt": "x"}, {"batch_size": 4}]
)
def test_what_asks_for_other_vectors_is_embedded(tmp_path: Path, options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = FakeEmbedder(model=options.get("model", DEFAULT_MODEL))
    monkeypatch.setattr("lunacy.embedding.load", lambda *_arguments, **_options: embedder)
    lunacy.build_index(into=tmp_path / "ix", limit=5, **options)
    assert len(embedder.texts) == 5


def test_a_paper_whose_text_is_another_one_is_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a change of the sample that forgets the vectors."""
    changed = dict(np.load(str(module.VECTORS)))
    changed["text_hashes"][3] ^= 1
    np.savez(tmp_path / "vectors.npz", **changed)
    monkeypatch.setattr(module, "VECTORS", tmp_path / "vectors.npz")
    lunacy.build_index(into=tmp_path / "ix", limit=8)
    monkeypatch.undo()
    lunacy.build_index(into=tmp_path / "right", limit=8)
    mine, theirs = stored(tmp_path / "ix")[0], stored(tmp_path / "right")[0]
    assert all(float(mine[one] @ theirs[one]) > 0.9999 for one in theirs)
    shutil.rmtree(tmp_path / "ix")
