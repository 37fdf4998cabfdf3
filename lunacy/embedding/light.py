"""A plain BERT on the CPU by OpenVINO alone: no torch, so that a text is embedded a second after the program starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.embedding.check_vectors import check_vectors
from lunacy.embedding.checked_texts import CHECKED, MIN_COSINE, lowest_cosine
from lunacy.embedding.engine_embedder import EngineEmbedder
from lunacy.embedding.engines.bert_graph import bert_graph
from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.engines.openvino import OpenVino, multiplies_bfloat16
from lunacy.embedding.identity import identify, settle_dims, settle_prompts
from lunacy.embedding.locate import DEFAULT_MODEL, canonical_name, model_folder
from lunacy.embedding.model_errors import Unsupported, is_of_library
from lunacy.embedding.model_files import check_files
from lunacy.embedding.plain_bert import PlainBert, read_plain_bert
from lunacy.embedding.token_arrays import Tokens
from lunacy.embedding.tokenizer import TextReader
from lunacy.embedding.weights import Weights
from lunacy.errors import LunacyError, one_line

_TURNS = 3  # by which the engines are compared, some 50 ms each
_TIMED = 5  # which of the checked texts: as long as an abstract
_CLEARLY = 0.9


def load_light(
    name: str,
    *,
    prompt: str | None,
    query_prompt: str | None,
    dims: int | None,
    long_texts: str,
    batch_size: int | None,
    few: bool,
) -> EngineEmbedder:
    """The embedder for a plain BERT. `few`: so few texts will come that only the start counts.

    Raises ImportError without OpenVINO, Unsupported for a model of another kind, or one that is not whole in a way that
    transformers tells better; ModelError as `load_model`.
    """
    folder = model_folder(name)
    check_files(folder)
    try:
        model = read_plain_bert(folder)
        reader = TextReader(model.tokenizer, model.max_tokens, chunk=long_texts == "chunk", few=few)
        weights = Weights(model.weights, mapped=canonical_name(name) == DEFAULT_MODEL)  # people write over their own
        engine = _engine(model, bert_graph(model, weights), batch_size, few=few)
        weights.let_go()
    except (LunacyError, ImportError, Unsupported, NameError):
        raise
    except BaseException as error:
        if not is_of_library(error):
            raise
        raise Unsupported(one_line(error)) from error
    prompt, query_prompt = settle_prompts(model.prompts, model.default_prompt, prompt, query_prompt)

    def embed(texts: Sequence[str], before: str) -> Floats:
        return engine.run(reader.read([before + text for text in texts]))

    dim = check_vectors(embed, (prompt, query_prompt), folder, said=model.width)
    fingerprint = identify(name, folder, settle_dims(name, dims, dim), model.max_tokens, prompt, long_texts)
    return EngineEmbedder(fingerprint, query_prompt, reader, engine, reader.notes)


def _engine(model: PlainBert, graph: Any, batch_size: int | None, *, few: bool) -> OpenVino:
    """In float32; for many texts in bfloat16, where that is faster and as good."""
    pool = partial(_pool, model.pooling)
    make = partial(OpenVino, graph, pool, dim=model.width, pad=0, batch_size=batch_size)
    exact = make(is_hurried=few)
    if few or not multiplies_bfloat16():
        return exact
    tokens = TextReader(model.tokenizer, model.max_tokens, few=True).read(CHECKED)
    try:
        fast = make(products="bfloat16")
    except RuntimeError:  # it may be held to older instructions than the processor has (ONEDNN_MAX_CPU_ISA)
        return exact
    if lowest_cosine(fast.run(tokens), exact.run(tokens)) < MIN_COSINE:
        return exact
    timed = tokens.part(_TIMED, _TIMED + 1)
    return fast if _fastest_s(fast, timed) < _CLEARLY * _fastest_s(exact, timed) else exact


def _fastest_s(engine: OpenVino, tokens: Tokens) -> float:
    """Processor seconds of the fastest of several runs: others who use the machine do not change these as much."""
    passed = []
    for _ in range(_TURNS):
        started = time.process_time()
        engine.run(tokens)
        passed.append(time.process_time() - started)
    return min(passed)


def _pool(mode: str, hidden: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> Floats:
    """(b, dim), from `hidden` (b, width, dim) and `mask` (b, width)."""
    if mode == "cls":
        return hidden[:, 0]
    weights = mask[:, None].astype(np.float32)  # (b, 1, width)
    mean: Floats = (weights @ hidden)[:, 0] / weights.sum(2)
    return mean
