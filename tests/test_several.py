"""Ranking for several papers: against scikit-learn, and against what can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer

import lunacy
from lunacy.derived.lexical import analysed
from lunacy.search import open_searcher
from lunacy.search.background import Background
from lunacy.search.several import Pool, text_of
from lunacy.search.words import Words
from tests.conftest import FakeEmbedder, lines, record
from tests.direction import direction_of

DRAW = np.random.default_rng(7)


def unit(n: int, dim: int = 24) -> np.ndarray:
    vectors = DRAW.normal(size=(n, dim)) + np.linspace(0, 1, dim)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def background_of(vectors: np.ndarray) -> Background:
    return Background.of(np.arange(len(vectors)), vectors)


def test_the_direction_is_that_of_scikit_learns_linear_discriminant() -> None:
    """Whose covariance is pooled by the priors of both classes: all of it is the sample's here."""
    sample, liked = unit(200), unit(5)
    judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=2 / 3, priors=[1 - 1e-12, 1e-12])
    judge.fit(np.concatenate([sample, liked]).astype(float), [0] * 200 + [1] * 5)
    wanted = judge.coef_[0] / np.linalg.norm(judge.coef_[0])
    found = background_of(sample).direction(liked, unit(0))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_direction_turns_away_from_what_is_not_wanted() -> None:
    sample, liked, other = unit(300), unit(4), unit(1)
    background = background_of(sample)
    plain, turned = background.direction(liked, unit(0)), background.direction(liked, other)
    assert (other @ turned).item() < (other @ plain).item()
    assert np.linalg.norm(turned) == pytest.approx(1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_an_index_of_hardly_any_papers_gives_a_direction(n: int) -> None:
    sample = unit(n)
    liked = sample[:1] if n else unit(1)
    found = background_of(sample).direction(liked, unit(0))
    assert np.isfinite(found).all()
    assert (liked @ found).item() > 0


TEXTS = ["Neural translation with attention", "attention in dusty galaxies", "Galaxies, dust and attention", "", "xyz"]


def test_words_are_compared_as_scikit_learns_tf_idf_does() -> None:
    def terms(text: str) -> list[str]:
        return [f"{field} {term}" for field, found in analysed(text).items() for term in found]

    drawn = ["attention and galaxies", "dust and dust", "translation of dust", "nothing else"]
    judge = TfidfVectorizer(analyzer=terms, sublinear_tf=True, smooth_idf=True)
    judge.fit(drawn + TEXTS)  # all terms; the frequencies are those of `drawn`
    frequency = judge.transform(drawn).astype(bool).sum(axis=0).A1
    judge.idf_ = 1 + np.log((1 + len(drawn)) / (1 + frequency))
    liked, candidates = judge.transform(TEXTS[:2]), judge.transform(TEXTS)
    wanted = (candidates @ liked.T).toarray().mean(axis=1)
    rarity, words = Words.of(drawn).rarity(), Words.of(TEXTS)
    found = words.likeness(words.weights(rarity), Words.of(TEXTS[:2]).centre(rarity))
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_the_score_of_a_paper_is_the_same_whatever_the_other_candidates_are(tmp_path: Path) -> None:
    (tmp_path / "papers").write_bytes(
        lines([record(f"2101.{n:05}", title=f"On {TEXTS[n % 3]}", abstract=f"only{n} {n % 5}") for n in range(40)])
    )
    lunacy.build_index(tmp_path / "papers", into=tmp_path / "index", embedder=FakeEmbedder())
    searcher = open_searcher(tmp_path / "index")
    with searcher.pinned() as view:
        liked = np.array([3, 8, 11])
        vectors, texts = view.vectors(liked), [text_of(paper) for paper in view.papers(liked)]
        all_rows = np.arange(40)
        pool = Pool(view, all_rows)
        scores = pool.scores(vectors, texts)
        some = Pool(view, all_rows[::7]).scores(vectors, texts)
        np.testing.assert_allclose(some, scores[::7])
        np.testing.assert_allclose(scores, pool.by_vectors(vectors) + pool.by_words(texts))
        assert set(np.argsort(-scores)[:3]) == set(liked)
        assert Pool(view, all_rows[:0]).scores(vectors, texts).shape == (0,)
        products = pool.vectors @ direction_of(pool.vectors, vectors, pool.vectors[[1]])
        wanted = (products - products.mean()) / products.std()  # the sample is all papers
        np.testing.assert_allclose(pool.by_vectors(vectors, pool.vectors[[1]]), wanted, atol=1e-5)
    searcher.close()
