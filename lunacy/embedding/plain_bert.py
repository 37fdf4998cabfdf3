"""Read a BERT model's files without torch: what decides its vectors, or why it cannot be run without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lunacy.embedding.locate import pooling
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.model_files import read_json, read_modules, weight_files

_POOLINGS = ("mean", "cls")
_FRAME = 2  # [CLS] and [SEP]
_MODULES = (["transformer"], ["transformer", "pooling"], ["transformer", "pooling", "normalize"])
_TOKENIZERS = ("BertTokenizer", "BertTokenizerFast", "TokenizersBackend", "PreTrainedTokenizerFast")
_SPECIAL = {
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
    "pad_token": "[PAD]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
}
# What other values of these would change is not built here; a value that is not named stands for a missing one.
_CONFIG: dict[str, tuple[object, ...]] = {
    "model_type": ("bert",),
    "hidden_act": ("gelu",),
    "position_embedding_type": (None, "absolute"),
    "is_decoder": (None, False),
    "add_cross_attention": (None, False),
    "pad_token_id": (None, 0),
}
_SETTINGS: dict[str, tuple[object, ...]] = {
    "do_lower_case": (None, False),  # outside of the tokenizer
    "transformer_task": (None, "feature-extraction"),
    "module_output_name": (None, "token_embeddings"),
    "modality_config": (None, {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}),
}


@dataclass(frozen=True, slots=True)
class PlainBert:
    """A BERT whose token vectors are pooled, and nothing else."""

    weights: Path  # in safetensors
    n_layers: int
    n_heads: int
    width: int  # of a token's vector, and so the dimension
    epsilon: float
    shapes: Mapping[str, tuple[int, ...]]  # of all weights that are needed
    tokenizer: str  # tokenizer.json
    max_tokens: int
    pooling: str  # one of _POOLINGS
    prompts: Mapping[str, str | None]
    default_prompt: str | None


def read_plain_bert(folder: Path) -> PlainBert:
    """The model in `folder`. Raises Unsupported for any other kind of model, ModelError for a file that is none."""
    modules = read_modules(folder)
    pooled = pooling(folder)
    if [module.kind for module in modules] not in _MODULES or modules[0].folder != folder or pooled not in _POOLINGS:
        raise Unsupported("it is more than a transformer and a mean")
    if weight_files(folder) != [folder / "model.safetensors"] or (folder / "adapter_config.json").exists():
        raise Unsupported("its weights are not in model.safetensors alone")
    config = read_json(folder / "config.json", dict)
    _require_known("config.json", config, _CONFIG)
    settings = _optional(folder / "sentence_bert_config.json")
    _require_known("sentence_bert_config.json", settings, _SETTINGS)
    if unknown := settings.keys() - {*_SETTINGS, "max_seq_length"}:
        raise Unsupported(f"its sentence_bert_config.json has {min(unknown)}")
    own = _optional(folder / "config_sentence_transformers.json")
    wide, inner, n_layers, n_heads, n_words, n_places, n_types = (
        _whole(config, key)
        for key in (
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "vocab_size",
            "max_position_embeddings",
            "type_vocab_size",
        )
    )
    if wide % n_heads:
        raise Unsupported("its heads do not share its width")
    for module in modules[1:2]:
        _require_known("1_Pooling/config.json", read_json(module.folder / "config.json", dict), _pooling_of(wide))
    prompts, default = own.get("prompts") or {}, own.get("default_prompt_name")
    if default is not None and default not in prompts:
        raise Unsupported(f"its default prompt is {str(default)[:40]}, which it lacks")
    return PlainBert(
        weights=folder / "model.safetensors",
        n_layers=n_layers,
        n_heads=n_heads,
        width=wide,
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        shapes=_shapes(wide, inner, n_layers, n_words, n_places, n_types),
        tokenizer=_tokenizer(folder, n_words),
        max_tokens=min(_longest(folder, settings), n_places),
        pooling=pooled,
        prompts=prompts,
        default_prompt=default,
    )


def _shapes(
    wide: int, inner: int, n_layers: int, n_words: int, n_places: int, n_types: int
) -> dict[str, tuple[int, ...]]:
    """The weights that BertModel has, without the pooler, which nobody asks."""

    def norm(name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.LayerNorm.weight": (wide,), f"{name}.LayerNorm.bias": (wide,)}

    def dense(name: str, out: int, into: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}

    shapes = {
        "embeddings.word_embeddings.weight": (n_words, wide),
        "embeddings.position_embeddings.weight": (n_places, wide),
        "embeddings.token_type_embeddings.weight": (n_types, wide),
        **norm("embeddings"),
    }
    for layer in (f"encoder.layer.{n}" for n in range(n_layers)):
        for name in ("query", "key", "value"):
            shapes |= dense(f"{layer}.attention.self.{name}", wide, wide)
        shapes |= dense(f"{layer}.attention.output.dense", wide, wide) | norm(f"{layer}.attention.output")
        shapes |= dense(f"{layer}.intermediate.dense", inner, wide)
        shapes |= dense(f"{layer}.output.dense", wide, inner) | norm(f"{layer}.output")
    return shapes


def _pooling_of(wide: int) -> dict[str, tuple[object, ...]]:
    """What the settings of the pooling may say, by either name for the width."""
    widths = (None, wide)
    return {"include_prompt": (None, True), "word_embedding_dimension": widths, "embedding_dimension": widths}


def _tokenizer(folder: Path, n_words: int) -> str:
    """tokenizer.json, where transformers would make the very same of it and of the files beside it."""
    path = folder / "tokenizer.json"
    if not path.is_file() or (folder / "added_tokens.json").exists():
        raise Unsupported("its tokenizer is not in tokenizer.json alone")
    settings = _optional(folder / "tokenizer_config.json")
    given = read_json(path, dict)
    special = [settings.get(key) for key in _SPECIAL]
    if settings.get("tokenizer_class") not in _TOKENIZERS or special != list(_SPECIAL.values()):
        raise Unsupported("its tokenizer is not BERT's")
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
        "strip_accents": settings.get("strip_accents"),
        "lowercase": settings.get("do_lower_case", True),
    }
    model, added = given.get("model") or {}, given.get("added_tokens") or []
    ids = [*(model.get("vocab") or {}).values(), *(token.get("id") for token in added)]
    is_berts = (
        given.get("normalizer") == normalizer
        and (given.get("pre_tokenizer") or {}).get("type") == "BertPreTokenizer"
        and (model.get("type"), model.get("continuing_subword_prefix")) == ("WordPiece", "##")
        and (model.get("unk_token"), model.get("max_input_chars_per_word")) == ("[UNK]", 100)
        and sorted(token.get("content") for token in added) == sorted(_SPECIAL.values())
        and settings.get("truncation_side", "right") == "right"
    )
    if not is_berts:
        raise Unsupported("its tokenizer is not BERT's")
    if not all(isinstance(one, int) and 0 <= one < n_words for one in ids):
        raise Unsupported("its tokenizer and its weights are not of one model")
    return path.read_text(encoding="utf-8")


def _longest(folder: Path, settings: Mapping[str, Any]) -> int:
    """How many tokens of a text are read, as far as the files say."""
    longest = settings.get("max_seq_length") or _optional(folder / "tokenizer_config.json").get("model_max_length")
    if type(longest) is not int or longest <= _FRAME:
        raise Unsupported("its files do not say how many tokens it reads")
    return longest


def _require_known(name: str, values: Mapping[str, Any], known: Mapping[str, tuple[object, ...]]) -> None:
    for key, allowed in known.items():
        if values.get(key) not in allowed:
            raise Unsupported(f"its {name} says {key} {str(values.get(key))[:40]}")


def _whole(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key)
    if type(value) is not int or value < 1:
        raise Unsupported(f"its files say {key} {str(value)[:40]}")
    return value


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path, dict) if path.is_file() else {}
