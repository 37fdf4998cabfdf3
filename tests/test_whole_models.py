"""What a whole model may look like: any number format, no head or another one, no length or one that is too long."""

from __future__ import annotations

import logging
import shutil
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding, Transformer
from transformers import BertModel, PreTrainedModel, T5Config, T5EncoderModel

from lunacy import build_index, open_index
from lunacy.embedding import choose as choose_module
from lunacy.embedding import load
from lunacy.embedding.check_model import loading
from lunacy.errors import ModelError
from tests.conftest import few_quick, record
from tests.models import TEXTS, reference, tiny, wordpiece
from tests.test_broken_models import (
    BERT,
    CONFIG,
    TOKENIZER_CONFIG,
    WEIGHTS,
    change,
    each,
    edit,
    not_installed,
    plain,
    remove,
    weights,
)

FORMATS = [torch.float16, torch.bfloat16, torch.float64]


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """And by torch: `test_light` has the way without it."""
    monkeypatch.setattr("lunacy.embedding._suits_light", lambda *_: False)
    monkeypatch.setattr(choose_module, "_bf16_is_faster", lambda: False)
    monkeypatch.setattr(choose_module, "translated", not_installed)
    without_last = choose_module.CHECKED[:-1]  # the last is for models that read it all
    monkeypatch.setattr(choose_module, "CHECKED", without_last)


