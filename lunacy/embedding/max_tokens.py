"""How many tokens of a text a model reads: what its files say, but no more than it has positions for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from torch import nn

from lunacy.errors import ModelError

NO_LIMIT = 10**9  # tokens; tokenizers that know no limit say 10**30, which tokenizers itself cannot take
_TABLES = ("position_embeddings", "wpe", "embed_positions")  # of learned positions, as models name them


def settle_length(model: SentenceTransformer, folder: Path) -> int | None:
    """The most tokens of a text that `model` reads, special ones included, which it keeps to from now on; None: all.

    Raises ModelError for a length that leaves no token of the text.
    """
    length: Any = model.max_seq_length
    if length is None or (isinstance(length, float) and math.isinf(length)):
        return None
    if isinstance(length, float) and length.is_integer():
        length = int(length)
    tokenizer: Any = getattr(model[0], "tokenizer", None)
    n_special = tokenizer.num_special_tokens_to_add() if hasattr(tokenizer, "num_special_tokens_to_add") else 0
    if isinstance(length, bool) or not isinstance(length, int) or length <= n_special:
        raise ModelError(
            f"the model reads {length!r} tokens of a text, {n_special} of them its own; mend max_seq_length in "
            "sentence_bert_config.json, or model_max_length in tokenizer_config.json",
            where=folder,
        )
    length = min(length, NO_LIMIT, *_n_positions(getattr(model[0], "auto_model", None)))
    model.max_seq_length = length
    return length if length < NO_LIMIT else None


def first_position(transformer: nn.Module) -> int:
    """The position of a text's first token. RoBERTa, XLM-R and their kin count from padding_idx + 1.

    They alone keep both in one module.
    """
    for module in transformer.modules():
        padding = getattr(module, "padding_idx", None)
        if isinstance(padding, int) and isinstance(getattr(module, "position_embeddings", None), nn.Embedding):
            return padding + 1
    return 0


def _n_positions(transformer: Any) -> list[int]:
    """For each table of learned positions, how many a text may have: behind it, torch finds nothing."""
    if not isinstance(transformer, nn.Module):
        return []
    return [
        module.num_embeddings - max(first_position(transformer), int(getattr(module, "offset", 0)))
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Embedding) and name.rpartition(".")[2] in _TABLES
    ]
