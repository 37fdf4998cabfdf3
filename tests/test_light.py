"""A plain BERT without torch: the vectors of `encode`, the same fingerprint, and what it leaves to torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

import lunacy
from lunacy.embedding import DEFAULT_MODEL, Embedder, load, load_again
from lunacy.embedding import light as light_module
from lunacy.embedding.engines.openvino import OpenVino
from lunacy.embedding.locate import model_folder
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.plain_bert import read_plain_bert
from lunacy.embedding.tokenizer import HARD_TEXTS
from lunacy.errors import MissingExtra, ModelError
from lunacy.paper import embedded_text
from lunacy.snapshot import Snapshot, parse
from tests.conftest import FakeEmbedder, few_quick, record
from tests.models import TEXTS, reference, skip_without_openvino, tiny
from tests.test_broken_models import (
    BERT,
    CONFIG,
    POOLING,
    SETTINGS,
    TOKENIZER,
    TOKENIZER_CONFIG,
    change,
    each,
    edit,
    plain,
    remove,
    weights,
    with_head,
)

ARITHMETIC = "cpu float32 openvino"


@pytest.fixture(autouse=True)
def _with_openvino() -> None:
    skip_without_openvino()


def light(folder: Path | str, *, few: bool = True, **options: Any) -> Embedder:
    options = {"prompt": None, "query_prompt": None, "dims": None, "long_texts": "cut", "batch_size": None, **options}
    return light_module.load_light(str(folder), few=few, **options)


def texts_of_the_sample(n: int) -> list[str]:
    with Snapshot() as sample:
        papers = [parse(line) for line in islice(sample.lines(), n)]
    return [paper.title for paper in papers] + [embedded_text(paper, "title+abstract") for paper in papers]


@pytest.mark.slow
def test_the_default_model_gives_the_vectors_of_encode() -> None:
    texts = [*texts_of_the_sample(300), *HARD_TEXTS]
    embedder = load(n_texts=1)
    assert embedder.arithmetic == ARITHMETIC
    cosines = (embedder.embed_queries(texts).vectors * reference(DEFAULT_MODEL, texts)).sum(1)
    assert cosines.min() >= 0.99999


def test_a_text_is_embedded_without_torch() -> None:
    code = f"""
import sys
from lunacy.embedding import load
assert load(n_texts=1).arithmetic == {ARITHMETIC!r}
print(sorted(sys.modules.keys() & {{"torch", "sentence_transformers", "transformers", "huggingface_hub"}}))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("few", [True, False])
def test_vectors_and_fingerprint_are_those_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pooling: str, few: bool
) -> None:
    monkeypatch.setattr(light_module, "multiplies_bfloat16", lambda: False)
    folder = tiny(tmp_path, pooling=pooling, prompts={"document": "graph: ", "query": "is a proof "})
    mine = light(folder, few=few, dims=48)
    np.testing.assert_allclose(
        mine.embed(TEXTS).vectors, reference(folder, TEXTS, prompt_name="document", truncate_dim=48), atol=1e-5
    )
    np.testing.assert_allclose(
        mine.embed_queries(TEXTS).vectors, reference(folder, TEXTS, prompt_name="query", truncate_dim=48), atol=1e-5
    )
    monkeypatch.setattr(lunacy.embedding, "_suits_light", lambda *_: False)
    theirs = load(str(folder), device="cpu", n_texts=1, dims=48)
    assert theirs.arithmetic == "cpu float32"
    assert mine.fingerprint == theirs.fingerprint
    assert mine.embed(TEXTS).n_cut == theirs.embed(TEXTS).n_cut == 3


