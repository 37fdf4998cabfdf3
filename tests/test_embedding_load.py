"""`load`: the chosen way, what it says, prompts, dims, long texts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lunacy.embedding import Embedder, load
from lunacy.embedding import choose as choose_module
from lunacy.embedding.device import pick_device
from lunacy.embedding.encode_embedder import EncodeEmbedder
from lunacy.embedding.engine_embedder import EngineEmbedder
from lunacy.embedding.engines.packed import Packed
from lunacy.embedding.engines.translated import translated
from lunacy.embedding.unit_vectors import unit
from lunacy.errors import ModelError, UsageError
from lunacy.search.gpu import pick_device as pick_gpu
from lunacy.snapshot import Snapshot, parse
from tests.models import TEXTS, reference, skip_without_openvino, tiny, word_weights

BF16_IS_FASTER = choose_module._bf16_is_faster  # before any test replaces it
PROMPTS = {"document": "graph: ", "query": "is a proof "}


@pytest.fixture(autouse=True)
def _in_float32(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights ask more of bfloat16 than trained ones; and OpenVINO takes seconds to translate a model."""
    if "real" not in request.fixturenames:
        monkeypatch.setattr(choose_module, "_bf16_is_faster", lambda: False)
        monkeypatch.setattr(choose_module, "translated", _not_installed)


@pytest.fixture(scope="module")
def real() -> Embedder:
    """The default model, the way this machine runs it."""
    return load(device="cpu")


def papers(n: int) -> list[str]:
    """Titles and abstracts of the sample."""
    with Snapshot(None) as sample:
        found = [parse(line) for line, _ in zip(sample.lines(), range(n), strict=False)]
    return [f"{paper.title} {paper.abstract}" for paper in found]


def assert_same(embedder: Embedder, texts: list[str], right: Any, lowest: float = 0.99999) -> None:
    vectors = embedder.embed(texts).vectors
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors * right).sum(1).min() >= lowest


def test_the_default_model_gives_the_vectors_of_encode(real: Embedder) -> None:
    texts = [*papers(8), "", "gravity", "word " * 1000]
    assert isinstance(real, EngineEmbedder)
    assert_same(real, texts, reference("sentence-transformers/all-MiniLM-L6-v2", texts), 0.9999)


@pytest.mark.slow
def test_two_thousand_papers_and_their_neighbours(real: Embedder) -> None:
    texts = papers(2000)
    right = reference("sentence-transformers/all-MiniLM-L6-v2", texts)
    assert_same(real, texts, right, 0.9999)
    vectors = real.embed(texts).vectors
    mine, theirs = (np.argsort(-(one @ one.T), axis=1, kind="stable")[:, :11] for one in (vectors, right))
    agree = [len(set(a) & set(b)) for a, b in zip(mine.tolist(), theirs.tolist(), strict=True)]
    assert sum(agree) / (11 * len(texts)) >= 0.99


@pytest.mark.parametrize("texts", [[], [""], ["graph"], TEXTS[::-1]])
def test_any_number_of_texts_in_order(tmp_path: Path, texts: list[str]) -> None:
    folder = tiny(tmp_path)
    embedder = load(str(folder), device="cpu")
    if texts:
        assert_same(embedder, texts, reference(folder, texts))
    else:
        assert embedder.embed(texts).vectors.shape == (0, 64)


@pytest.mark.parametrize("n_texts", [1, None])
def test_cut_texts_are_counted(tmp_path: Path, n_texts: int | None) -> None:
    assert load(str(tiny(tmp_path)), device="cpu", n_texts=n_texts).embed(TEXTS).n_cut == 2


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_few_texts_need_no_fast_way(tmp_path: Path, kind: str) -> None:
    folder = tiny(tmp_path, kind=kind, prompts=PROMPTS)
    few, many = (load(str(folder), device="cpu", n_texts=n_texts) for n_texts in (1, 1000))
    arithmetic = "cpu float32 openvino" if kind == "bert" else "cpu float32"
    assert (few.arithmetic, many.arithmetic) == (arithmetic, "cpu float32 packed")
    assert few.fingerprint == many.fingerprint
    assert_same(few, TEXTS, many.embed(TEXTS).vectors)


