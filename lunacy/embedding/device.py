"""The device that a model, or the search, runs on."""

from __future__ import annotations

import torch

from lunacy.embedding.early_checks import no_device


def pick_device(wanted: str) -> str:
    """The device of torch for `wanted`: "cuda", "mps", "cpu", or "auto" for the first of these that is there.

    Raises UsageError for one that this machine lacks.
    """
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, is_there in has.items() if is_there)
    if not has.get(wanted):
        raise no_device(wanted)
    return wanted