@pytest.mark.parametrize(
    "as_it_is",
    [
        plain,
        remove("2_Normalize"),
        remove(SETTINGS),
        each(lambda one: one.half()),
        each(lambda one: one.double()),
        weights(lambda found: {key: one for key, one in found.items() if "pooler" not in key}),
        change(BERT, max_seq_length=20),
        change(TOKENIZER_CONFIG, tokenizer_class="BertTokenizer"),
    ],
)
def test_a_whole_model_is_taken_however_it_was_saved(tmp_path: Path, as_it_is: Callable[[Path], object]) -> None:
    folder = tiny(tmp_path)
    as_it_is(folder)
    np.testing.assert_allclose(light(folder).embed(TEXTS).vectors, reference(folder, TEXTS), atol=1e-5)


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (change(CONFIG, hidden_act="relu"), "says hidden_act relu"),
        (change(CONFIG, position_embedding_type="relative_key"), "says position_embedding_type relative_key"),
        (change(CONFIG, model_type="roberta"), "says model_type roberta"),
        (change(CONFIG, num_hidden_layers=1), "weights are not those"),
        (change(CONFIG, vocab_size=20), "tokenizer and its weights are not of one model"),
        (change(CONFIG, num_attention_heads="4"), "num_attention_heads 4"),
        (change(POOLING, include_prompt=False), "says include_prompt False"),
        (change(POOLING, pooling_mode="max"), "more than a transformer and a mean"),
        (change(BERT, do_lower_case=True), "says do_lower_case True"),
        (change(BERT, new_switch=1), "has new_switch"),
        (change(BERT, max_seq_length=2), "how many tokens"),
        (change(SETTINGS, default_prompt_name="x"), "default prompt is x"),
        (change(TOKENIZER_CONFIG, do_lower_case=False), "tokenizer is not BERT's"),
        (change(TOKENIZER_CONFIG, truncation_side="left"), "tokenizer is not BERT's"),
        (edit(TOKENIZER, lambda found: found["added_tokens"].pop() and None), "tokenizer is not BERT's"),
        (edit(TOKENIZER, lambda found: found.update(normalizer=None)), "tokenizer is not BERT's"),
        (each(lambda one: one.to(torch.bfloat16)), "BF16"),
        (with_head, "weights are not those"),
    ],
)
def test_what_is_otherwise_is_left_to_torch(tmp_path: Path, breaks: Callable[[Path], object], reason: str) -> None:
    folder = tiny(tmp_path)
    breaks(folder)
    with pytest.raises(Unsupported, match=reason):
        light(folder)


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "modernbert", "mpnet"])
def test_another_kind_of_transformer_is_left_to_torch(tmp_path: Path, kind: str) -> None:
    with pytest.raises(Unsupported, match=f"says model_type {kind}"):
        light(tiny(tmp_path, kind=kind))


def test_the_tokenizer_is_the_one_that_transformers_makes_of_the_files() -> None:
    from transformers import AutoTokenizer

    folder = model_folder(DEFAULT_MODEL)
    ours = Tokenizer.from_str(read_plain_bert(folder).tokenizer)
    theirs = Tokenizer.from_str(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
    for tokenizer in (ours, theirs):
        tokenizer.no_padding()
        tokenizer.no_truncation()
    assert [ours.encode(text).ids for text in HARD_TEXTS] == [theirs.encode(text).ids for text in HARD_TEXTS]


@pytest.mark.slow
def test_a_long_text_is_read_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny(tmp_path)
    mine = light(folder, long_texts="chunk").embed(TEXTS).vectors
    monkeypatch.setattr(lunacy.embedding, "_suits_light", lambda *_: False)
    theirs = load(str(folder), device="cpu", long_texts="chunk").embed(TEXTS).vectors
    np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"dims": 16, "prompt": "graph: "}, {"long_texts": "chunk"}])
def test_an_index_is_asked_with_the_settings_of_its_model(tmp_path: Path, options: dict[str, Any]) -> None:
    made_by = light(tiny(tmp_path, prompts={"document": "a proof "}), **options).fingerprint
    assert load_again(made_by, n_texts=1).fingerprint == made_by


