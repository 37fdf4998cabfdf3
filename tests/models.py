"""Tiny models with random weights, as sentence-transformers saves them, made on the spot."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer, WordWeights
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from lunacy.embedding.locate import model_folder

TEXTS = [
    "On the ground state of a Bose gas",
    "",
    "graph",
    "We prove that every graph has a ground state, and that the proof is long. " * 9,
    "a deep network learns the spectrum of a gas",
    "  leading spaces and ÜMLAUTS, 量子力学 ",
    "state " * 40,
    "the proof " * 15,
]  # two are longer than 32 tokens, the last is just as long; nothing is sorted
MAX_TOKENS = 32

_WORDS = "a the of on and we is that every has deep long graph ground state bose gas prove proof network learns"
_SMALL: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
_SPECIAL = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
_FROM_ONE = {**_SMALL, "pad_token_id": 1}
_SHAPES: dict[str, Any] = {
    "bert": lambda n: BertModel(BertConfig(vocab_size=n, max_position_embeddings=64, **_SMALL)),
    "roberta": lambda n: RobertaModel(
        RobertaConfig(vocab_size=n, max_position_embeddings=66, pad_token_id=1, **_SMALL)
    ),
    "mpnet": lambda n: MPNetModel(MPNetConfig(vocab_size=n, max_position_embeddings=66, pad_token_id=1, **_SMALL)),
    "distilbert": lambda n: DistilBertModel(
        DistilBertConfig(vocab_size=n, max_position_embeddings=64, dim=64, n_layers=2, n_heads=4, hidden_dim=96)
    ),
    "modernbert": lambda n: ModernBertModel(
        ModernBertConfig(vocab_size=n, max_position_embeddings=64, local_attention=8, **_SPECIAL, **_SMALL)
    ),
}


def wordpiece(*, pad_id: int = 0) -> PreTrainedTokenizerFast:
    """A BERT tokenizer with a small vocabulary; `pad_id`: 0, or 1 as RoBERTa has it."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    special[0], special[pad_id] = special[pad_id], special[0]
    letters = [chr(code) for code in range(33, 127)]
    vocab = dict.fromkeys([*special, *_WORDS.split(), *letters, *(f"##{letter}" for letter in letters)])
    ids = {token: place for place, token in enumerate(vocab)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    names = {"unk": "[UNK]", "pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_TOKENS,
        **{f"{name}_token": token for name, token in names.items()},
    )


_FOLDER = TemporaryDirectory()
atexit.register(_FOLDER.cleanup)


def tiny(
    folder: Path,
    *,
    kind: str = "bert",
    pooling: str | Sequence[str] = "mean",
    include_prompt: bool = True,
    dense: int | None = None,
    normalize: bool = True,
    extra: Sequence[torch.nn.Module] = (),
    prompts: dict[str, str] | None = None,
) -> Path:
    """Put such a model into `folder`/model, which is given back: a copy of its own, as making one takes time."""
    modes = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    made = _made(kind, modes, include_prompt, dense, normalize, tuple(extra), tuple((prompts or {}).items()))
    return Path(shutil.copytree(made, folder / "model"))


@cache
def _made(
    kind: str,
    pooling: tuple[str, ...],
    include_prompt: bool,
    dense: int | None,
    normalize: bool,
    extra: tuple[torch.nn.Module, ...],
    prompts: tuple[tuple[str, str], ...],
) -> Path:
    """Build such a model and save it."""
    folder = Path(mkdtemp(dir=_FOLDER.name))
    torch.manual_seed(0)
    tokenizer = wordpiece(pad_id=1 if kind in ("roberta", "mpnet") else 0)
    transformer = _SHAPES[kind](len(tokenizer))
    for parameter in transformer.parameters():  # fresh weights are so small that all texts look alike
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    transformer.save_pretrained(folder / "raw")
    tokenizer.save_pretrained(folder / "raw")
    first = Transformer(str(folder / "raw"))
    modules: list[torch.nn.Module] = [first, Pooling(64, pooling_mode=pooling, include_prompt=include_prompt)]
    if dense is not None:
        modules.append(Dense(64 * len(pooling), dense))
    modules += [*extra, *([Normalize()] if normalize else [])]
    model = SentenceTransformer(modules=modules, prompts=dict(prompts), device="cpu")
    model.save(str(folder / "model"), create_model_card=False)  # a card takes longer than all else
    return folder / "model"


def word_weights() -> WordWeights:
    """A module that only sentence-transformers knows: here, "graph" counts double."""
    vocab = wordpiece().get_vocab()
    return WordWeights(vocab=sorted(vocab, key=lambda token: vocab[token]), word_weights={"graph": 2.0})


def skip_without_openvino() -> None:
    """Skip; OpenVINO is not imported here, as the way in which lunacy does that is tested too."""
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed")


def reference(folder: Path | str, texts: Sequence[str], **options: Any) -> Any:
    """What `SentenceTransformer.encode` gives in float32 on a CPU: unit vectors."""
    model = SentenceTransformer(str(model_folder(str(folder))), device="cpu", local_files_only=True)
    return model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False, **options)
