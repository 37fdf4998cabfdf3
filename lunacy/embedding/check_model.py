"""Check that the weights of a loaded model are complete."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.model_files import tokenizer_files, weight_files
from lunacy.embedding.quiet import quiet
from lunacy.errors import ModelError

_AGAIN = "download the model again"
_NAMED = 2  # keys of each sort
_BUFFERS = re.compile(r"(^|\.)(position_ids|token_type_ids|\S*inv_freq|masked_bias|_weight)$")  # computed, or twins
_UNUSED = re.compile(rf"(^|\.)pooler\.|{_BUFFERS.pattern}")  # sentence-transformers pools by itself
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Report:
    """What transformers tells of the weights of one transformer."""

    model: PreTrainedModel
    missing: Sequence[str]
    unexpected: Sequence[str]
    mismatched: Sequence[Any]  # (key, shape in the file, shape by config.json)


@contextmanager
def loading() -> Iterator[list[Report]]:
    """Yields a list that collects the report of each transformer that this thread loads in the block.

    `from_pretrained` returns its report to its caller alone, which is sentence-transformers, and that drops it.
    """
    reports: list[Report] = []
    thread = threading.get_ident()
    base: Any = PreTrainedModel
    with _LOADING, quiet():
        plain = base.__dict__["from_pretrained"]

        def from_pretrained(cls: type[PreTrainedModel], *args: Any, **options: Any) -> Any:
            model, found = plain.__func__(cls, *args, **{**options, "output_loading_info": True})
            if threading.get_ident() == thread:
                keys = (sorted(found[f"{sort}_keys"]) for sort in ("missing", "unexpected", "mismatched"))
                reports.append(Report(model, *keys))
            return (model, found) if options.get("output_loading_info") else model

        base.from_pretrained = classmethod(from_pretrained)
        bars: Any = transformers_logging  # of the weights, amid what we say ourselves
        has_bars = bars.is_progress_bar_enabled()
        bars.disable_progress_bar()
        try:
            yield reports
        finally:
            base.from_pretrained = plain
            if has_bars:
                bars.enable_progress_bar()


def check_weights(model: SentenceTransformer, reports: Sequence[Report], folder: Path) -> None:
    """Raises ModelError when the weights are not those that config.json describes, no more and no less."""
    unused = _BUFFERS if "pooler" in str(getattr(model[0], "modality_config", "")) else _UNUSED
    for report in reports:
        missing = [key for key in report.missing if not unused.search(key)]
        unknown = [key for key in report.unexpected if not unused.search(key)]
        if not missing:  # a checkpoint may have a head for another task besides
            unknown = [key for key in unknown if _is_of_body(report.model, key)]
        reshaped = [f"{key}: {list(found)} instead of {list(right)}" for key, found, right in report.mismatched]
        wrong = [
            f"{len(keys):,} {what} ({', '.join(keys[:_NAMED])}{', ...' if len(keys) > _NAMED else ''})"
            for keys, what in ((missing, "missing"), (unknown, "unknown"), (reshaped, "of another shape"))
            if keys
        ]
        if wrong:
            raise ModelError(
                f"the weights are not those that config.json describes: {', '.join(wrong)}; they were cut, saved under "
                "other names, or are another model's: download it again",
                where=folder,
            )


def _is_of_body(model: PreTrainedModel, key: str) -> bool:
    """Whether a key that the model lacks is of the transformer itself, and not of a head for another task."""
    first, _, rest = key.partition(".")
    is_body = first == model.base_model_prefix or first in dict(model.named_children())
    return is_body and not (model.config.is_encoder_decoder and rest.startswith("decoder."))


def explain(folder: Path) -> None:
    """Raises ModelError for the file that made loading fail, where that can be told: transformers hides it."""
    for path in tokenizer_files(folder):
        if path.name == "tokenizer.json":
            with model_errors(f"{path.name} cannot be read", folder, todo=_AGAIN):
                Tokenizer.from_file(str(path))
    for path in weight_files(folder):
        if path.suffix == ".bin":
            with model_errors(f"{path.name} cannot be read", folder, todo=_AGAIN):
                weights = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(weights, dict):
                raise ModelError(f"{path.name} holds no weights; download it again", where=folder)
