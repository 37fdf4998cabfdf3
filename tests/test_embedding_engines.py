"""Every way to run a model gives the vectors of `SentenceTransformer.encode` in float32 on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import LayerNorm

from lunacy.embedding.engines.attention import packed_attention
from lunacy.embedding.engines.batches import batches
from lunacy.embedding.engines.engine import DataParallel, Engine
from lunacy.embedding.engines.packed import Packed
from lunacy.embedding.engines.padded import Padded
from lunacy.embedding.engines.translated import translated
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.model_parts import ModelParts, unpack
from lunacy.embedding.token_arrays import Tokens, from_rows
from lunacy.embedding.tokenizer import TextReader
from lunacy.embedding.unit_vectors import unit
from lunacy.errors import ModelError
from tests.conftest import few_quick
from tests.models import TEXTS, reference, skip_without_openvino, tiny, word_weights

POOLINGS = ["mean", "cls", "max", "lasttoken", "mean_sqrt_len_tokens", "weightedmean", ("cls", "mean", "max")]
ENGINES: list[Any] = [Packed, Padded, translated]


def parts_of(folder: Path) -> ModelParts:
    return unpack(SentenceTransformer(str(folder), device="cpu", local_files_only=True))


def tokens_of(parts: ModelParts) -> Tokens:
    return TextReader(parts.tokenizer.backend_tokenizer.to_str(), parts.max_tokens).read(TEXTS)


def lowest_cosine(folder: Path, engine: Callable[[ModelParts], Engine]) -> float:
    parts = parts_of(folder)
    vectors = unit(engine(parts).run(tokens_of(parts)))
    return float((vectors * reference(folder, TEXTS)).sum(1).min())


@pytest.fixture(autouse=True)
def _skip_without_openvino(request: pytest.FixtureRequest) -> None:
    if "engine" in request.fixturenames and request.getfixturevalue("engine") is translated:
        skip_without_openvino()


@pytest.mark.parametrize("engine", [Packed, Padded])  # OpenVINO's hidden states are pooled as Padded's are
@pytest.mark.parametrize("pooling", POOLINGS, ids=str)
def test_every_pooling(tmp_path: Path, pooling: Any, engine: Any) -> None:
    folder = tiny(tmp_path, pooling=pooling, normalize=False)
    assert lowest_cosine(folder, engine) > 0.999999


KINDS_OF_MODEL = ["bert", "roberta", "distilbert", "modernbert", "mpnet"]


@pytest.mark.parametrize(
    ("kind", "engine"),
    few_quick(
        product(KINDS_OF_MODEL, ENGINES),
        ("bert", translated),
        *product(KINDS_OF_MODEL, [one for one in ENGINES if one is not translated]),
    ),
)
def test_every_kind_of_transformer(tmp_path: Path, kind: str, engine: Any) -> None:
    folder = tiny(tmp_path, kind=kind)
    if (kind, engine) == ("mpnet", Packed):  # its positions are relative
        with pytest.raises(Unsupported, match="MPNetModel has no exchangeable attention"):
            lowest_cosine(folder, engine)
    else:
        assert lowest_cosine(folder, engine) > 0.999999


@pytest.mark.parametrize("engine", [Packed, Padded])
def test_modules_behind_the_pooling(tmp_path: Path, engine: Any) -> None:
    folder = tiny(tmp_path, pooling=("cls", "mean"), dense=24, extra=[LayerNorm(24)])
    assert parts_of(folder).dim == 24
    assert lowest_cosine(folder, engine) > 0.999999


@pytest.mark.parametrize("max_tokens", [1, 8, 33, 40, 10_000])
def test_the_size_of_a_pack_does_not_matter(tmp_path: Path, max_tokens: int) -> None:
    def small_packs(parts: ModelParts) -> Packed:
        engine = Packed(parts)
        engine.max_tokens = max_tokens
        return engine

    assert lowest_cosine(tiny(tmp_path), small_packs) > 0.999999


def test_a_pack_holds_at_most_so_many_texts(tmp_path: Path) -> None:
    assert lowest_cosine(tiny(tmp_path), lambda parts: Packed(parts, max_texts=3)) > 0.999999


def test_texts_in_a_pack_do_not_see_each_other(tmp_path: Path) -> None:
    parts = parts_of(tiny(tmp_path))
    alone = Packed(parts).run(from_rows([[2, 9, 3]]))
    crowd = Packed(parts).run(from_rows([[2, 30, 31, 3], [2, 9, 3], [2, 40, 3]]))
    np.testing.assert_allclose(crowd[1], alone[0], atol=1e-5)


def test_out_of_memory_halves_the_pack_and_loses_nothing(tmp_path: Path) -> None:
    parts = parts_of(tiny(tmp_path))
    engine, tokens = Packed(parts), tokens_of(parts)
    expected = engine.run(tokens)
    right, seen = engine._forward, []

    def forward(ids: Any, places: Any) -> torch.Tensor:
        seen.append(int(places[-1] - places[0]))
        if seen[-1] > 60:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return right(ids, places)

    engine._forward = forward  # type: ignore[method-assign]
    np.testing.assert_allclose(engine.run(tokens), expected, atol=1e-5)
    assert seen[0] > 60
    assert engine.max_tokens <= 60
    first_try = len(seen)
    engine.run(tokens)
    assert max(seen[first_try:]) <= 60  # it remembers


def test_a_text_that_fits_nowhere_is_a_model_error(tmp_path: Path) -> None:
    parts = parts_of(tiny(tmp_path))
    engine = Packed(parts)

    def forward(_ids: Any, _places: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    engine._forward = forward  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="one text of 3 tokens"):
        engine.run(from_rows([[2, 9, 3]]))


def test_out_of_memory_halves_the_batch_and_loses_nothing(tmp_path: Path) -> None:
    parts = parts_of(tiny(tmp_path))
    engine, tokens = Padded(parts), tokens_of(parts)
    expected = engine.run(tokens)
    right = engine._forward

    def forward(batch: Any) -> Any:
        if batch.ids.size > 60:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return right(batch)

    engine._forward = forward  # type: ignore[method-assign]
    np.testing.assert_allclose(engine.run(tokens), expected, atol=1e-5)
    engine._forward = lambda _batch: forward(type("", (), {"ids": np.empty((1, 99))}))  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="one text of 32 tokens"):
        engine.run(tokens)


@pytest.mark.parametrize("n_engines", [1, 2, 3, 12])
def test_several_engines_share_the_rows_in_order(tmp_path: Path, n_engines: int) -> None:
    folder = tiny(tmp_path)
    assert lowest_cosine(folder, lambda parts: DataParallel([Packed(parts)] * n_engines)) > 0.999999


def test_batches_hold_every_row_once_longest_first_within_the_bounds() -> None:
    tokens = from_rows([[1] * length for length in (3, 9, 1, 7, 7, 2)])
    made = list(batches(tokens, 2, 16, pad=5))
    assert [batch.rows.tolist() for batch in made] == [[1], [3, 4], [0, 5], [2]]
    assert made[2].ids.tolist() == [[1, 1, 1], [1, 1, 5]]
    assert made[2].mask.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_twin_with_a_window_attends_to_near_tokens_only() -> None:
    query, key, value = torch.randn(3, 1, 2, 10, 8, generator=torch.Generator().manual_seed(0))
    bounds = [0, 4, 10]
    got, _ = packed_attention(torch.nn.Module(), query, key, value, None, sliding_window=2, bounds=bounds)
    for start, stop in ((0, 4), (4, 10)):
        for place in range(start, stop):
            near = slice(max(place - 1, start), min(place + 2, stop))
            weights = torch.softmax(torch.einsum("hd,hkd->hk", query[0, :, place], key[0, :, near]) / 8**0.5, dim=1)
            torch.testing.assert_close(got[0, place], torch.einsum("hk,hkd->hd", weights, value[0, :, near]))


def test_attention_refuses_what_it_would_leave_out() -> None:
    one = torch.zeros(1, 1, 1, 8)
    with pytest.raises(ValueError, match="softcap"):
        packed_attention(torch.nn.Module(), one, one, one, None, bounds=[0, 1], softcap=50.0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"extra": [word_weights()]}, "it has a module WordWeights"),
        ({"include_prompt": False, "prompts": {"document": "graph: "}}, "its pooling leaves out the prompt"),
    ],
)
def test_what_cannot_be_taken_apart_is_named(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    model = SentenceTransformer(str(tiny(tmp_path, **options)), device="cpu", local_files_only=True)
    with pytest.raises(Unsupported, match=reason):
        unpack(model, with_prompt="prompts" in options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "modernbert"])
def test_packed_on_cuda(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    folder = tiny(tmp_path, kind=kind)
    lowest = lowest_cosine(folder, lambda parts: Packed(parts, device="cuda", dtype=dtype))
    assert lowest > (0.99999 if dtype is torch.float16 else 0.999)  # random weights ask more of bfloat16