def assert_unit(vectors: np.ndarray, dim: int) -> None:
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(TEXTS), dim))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("n_texts", [1, None])
@pytest.mark.parametrize("dims", [None, pytest.param(16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_a_model_of_any_number_format_is_computed_with_in_float32(
    tmp_path: Path, dtype: torch.dtype, dims: int | None, n_texts: int | None
) -> None:
    folder = tiny(tmp_path)
    rounded = shutil.copytree(folder, tmp_path / "rounded")
    each(lambda one: one.to(dtype).float())(rounded)  # the same numbers, in float32
    each(lambda one: one.to(dtype))(folder)
    assert {one.dtype for one in load_file(folder / WEIGHTS).values()} == {dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder = load(str(folder), device="cpu", dims=dims, n_texts=n_texts)
        vectors = embedder.embed(TEXTS).vectors
    assert_unit(vectors, dims or 64)
    np.testing.assert_allclose(vectors, reference(rounded, TEXTS, truncate_dim=dims), atol=1e-5)
    assert embedder.arithmetic == ("cpu float32" if n_texts else "cpu float32 packed")


@pytest.mark.parametrize("n_texts", [1, None])
def test_later_modules_keep_their_precision_behind_a_transformer_in_half(tmp_path: Path, n_texts: int | None) -> None:
    folder = tiny(tmp_path, dense=24)
    rounded = shutil.copytree(folder, tmp_path / "rounded")
    each(lambda one: one.half().float())(rounded)  # the transformer alone: Dense is as it was
    each(lambda one: one.half())(folder)
    vectors = load(str(folder), device="cpu", n_texts=n_texts).embed(TEXTS).vectors
    assert_unit(vectors, 24)
    np.testing.assert_allclose(vectors, reference(rounded, TEXTS), atol=1e-5)


def as_bert_for_masked_words(folder: Path) -> None:
    """As the hub has BERT: the body under its name, a head for another task, and a buffer of old."""
    head = {"cls.predictions.bias": torch.ones(213), "cls.seq_relationship.weight": torch.ones(2, 64)}
    buffer = {"bert.embeddings.position_ids": torch.arange(64).unsqueeze(0)}
    weights(lambda found: {f"bert.{key}": one for key, one in found.items()} | head | buffer)(folder)
    change(CONFIG, architectures=["BertForPreTraining"])(folder)


def without_pooler(folder: Path) -> None:
    weights(lambda found: {key: one for key, one in found.items() if "pooler" not in key})(folder)


def with_a_vocabulary_of_old(folder: Path) -> None:
    """Nobody reads it where there is a tokenizer.json."""
    (folder / "vocab.txt").write_text("<s>\n<pad>\n</s>\n")


def in_a_bin(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


@pytest.mark.parametrize(
    "as_it_is",
    [
        plain,
        lambda folder: (plain(folder), as_bert_for_masked_words(folder)),
        lambda folder: (plain(folder), without_pooler(folder)),
        without_pooler,
        remove("2_Normalize"),  # git keeps no empty folder
        remove("config_sentence_transformers.json"),  # of sentence-transformers before 2.0
        edit(CONFIG, lambda found: found.pop("architectures") and None),
        in_a_bin,
        with_a_vocabulary_of_old,
        lambda folder: (plain(folder), change(CONFIG, architectures=["XLMWithLMHeadModel"])(folder)),
    ],
)
def test_a_whole_model_is_taken_however_it_was_saved(tmp_path: Path, as_it_is: Callable[[Path], object]) -> None:
    folder = tiny(tmp_path)
    right = reference(folder, TEXTS)
    as_it_is(folder)
    np.testing.assert_allclose(load(str(folder), device="cpu").embed(TEXTS).vectors, right, atol=1e-5)


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "modernbert", "mpnet"])
def test_a_plain_transformer_of_another_kind_is_taken(tmp_path: Path, kind: str) -> None:
    folder = tiny(tmp_path, kind=kind)
    right = reference(folder, TEXTS)
    plain(folder)
    np.testing.assert_allclose(load(str(folder), device="cpu").embed(TEXTS).vectors, right, atol=1e-5)


def without_length(folder: Path) -> Path:
    """A model without a longest text: T5's positions are relative, and its tokenizer says nothing."""
    torch.manual_seed(0)
    tokenizer = wordpiece()
    config = T5Config(vocab_size=len(tokenizer), d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4)
    T5EncoderModel(config).save_pretrained(folder / "raw")
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(folder / "raw")
    first = Transformer(str(folder / "raw"))
    SentenceTransformer(modules=[first, Pooling(64)], device="cpu").save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.mark.parametrize(
    ("said", "n_texts"),
    few_quick([(10**30, 1), (10**30, None), (10**19 * 5, 1), (1e30, 1), (None, 1)], (10**30, None), (None, 1)),
)
def test_a_model_without_a_longest_text_reads_all_of_it(
    tmp_path: Path, said: Any, n_texts: int | None, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = without_length(tmp_path)
    capfd.readouterr()
    change(TOKENIZER_CONFIG, model_max_length=said)(folder)
    texts = [*TEXTS, "the proof of a gas " * 100, "the proof of a gas " * 101]
    embedder = load(str(folder), device="cpu", n_texts=n_texts)
    embedded = embedder.embed(texts)
    assert embedder.fingerprint.max_tokens is None
    assert embedded.n_cut == 0
    assert not np.array_equal(embedded.vectors[-1], embedded.vectors[-2])
    assert capfd.readouterr() == ("", "")


def test_an_index_is_made_with_a_model_without_a_longest_text(
    tmp_path: Path, write_snapshot: Callable[..., Path]
) -> None:
    folder = str(without_length(tmp_path))
    papers = [record(f"1802.{n:05}", abstract=f"the gas {'of a graph ' * n}") for n in range(1, 6)]
    build_index(write_snapshot(papers), into=tmp_path / "ix", model=folder)
    assert build_index(write_snapshot(papers), into=tmp_path / "ix", model=folder).counts.unchanged == 5
    with open_index(tmp_path / "ix") as ix:
        assert ix.info().fingerprint.max_tokens is None
        assert len(ix.similar_to_text("a graph", model=folder)) == 5


@pytest.mark.parametrize("n_texts", [1, None])
@pytest.mark.parametrize(
    ("kind", "said"),
    few_quick(
        [("bert", 65), ("bert", 10**30), ("roberta", 65), ("roberta", 10**5), ("mpnet", 10**5)],
        ("bert", 10**30),
        ("roberta", 65),
    ),
)
def test_a_length_beyond_the_table_of_positions_is_cut_to_it(
    tmp_path: Path, kind: str, said: int, n_texts: int | None
) -> None:
    """Each has 64: RoBERTa's family counts from 2, and has 66."""
    folder = tiny(tmp_path, kind=kind)
    change(BERT, max_seq_length=64)(folder)
    [right] = reference(folder, ["the proof " * 500])
    change(BERT, max_seq_length=said)(folder)
    embedder = load(str(folder), device="cpu", n_texts=n_texts)
    assert embedder.fingerprint.max_tokens == 64
    embedded = embedder.embed(["the proof " * 31, "the proof " * 500])  # with 2 special tokens, 64 and 1002
    assert embedded.n_cut == 1
    np.testing.assert_allclose(embedded.vectors, [right, right], atol=1e-5)


def test_a_length_within_the_table_is_kept(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    change(BERT, max_seq_length=17.0)(folder)
    assert load(str(folder), device="cpu").fingerprint.max_tokens == 17


def test_words_without_a_transformer_embed_too(tmp_path: Path) -> None:
    tokenizer = wordpiece().backend_tokenizer
    torch.manual_seed(0)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=48)], device="cpu")
    model.save(str(tmp_path / "m"), create_model_card=False)
    embedder = load(str(tmp_path / "m"), device="cpu")
    texts = [text for text in TEXTS if text]
    vectors = embedder.embed(texts).vectors
    np.testing.assert_allclose(vectors, reference(tmp_path / "m", texts), atol=1e-5)
    assert (embedder.fingerprint.dim, embedder.fingerprint.max_tokens) == (48, None)


@pytest.mark.parametrize("n_texts", [1, None])
@pytest.mark.parametrize(("factor", "said"), [(0.0, "a vector of zeros"), (float("nan"), "not finite")])
def test_a_text_without_a_direction_is_named(tmp_path: Path, factor: float, said: str, n_texts: int | None) -> None:
    embedder: Any = load(str(tiny(tmp_path)), device="cpu", n_texts=n_texts)
    part, name = (embedder._model, "encode") if n_texts else (embedder._engine, "run")
    right = getattr(part, name)

    def wrong(*args: Any, **options: Any) -> Any:
        vectors = right(*args, **options)
        vectors[2] *= factor
        return vectors

    setattr(part, name, wrong)
    with pytest.raises(ModelError, match=f"{said} for the text 'graph'"):
        embedder.embed(TEXTS)


@pytest.mark.parametrize("n_texts", [1, None])
@pytest.mark.parametrize(
    "error", [RuntimeError("a\nb"), IndexError("x"), KeyError("k"), MemoryError(), OverflowError()]
)
def test_what_a_model_raises_at_work_is_one_line(tmp_path: Path, error: Exception, n_texts: int | None) -> None:
    embedder: Any = load(str(tiny(tmp_path)), device="cpu", n_texts=n_texts)

    def fail(*_: object, **__: object) -> Any:
        raise error

    setattr(*((embedder._model, "encode") if n_texts else (embedder._engine, "run")), fail)
    with pytest.raises(ModelError, match=r"cannot embed a text: .+") as caught:
        embedder.embed(TEXTS)
    assert "\n" not in str(caught.value)


def test_a_model_that_gives_a_text_another_vector_each_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny(tmp_path)
    rng = np.random.default_rng(0)

    def encode(_model: object, texts: list[str], **_options: Any) -> Any:
        return rng.standard_normal((len(texts), 64), np.float32)

    monkeypatch.setattr(SentenceTransformer, "encode", encode)
    with pytest.raises(ModelError, match="gives a text another vector each time"):
        load(str(folder), device="cpu")


def test_transformers_is_left_as_it_was(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    before = PreTrainedModel.__dict__["from_pretrained"]
    level = logging.getLogger("transformers").level
    load(str(folder), device="cpu", n_texts=1)
    weights(lambda found: {f"module.{key}": one for key, one in found.items()})(folder)
    with pytest.raises(ModelError):
        load(str(folder), device="cpu", n_texts=1)
    assert PreTrainedModel.__dict__["from_pretrained"] is before
    assert logging.getLogger("transformers").level == level


def test_models_that_others_load_meanwhile_are_not_mistaken_for_ours(tmp_path: Path) -> None:
    folder = str(tiny(tmp_path))
    loaded: list[Any] = []

    def by_others() -> None:
        loaded.append(BertModel.from_pretrained(folder))
        loaded.append(BertModel.from_pretrained(folder, output_loading_info=True))

    with loading() as reports:
        thread = threading.Thread(target=by_others)
        thread.start()
        thread.join()
        mine = BertModel.from_pretrained(folder)
    assert [type(one) for one in loaded] == [BertModel, tuple]
    assert [report.model for report in reports] == [mine]


def test_several_threads_may_load_at_once(tmp_path: Path) -> None:
    whole, broken = tiny(tmp_path / "whole"), tiny(tmp_path / "broken")
    weights(lambda found: {f"module.{key}": one for key, one in found.items()})(broken)
    said: list[str] = []

    def one(folder: Path) -> None:
        try:
            load(str(folder), device="cpu", n_texts=1)
            said.append("whole")
        except ModelError:
            said.append("broken")

    threads = [threading.Thread(target=one, args=(folder,)) for folder in (whole, broken, whole, broken, whole)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["broken", "broken", "whole", "whole", "whole"]