@pytest.mark.parametrize("n_texts", [1, None])
def test_papers_and_questions_have_the_models_own_prompts(tmp_path: Path, n_texts: int | None) -> None:
    folder = tiny(tmp_path, prompts=PROMPTS)
    embedder = load(str(folder), device="cpu", n_texts=n_texts)
    assert embedder.fingerprint.prompt == "graph: "
    assert_same(embedder, TEXTS, reference(folder, TEXTS, prompt_name="document"))
    question = embedder.embed_queries(TEXTS[:1]).vectors
    np.testing.assert_allclose(question, reference(folder, TEXTS[:1], prompt_name="query"), atol=1e-5)


def test_a_given_prompt_wins(tmp_path: Path) -> None:
    folder = tiny(tmp_path, prompts=PROMPTS)
    embedder = load(str(folder), device="cpu", prompt="the state ", query_prompt="")
    assert embedder.fingerprint.prompt == "the state "
    assert_same(embedder, TEXTS, reference(folder, TEXTS, prompt="the state "))
    question = embedder.embed_queries(TEXTS[:1]).vectors
    np.testing.assert_allclose(question, reference(folder, TEXTS[:1], prompt=""), atol=1e-5)


@pytest.mark.parametrize("n_texts", [1, None])
def test_leading_dimensions_are_kept_and_normalised(tmp_path: Path, n_texts: int | None) -> None:
    folder = tiny(tmp_path)
    embedder = load(str(folder), device="cpu", dims=16, n_texts=n_texts)
    assert embedder.fingerprint.dim == 16
    assert_same(embedder, TEXTS, reference(folder, TEXTS, truncate_dim=16))


def test_more_dimensions_than_the_model_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="64 dimensions, 65 are asked for"):
        load(str(tiny(tmp_path)), device="cpu", dims=65)


def test_chunks_of_a_long_text_are_averaged(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    embedder = load(str(folder), device="cpu", long_texts="chunk")
    long = "graph state " * 15 + "a proof " * 15  # 60 tokens of its own; windows of 30, each 27 after the last
    words = long.split()
    parts = [" ".join(words[start : start + 30]) for start in (0, 27, 30)]
    right = unit(reference(folder, parts).mean(0, keepdims=True))
    embedded = embedder.embed(["gas", long, "bose"])
    np.testing.assert_allclose(embedded.vectors[1], right[0], atol=1e-5)
    np.testing.assert_allclose(embedded.vectors[::2], reference(folder, ["gas", "bose"]), atol=1e-5)
    assert embedded.n_cut == 1
    assert embedder.fingerprint.long_texts == "chunk"
    assert embedder.fingerprint.differences(load(str(folder), device="cpu").fingerprint) == ["long_texts"]


def test_unknown_ways_with_long_texts_are_refused() -> None:
    with pytest.raises(UsageError, match="choose one of cut, chunk"):
        load(long_texts="split")


def test_openvino_is_chosen_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_openvino()
    monkeypatch.setattr(choose_module, "translated", translated)
    folder = tiny(tmp_path)
    embedder = load(str(folder), device="cpu")
    assert (embedder.arithmetic, embedder.notes) == ("cpu float32 openvino", ())
    assert_same(embedder, TEXTS, reference(folder, TEXTS))
    assert not sys.modules.get("openvino_telemetry")  # nothing is reported to anybody


def test_relative_positions_are_padded_and_that_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tiny(tmp_path, kind="mpnet")
    capfd.readouterr()
    embedder = load(str(folder), device="cpu")
    assert capfd.readouterr().err == ""  # no progress bars of transformers
    assert_same(embedder, TEXTS, reference(folder, TEXTS))
    assert embedder.arithmetic == "cpu float32 padded"
    assert embedder.notes[0].startswith("OpenVINO is not installed")
    assert embedder.notes[1].endswith("(cpu float32 padded): MPNetModel has no exchangeable attention")
    assert len(embedder.notes) == 2


def test_an_unknown_module_is_left_to_sentence_transformers(tmp_path: Path) -> None:
    folder = tiny(tmp_path, extra=[word_weights()])
    embedder = load(str(folder), device="cpu")
    assert isinstance(embedder, EncodeEmbedder)
    assert_same(embedder, TEXTS, reference(folder, TEXTS))
    [note] = embedder.notes
    assert note.endswith("embedded the slower way (cpu float32): it has a module WordWeights")
    with pytest.raises(ModelError, match="WordWeights\nuse --long-texts cut"):
        load(str(folder), device="cpu", long_texts="chunk")


def test_an_engine_that_is_wrong_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(Packed):
        def run(self, tokens: Any) -> Any:
            return np.roll(super().run(tokens), 1, axis=0)

    class Broken(Packed):
        def run(self, tokens: Any) -> Any:
            return super().run(tokens) * np.float32("nan")

    for engine in (Wrong, Broken):
        monkeypatch.setattr(choose_module, "Packed", engine)
        folder = tiny(tmp_path / engine.__name__)
        embedder = load(str(folder), device="cpu")
        assert embedder.arithmetic == "cpu float32 padded"
        assert "gave a vector with a cosine of" in embedder.notes[-1]
        assert_same(embedder, TEXTS, reference(folder, TEXTS))


def test_a_vector_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ModelError, match="not finite"):
        unit(np.array([[1, np.inf]], np.float32))