@pytest.mark.parametrize("long_texts", few_quick(["cut", "chunk"], "cut"))
@pytest.mark.parametrize("kind", few_quick(["bert", "distilbert"], "bert"))
def test_an_answer_says_how_much_of_a_long_text_was_read(
    tmp_path: Path, write_snapshot: Callable[..., Path], kind: str, long_texts: str
) -> None:
    snapshot, folder = write_snapshot([record("1802.05130")]), tiny(tmp_path, kind=kind)
    lunacy.build_index(snapshot, into=tmp_path / "ix", model=str(folder), long_texts=long_texts)
    questions = [lunacy.Question(text=text) for text in ("state " * 1500, "state " * 30)]
    with lunacy.open_index(tmp_path / "ix") as ix:
        notes = [answer.notes for answer in ix.ask_many(questions)]
    told = () if long_texts == "chunk" else ("the text has 1,502 tokens; the model reads the first 32",)
    assert notes == [told, ()]


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name in ("torch", "sentence_transformers") else find_spec(name)

    monkeypatch.setattr(lunacy.embedding, "find_spec", find)


@pytest.mark.usefixtures("without_torch")
def test_without_torch_many_texts_are_embedded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_module, "multiplies_bfloat16", lambda: False)
    folder = tiny(tmp_path)
    embedder = load(str(folder))
    assert embedder.arithmetic == ARITHMETIC
    np.testing.assert_allclose(embedder.embed(TEXTS).vectors, reference(folder, TEXTS), atol=1e-5)


@pytest.mark.usefixtures("without_torch")
def test_what_needs_torch_says_so_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.embedding.early_checks.may_have_gpu", lambda: True)
    folder = tiny(tmp_path, kind="mpnet")
    with pytest.raises(ModelError, match=r"needs PyTorch, which is not installed; without it: .*model_type mpnet"):
        load(str(folder))
    with pytest.raises(ModelError, match="device 'cuda' needs PyTorch, which is not installed"):
        load(device="cuda")


def test_without_torch_a_large_batch_is_searched_by_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_snapshot: Callable[..., Path]
) -> None:
    snapshot = write_snapshot([record(f"1802.0000{n}") for n in range(4)])
    lunacy.build_index(snapshot, into=tmp_path / "ix", embedder=FakeEmbedder())
    monkeypatch.setattr("lunacy.search.folder_searcher._GPU_FROM", 0)
    monkeypatch.setitem(sys.modules, "lunacy.search.gpu", None)  # as where torch is not installed
    with lunacy.open_index(tmp_path / "ix") as ix:
        assert len(ix.similar("1802.00001")) == 3
        with pytest.raises(MissingExtra, match="PyTorch is not installed"):
            ix.similar_many(["1802.00001"], device="cuda")


@pytest.mark.parametrize(
    ("bfloat16_s", "cosine", "chosen"), [(0.5, 1.0, "bfloat16"), (0.95, 1.0, "float32"), (0.5, 0.9999, "float32")]
)
def test_bfloat16_is_taken_where_it_is_faster_and_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bfloat16_s: float, cosine: float, chosen: str
) -> None:
    seconds = {"cpu bfloat16 openvino": bfloat16_s, "cpu float32 openvino": 1.0}
    monkeypatch.setattr(light_module, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(light_module, "lowest_cosine", lambda *_: cosine)
    monkeypatch.setattr(light_module, "_fastest_s", lambda engine, _tokens: seconds[engine.arithmetic])
    assert light(tiny(tmp_path), few=False).arithmetic == f"cpu {chosen} openvino"


def test_where_bfloat16_cannot_be_compiled_float32_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held_to_older_instructions(*arguments: Any, **options: Any) -> OpenVino:
        if options.get("products") == "bfloat16":
            raise RuntimeError("Supported primitive descriptors list is empty for node: Softmax")
        return OpenVino(*arguments, **options)

    monkeypatch.setattr(light_module, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(light_module, "OpenVino", held_to_older_instructions)
    embedder = light(tiny(tmp_path), few=False)
    assert embedder.arithmetic == ARITHMETIC
    assert not embedder.notes
