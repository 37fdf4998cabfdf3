"""Refuse what cannot be loaded before torch is imported, which takes seconds."""

from __future__ import annotations

import sys
from pathlib import Path

from lunacy.cores import may_have_gpu
from lunacy.embedding.identity import settle_dims
from lunacy.embedding.locate import model_folder
from lunacy.embedding.model_files import read_json, read_modules
from lunacy.errors import UsageError

_KEEP_DIMENSIONS = ("normalize", "layernorm", "dropout", "wordweights")


def check_request(model: str, device: str, dims: int | None) -> None:
    """Raises ModelError when the model is not there or has not so many `dims`, UsageError for a device that cannot be.

    What its files cannot tell is checked when the model is loaded.
    """
    if not _may_be_there(device):
        raise no_device(device)
    folder = model_folder(model)
    if dims is not None and (dim := _dimensions(folder)) is not None:
        settle_dims(model, dims, dim)


def no_device(device: str) -> UsageError:
    """The error for a device that this machine lacks."""
    return UsageError(f"this machine has no {device} device", hint="use --device cpu, or leave it out")


def _may_be_there(device: str) -> bool:
    if device == "mps":
        return sys.platform == "darwin"
    return device in ("auto", "cpu") or (device == "cuda" and may_have_gpu())


def _dimensions(folder: Path) -> int | None:
    """The dimensions of a model's vectors, by its files; None where they do not tell."""
    dim: object = None
    for module in read_modules(folder):
        if module.kind in _KEEP_DIMENSIONS:
            continue
        if not (module.folder / "config.json").is_file():
            return None
        config = read_json(module.folder / "config.json", dict)
        if module.kind == "transformer":
            dim = config.get("hidden_size")
        elif module.kind == "dense":
            dim = config.get("out_features")
        elif module.kind == "pooling":
            n_modes = sum(value is True for key, value in config.items() if key.startswith("pooling_mode_"))
            width = config.get("word_embedding_dimension")
            dim = n_modes * width if isinstance(width, int) and n_modes else None
        else:
            return None
    return dim if isinstance(dim, int) else None
