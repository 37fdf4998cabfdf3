"""A model folder that is not whole is refused in one line, which names the file and says what to do."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lunacy.embedding import choose as choose_module
from lunacy.embedding import load, load_when_needed
from lunacy.errors import FingerprintMismatch, LunacyError, ModelError
from lunacy.fingerprint import Fingerprint
from tests.models import TEXTS, tiny

Break = Callable[[Path], object]

WEIGHTS, BIN, POOLING = "model.safetensors", "pytorch_model.bin", "1_Pooling/config.json"
MODULES, CONFIG, SETTINGS = "modules.json", "config.json", "config_sentence_transformers.json"
TOKENIZER, TOKENIZER_CONFIG, BERT = "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"
OF_SENTENCE_TRANSFORMERS = (MODULES, SETTINGS, BERT, "1_Pooling", "2_Normalize")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5" * 64 + b"\nsize 90868376\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model."""
    return tiny(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def broken(whole: Path, tmp_path: Path) -> Callable[..., Path]:
    """A function that breaks a copy of a whole model and gives its folder."""

    def make(*breaks: Break) -> Path:
        shutil.copytree(whole, tmp_path / "model")
        for one in breaks:
            one(tmp_path / "model")
        return tmp_path / "model"

    return make


def write(name: str, data: bytes) -> Break:
    return lambda folder: (folder / name).write_bytes(data)


def remove(*names: str) -> Break:
    def apply(folder: Path) -> None:
        for name in names:
            shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()

    return apply


def cut(name: str, size: int) -> Break:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def change(name: str, **values: Any) -> Break:
    return edit(name, lambda found: found.update(values))


def edit(name: str, by: Callable[[Any], Any]) -> Break:
    def apply(folder: Path) -> None:
        found = json.loads((folder / name).read_bytes())
        made = by(found)
        (folder / name).write_text(json.dumps(found if made is None else made))

    return apply


def weights(by: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Break:
    """Change the weights, all at once."""

    def apply(folder: Path) -> None:
        save_file(by(load_file(folder / WEIGHTS)), folder / WEIGHTS, metadata={"format": "pt"})

    return apply


def each(by: Callable[[torch.Tensor], torch.Tensor]) -> Break:
    return weights(lambda found: {key: by(one) for key, one in found.items()})


def as_bin(by: Callable[[Any], Any] = lambda found: found, *, zipped: bool = True) -> Break:
    """The same weights as torch saves them."""

    def apply(folder: Path) -> None:
        found = by(load_file(folder / WEIGHTS))
        (folder / WEIGHTS).unlink()
        torch.save(found, folder / BIN, _use_new_zipfile_serialization=zipped)

    return apply


def in_parts(folder: Path) -> None:
    """Weights in two files, of which one is missing."""
    (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors")
    places = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": places}))


def with_head(folder: Path) -> None:
    """What transformers saves of a classifier: the body under its name, and a head."""
    weights(lambda found: {f"bert.{key}": one for key, one in found.items()} | {"classifier.bias": torch.ones(1)})(
        folder
    )


plain = remove(*OF_SENTENCE_TRANSFORMERS)
BROKEN: dict[str, tuple[list[Break], str]] = {
    # what is not there
    "no tokenizer": (
        [remove(TOKENIZER, TOKENIZER_CONFIG)],
        r"the tokenizer is missing \(tokenizer.json, or vocab.txt\)",
    ),
    "no tokenizer, but its settings": ([remove(TOKENIZER)], "the tokenizer is missing"),
    "no weights": ([remove(WEIGHTS)], r"holds no weights \(model.safetensors\); give a whole"),
    "no config": ([remove(CONFIG)], "config.json is missing; give a whole"),
    "no pooling": ([remove("1_Pooling")], "modules.json names 1_Pooling, which is missing; download"),
    "no settings of the pooling": ([remove(POOLING)], "1_Pooling/config.json is missing"),
    "no modules": ([remove(MODULES)], "modules.json is missing, though config_sentence_transformers.json is there"),
    "only the pooling left of it": ([remove(MODULES, SETTINGS, BERT)], "modules.json is missing, though 1_Pooling"),
    "a part of the weights": ([in_parts], "index.json names model-00002-of-00002.safetensors, which is missing"),
    # what stands in a file's place
    "weights are a pointer": ([write(WEIGHTS, POINTER)], "model.safetensors is a Git LFS pointer; .*: git lfs pull"),
    "old weights are a pointer": (
        [remove(WEIGHTS), write(BIN, POINTER)],
        "pytorch_model.bin is a Git LFS pointer; .* git lfs pull",
    ),
    "tokenizer is a pointer": ([write(TOKENIZER, POINTER)], "tokenizer.json is a Git LFS pointer; .* git lfs pull"),
    "tokenizer is annexed": ([write(TOKENIZER, b"/annex/objects/SHA256E-s1--5.json\n")], "is a git-annex pointer"),
    "weights are packed": ([write(WEIGHTS, b"\x1f\x8b" + bytes(99))], "model.safetensors is gzip data; .*gunzip"),
    "config is a pointer": ([write(CONFIG, POINTER)], "config.json is a Git LFS pointer; .* git lfs pull"),
    "vocabulary is a pointer": (
        [remove(TOKENIZER), write("spiece.model", POINTER)],
        "spiece.model is a Git LFS pointer; .* git lfs pull",
    ),
    "weights are a web page": ([write(WEIGHTS, PAGE)], "model.safetensors is a web page; .* download it again"),
    "old weights are a web page": ([remove(WEIGHTS), write(BIN, PAGE)], "pytorch_model.bin is a web page; .* download"),
    "tokenizer is a web page": ([write(TOKENIZER, PAGE)], "tokenizer.json is a web page; .* download it again"),
    "weights are empty": ([write(WEIGHTS, b"")], "model.safetensors is empty; download it again"),
    "tokenizer is empty": ([write(TOKENIZER, b"")], "tokenizer.json is empty; download it again"),
    "modules are empty": ([write(MODULES, b"")], "modules.json is empty; download it again"),
    "weights are a folder": (
        [remove(WEIGHTS), lambda folder: (folder / WEIGHTS).mkdir()],
        "model.safetensors cannot be",
    ),
    "weights are noise": (
        [write(WEIGHTS, random.Random(0).randbytes(9999))],
        "model.safetensors is cut off, or no weights",
    ),
    "weights are cut": (
        [cut(WEIGHTS, 200_000)],
        r"model.safetensors is cut off.*not fully covered.*; download it again",
    ),
    "weights are cut in their head": ([cut(WEIGHTS, 1000)], "model.safetensors is cut off"),
    "weights are cut at once": ([cut(WEIGHTS, 5)], "model.safetensors is cut off"),
    "old weights are cut": ([as_bin(), cut(BIN, 100_000)], "pytorch_model.bin is cut off; download it again"),
    "ancient weights are cut": (
        [as_bin(zipped=False), cut(BIN, 100_000)],
        "pytorch_model.bin cannot be read: .*; download the model again",
    ),
    "old weights are a list": ([as_bin(lambda _found: [1, 2])], "pytorch_model.bin holds no weights"),
    "old weights are a program": (
        [remove(WEIGHTS), write(BIN, pickle.dumps({"a": print}))],
        "pytorch_model.bin cannot be read: it is damaged, or holds more than weights; download the model again",
    ),
    "old weights are a text": ([remove(WEIGHTS), write(BIN, b"weights")], "pytorch_model.bin holds no weights"),
    # JSON
    "modules are cut": ([cut(MODULES, 100)], r"modules.json is not JSON \(.*\); download it again"),
    "modules are an object": ([write(MODULES, b"{}")], "modules.json holds an object, and a list is needed"),
    "modules are null": ([write(MODULES, b"null")], "modules.json holds null, and a list is needed"),
    "modules are a number": ([write(MODULES, b"1")], "modules.json holds a number, and a list is needed"),
    "modules are texts": ([write(MODULES, b'["0"]')], "modules.json lists 0, which is no module"),
    "modules without a path": ([write(MODULES, b"[{}]")], "modules.json lists {}, which is no module"),
    "no module": ([write(MODULES, b"[]")], "modules.json lists no module"),
    "a module elsewhere": (
        [edit(MODULES, lambda of: of[1].update(path="../x"))],
        "modules.json names ../x, which is out",
    ),
    "modules in UTF-16": ([write(MODULES, "[]".encode("utf-16"))], "modules.json is not JSON .*utf-8"),
    "modules too deep": ([write(MODULES, b"[" * 10**5)], "modules.json is not JSON .*recursion"),
    "config is cut": ([cut(CONFIG, 100)], r"config.json is not JSON \(.*\); download it again"),
    "config is a list": ([write(CONFIG, b"[]")], "config.json holds a list, and an object is needed"),
    "config is of nothing": ([write(CONFIG, b"{}")], "cannot be loaded: .*model_type.*; download it again"),
    "config of another type": (
        [change(CONFIG, hidden_size="64")],
        "cannot be loaded: .*hidden_size.*; download it again",
    ),
    "layers without end": (
        [change(CONFIG, num_hidden_layers=10**30)],
        r"config.json asks for 1,0.* layers \(num_hidden",
    ),
    "an unknown activation": ([change(CONFIG, hidden_act="foo")], "cannot be loaded: KeyError 'foo'"),
    "pooling is cut": ([cut(POOLING, 9)], r"1_Pooling/config.json is not JSON \(.*\); download it again"),
    "pooling is a list": ([write(POOLING, b"[]")], "1_Pooling/config.json holds a list"),
    "pooling is unknown": ([change(POOLING, pooling_mode="foo")], "cannot be loaded: .*pooling mode: 'foo'"),
    "settings are cut": (
        [cut(SETTINGS, 9)],
        r"config_sentence_transformers.json is not JSON \(.*\); download it again",
    ),
    "settings are null": ([write(SETTINGS, b"null")], "config_sentence_transformers.json holds null"),
    "prompts are a list": (
        [change(SETTINGS, prompts=["a"])],
        "config_sentence_transformers.json has prompts that are no",
    ),
    "prompts are numbers": ([change(SETTINGS, prompts={"query": 5})], "has prompts that are no texts"),
    "a prompt that is not there": ([change(SETTINGS, default_prompt_name="x")], "prompt name 'x' not found"),
    "tokenizer is cut": ([cut(TOKENIZER, 999)], r"tokenizer.json is not JSON \(.*\); download it again"),
    "tokenizer is a list": ([write(TOKENIZER, b"[]")], "tokenizer.json holds a list, and an object is needed"),
    "tokenizer is of nothing": ([write(TOKENIZER, b"{}")], "tokenizer.json cannot be read: Model missing.*; download"),
    "tokenizer of another shape": (
        [edit(TOKENIZER, lambda of: of["model"].update(vocab=[1, 2]))],
        "tokenizer.json cannot be read: .*; download the model again",
    ),
    "settings of the tokenizer are a list": ([write(TOKENIZER_CONFIG, b"[]")], "tokenizer_config.json holds a list"),
    # what belongs to another model
    "weights under another name": (
        [weights(lambda found: {f"module.{key}": one for key, one in found.items()})],
        r"37 missing \(embeddings.LayerNorm.bias, .*37 unknown \(module.embeddings.LayerNorm.bias, .*download it again",
    ),
    "a layer too few": (
        [weights(lambda found: {key: one for key, one in found.items() if "layer.1" not in key})],
        r"16 missing \(encoder.layer.1",
    ),
    "a layer too many": ([change(CONFIG, num_hidden_layers=1)], r"16 unknown \(encoder.layer.1"),
    "a layer too many of a plain model": (
        [plain, with_head, change(CONFIG, num_hidden_layers=1)],
        r"16 unknown \(bert.encoder.layer.1",
    ),
    "a weight too few": (
        [weights(lambda found: {key: one for key, one in found.items() if key != "encoder.layer.0.output.dense.bias"})],
        r"1 missing \(encoder.layer.0.output.dense.bias\)",
    ),
    "other layers added": (
        [weights(lambda found: found | {"encoder.layer.0.attention.self.query.lora_A": torch.ones(4, 4)})],
        r"1 unknown \(encoder.layer.0.attention.self.query.lora_A\)",
    ),
    "a vocabulary of another size": (
        [change(CONFIG, vocab_size=100)],
        r"embeddings.word_embeddings.weight: \[213, 64\] instead of \[100, 64\]",
    ),
    "a width of another size": ([change(CONFIG, hidden_size=32)], "37 of another shape"),
    "another architecture": ([change(CONFIG, model_type="distilbert")], "the weights are not those that config.json"),
    "a tokenizer of more words": (
        [
            edit(
                TOKENIZER,
                lambda of: of["model"]["vocab"].update({f"##{letter}": 900 for letter in "abcdefghijklmnopqrs"}),
            )
        ],
        "cannot embed a text: its tokenizer and its weights are not of one model",
    ),
    "a tokenizer without words": (
        [edit(TOKENIZER, lambda of: of["model"].update(vocab={"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}))],
        "gives different texts the same vector: its tokenizer",
    ),
    "another pooling's width": ([change(POOLING, embedding_dimension=128)], "have 64 dimensions, .* say 128"),
    "quantised weights": (
        [each(lambda one: (50 * one).to(torch.int8))],
        r"holds quantised weights \(I8\); take .* float32",
    ),
    # what loads, and means nothing
    "weights of zeros": ([each(torch.zeros_like)], "vectors of zeros, or .* not finite: .* download it again"),
    "weights of NaN": ([each(lambda one: one * float("nan"))], "vectors of zeros, or .* not finite"),
    "weights too large": ([each(lambda one: one * 1e30)], "vectors of zeros, or .* not finite"),
    "words of zeros": (
        [weights(lambda found: found | {"embeddings.word_embeddings.weight": torch.zeros(213, 64)})],
        "gives different texts the same vector",
    ),
    "a prompt as long as the model reads": (
        [change(SETTINGS, prompts={"document": "graph " * 40})],
        "different texts the same vector behind the prompt 'graph graph",
    ),
    "a question's prompt as long": ([change(SETTINGS, prompts={"query": "proof " * 40})], "behind the prompt 'proof"),
    "room for no token": (
        [change(BERT, max_seq_length=2)],
        "reads 2 tokens of a text, 2 of them its own; mend max_seq",
    ),
    "a length below 0": ([change(BERT, max_seq_length=-1)], "reads -1 tokens"),
    "a length in words": ([change(BERT, max_seq_length="long")], "reads 'long' tokens"),
    "a length of a half": ([change(BERT, max_seq_length=9.5)], "reads 9.5 tokens"),
    # what is no model for texts
    "code of its own": (
        [edit(MODULES, lambda of: of[0].update(type="own.Transformer"))],
        "code of its own .*does not run",
    ),
    "a transformer with code": (
        [change(CONFIG, model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"})],
        r"code of its own \(trust_remote_code\), which lunacy does not run",
    ),
    "an unknown module": (
        [edit(MODULES, lambda of: of[0].update(type="sentence_transformers.models.Foo"))],
        'cannot be loaded: .*"Foo".*; download it again, or take another model',
    ),
    "no pooling listed": ([edit(MODULES, lambda of: of[:1])], "modules.json names no pooling"),
    "modules in another order": ([edit(MODULES, lambda of: of[::-1])], "cannot embed a text"),
    "a cross-encoder": ([change(SETTINGS, model_type="CrossEncoder")], "says that this is a CrossEncoder"),
    "a sparse encoder": ([change(SETTINGS, model_type="SparseEncoder")], "says that this is a SparseEncoder"),
    "a classifier": (
        [plain, with_head, change(CONFIG, architectures=["BertForSequenceClassification"])],
        "BertForSequenceClassification, a classifier or cross-encoder, .*take an embedding model",
    ),
    "a generative model": (
        [plain, change(CONFIG, architectures=["LlamaForCausalLM"])],
        "LlamaForCausalLM, a generative",
    ),
    "a generative model of old": (
        [plain, change(CONFIG, architectures=["GPT2LMHeadModel"])],
        "GPT2LMHeadModel, a gen",
    ),
    "an adapter": ([write("adapter_config.json", b'{"base_model_name_or_path": "a/b"}')], "cannot be loaded: .*"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_one_line_that_says_what_and_what_to_do(
    name: str, broken: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    breaks, said = BROKEN[name]
    folder = broken(*breaks)
    with pytest.raises(ModelError, match=said) as caught:
        load(str(folder), device="cpu", n_texts=1)
    message = caught.value.full_message
    assert message.startswith(f"{folder}: ")
    assert "\n" not in message
    assert len(message) < 500
    assert capfd.readouterr() == ("", "")


RECORDED = Fingerprint(model="m", text="abstract", dim=64, weights="0" * 64)


@pytest.mark.parametrize("name", [name for name, (breaks, _said) in BROKEN.items() if "module" in name])
def test_a_broken_list_of_modules_is_one_line_where_files_are_only_hashed(
    name: str, broken: Callable[..., Path]
) -> None:
    """As for an index that exists already: they are not those of its model."""
    breaks, said = BROKEN[name]
    with pytest.raises((ModelError, FingerprintMismatch), match=rf"{said}|weights: 0+ in the index, \w+ now"):
        load_when_needed(str(broken(*breaks)), RECORDED, device="cpu")


def fuzzed(value: Any, rng: random.Random) -> Any:
    """A JSON value with something in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        how = rng.random()
        if how < 0.2:
            return {other: one for other, one in value.items() if other != key}
        return {**value, (f"{key}x" if how < 0.3 else key): fuzzed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], fuzzed(value[place], rng), *value[place + 1 :]]
    return rng.choice([None, True, 0, -1, 3, 10**30, 0.5, "", "x", "\0", "../..", [], [1], ["a"], {}, {"a": []}])


def break_at_random(folder: Path, rng: random.Random) -> None:
    """Remove, cut, swap, overwrite a file of a model, or change a value in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    path, other = rng.sample(files, 2)
    how = rng.choice(["json"] * 5 + ["remove", "cut", "swap", "noise", "kind", "tensors"])
    if how == "remove":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
    elif how == "swap":
        mine, theirs = path.read_bytes(), other.read_bytes()
        path.write_bytes(theirs)
        other.write_bytes(mine)
    elif how == "noise":
        data = bytearray(path.read_bytes())
        start = rng.randrange(len(data))
        data[start : start + 64] = rng.randbytes(64)
        path.write_bytes(data)
    elif how == "kind":
        path.write_bytes(rng.choice([b"", POINTER, PAGE, b"null", b"[]", b"{}", b'"a"', b"PK\3\4", b"\x80\4."]))
    elif how == "tensors" and (folder / WEIGHTS).exists():
        found = load_file(folder / WEIGHTS)
        key = rng.choice(sorted(found))
        changed = rng.choice([None, found[key][:1], found[key].half(), found[key] * float("inf"), found[key] * 0])
        save_file(
            {name: one for name, one in {**found, key: changed}.items() if one is not None},
            folder / WEIGHTS,
            metadata={"format": "pt"},
        )
    elif path.suffix == ".json":
        path.write_text(json.dumps(fuzzed(json.loads(path.read_bytes()), rng)))


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 200))])
def test_a_model_broken_at_random_is_refused_or_embeds(
    seed: int, broken: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choose_module, "_bf16_is_faster", lambda: False)
    monkeypatch.setattr(choose_module, "translated", not_installed)
    folder = broken(lambda folder: break_at_random(folder, random.Random(seed)))
    try:
        vectors = load(str(folder), device="cpu", n_texts=seed % 2 or None).embed(TEXTS).vectors
    except LunacyError as error:
        vectors, message = None, error.full_message
    if vectors is None:
        assert "\n" not in message
    else:
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert (vectors @ vectors.T)[0, 2] < 0.9999
    assert capfd.readouterr() == ("", "")


def not_installed(*_: object, **__: object) -> None:
    raise ImportError
