"""Unpack a sentence-transformers model into tokenizer, transformer and head, or say why that cannot be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sentence_transformers import SentenceTransformer

from lunacy.embedding.engines.pooling import POOLINGS, Head
from lunacy.embedding.max_tokens import NO_LIMIT, first_position
from lunacy.embedding.model_errors import VECTOR_KEY, Unsupported

_STEPS = ("Dense", "LayerNorm", "Normalize", "Dropout")  # modules that map vector to vector, each text by itself


@dataclass(frozen=True, slots=True)
class ModelParts:
    """What engines need of a model."""

    transformer: Any  # a transformers.PreTrainedModel: (input_ids, attention_mask) -> .last_hidden_state
    tokenizer: Any  # a fast tokenizer of transformers
    head: Head
    max_tokens: int | None  # None: no limit
    first_position: int  # the position of a text's first token; not 0 in RoBERTa's family
    dim: int


def unpack(model: SentenceTransformer, *, with_prompt: bool = False) -> ModelParts:
    """The parts of `model`, which keeps working; raises Unsupported, naming the module that does not fit."""
    modules: list[Any] = list(model.children())
    names = [type(module).__name__ for module in modules]
    if names[0] != "Transformer":
        raise Unsupported(f"its first module is {names[0]}")
    first, pooling = modules[0], modules[1] if len(modules) > 1 else None
    if pooling is None or names[1] != "Pooling":
        raise Unsupported(f"its second module is {names[1] if len(modules) > 1 else 'missing'}, not Pooling")
    for module, name in zip(modules[2:], names[2:], strict=True):
        if name not in _STEPS or any(
            getattr(module, key, VECTOR_KEY) != VECTOR_KEY for key in ("module_input_name", "module_output_name")
        ):
            raise Unsupported(f"it has a module {name}")
    if with_prompt and not pooling.include_prompt:
        raise Unsupported("its pooling leaves out the prompt")
    modes = _modes(pooling)
    _check_first(first)
    limit = model.max_seq_length
    return ModelParts(
        transformer=first.auto_model,
        tokenizer=first.tokenizer,
        head=Head(modes, [module for module, name in zip(modules[2:], names[2:], strict=True) if name != "Dropout"]),
        max_tokens=limit if limit is not None and limit < NO_LIMIT else None,
        first_position=first_position(first.auto_model),
        dim=model.get_embedding_dimension() or 0,
    )


def _modes(pooling: Any) -> tuple[str, ...]:
    mode = getattr(pooling, "pooling_mode", None)  # sentence-transformers 6; before: a list of names by a method
    modes = (mode,) if isinstance(mode, str) else tuple(mode or pooling.get_pooling_mode_str().split("+"))
    unknown = [one for one in modes if one not in POOLINGS]
    if unknown:
        raise Unsupported(f"it pools by {unknown[0]}")
    return modes


def _check_first(first: Any) -> None:
    """Whether texts go through the tokenizer into `forward`, and nothing else happens to them."""
    if getattr(first, "transformer_task", "feature-extraction") != "feature-extraction":
        raise Unsupported(f"its task is {first.transformer_task}")
    if "message" in getattr(first, "modality_config", {}):
        raise Unsupported("it reads texts as chat messages")
    if getattr(first, "backend", "torch") != "torch":
        raise Unsupported(f"its backend is {first.backend}")
    if not getattr(first.tokenizer, "is_fast", False):
        raise Unsupported("its tokenizer is not one of the tokenizers library")
    if getattr(first.tokenizer, "truncation_side", "right") != "right":
        raise Unsupported("it cuts texts at their beginning")
    if getattr(first, "do_lower_case", False):
        raise Unsupported("it lower-cases texts outside the tokenizer")