def test_preparing_may_run_ahead_of_embedding(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    embedder = load(str(folder), device="cpu")
    ahead = [embedder.prepare(TEXTS[i : i + 3]) for i in range(0, len(TEXTS), 3)]
    vectors = np.concatenate([embedder.run(one).vectors for one in ahead])
    np.testing.assert_allclose(vectors, reference(folder, TEXTS), atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_the_default_model_is_packed_in_half_precision() -> None:
    embedder = load(device="cuda")
    texts = [*papers(500), "", "gravity", "word " * 1000]
    assert embedder.arithmetic == "cuda float16 packed"
    assert not embedder.notes
    assert_same(embedder, texts, reference("sentence-transformers/all-MiniLM-L6-v2", texts))


def _not_installed(*_: object, **__: object) -> None:
    raise ImportError


@pytest.mark.parametrize(
    ("has", "bf16_s", "chosen"), [(True, 0.5, True), (True, 0.95, False), (True, 2.0, False), (False, 0.5, False)]
)
def test_bfloat16_is_taken_where_the_processor_gains_by_it(
    monkeypatch: pytest.MonkeyPatch, has: bool, bf16_s: float, chosen: bool
) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(choose_module, "_product_s", {torch.bfloat16: bf16_s, torch.float32: 1.0}.__getitem__)
    assert BF16_IS_FASTER() is chosen


@pytest.mark.parametrize("wanted", ["cuda", "mps", "tpu", "cuda:7", ""])
def test_a_device_that_is_not_there_is_told_before_a_model_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(UsageError, match=f"this machine has no {wanted} device\nuse --device cpu, or leave it out"):
        load("no such model", device=wanted)


@pytest.mark.parametrize(("has", "device"), [((True, True), "cuda"), ((False, True), "mps"), ((False, False), "cpu")])
def test_the_first_device_that_is_there_is_taken(
    monkeypatch: pytest.MonkeyPatch, has: tuple[bool, bool], device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: has[0])
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: has[1])
    assert pick_device("auto") == device
    assert pick_gpu("auto") == (None if device == "cpu" else device)
    assert pick_gpu("cpu") is None
