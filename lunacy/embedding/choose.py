"""Choose the fastest engine for a model on this machine, and check that it gives the vectors of `encode`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from lunacy.advice import install_packages
from lunacy.embedding.checked_texts import CHECKED, MIN_COSINE, lowest_cosine
from lunacy.embedding.embedder import FEW_TEXTS, Embedder
from lunacy.embedding.encode import encode
from lunacy.embedding.encode_embedder import EncodeEmbedder
from lunacy.embedding.engine_embedder import EngineEmbedder
from lunacy.embedding.engines.engine import DataParallel, Engine
from lunacy.embedding.engines.packed import Packed
from lunacy.embedding.engines.padded import Padded
from lunacy.embedding.engines.translated import translated
from lunacy.embedding.loaded_model import Loaded
from lunacy.embedding.model_errors import Unsupported, model_errors
from lunacy.embedding.model_parts import ModelParts, unpack
from lunacy.embedding.token_arrays import Tokens
from lunacy.embedding.tokenizer import TextReader
from lunacy.embedding.unit_vectors import unit
from lunacy.errors import ModelError

_MEASURED_SIZE, _MEASURED_TURNS = 768, 8  # some 3 ms each
_CLEARLY = 0.9
_FAILURES = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)  # of models that we do not know


def choose(loaded: Loaded, *, batch_size: int | None, n_texts: int | None, chunk: bool) -> Embedder:
    """The fastest embedder that gives the vectors of `SentenceTransformer.encode`.

    Where that is a slow one, its notes say why. Raises ModelError when texts are to be read in windows and the model
    cannot be taken apart.
    """
    if n_texts is not None and n_texts <= FEW_TEXTS and not chunk:
        return EncodeEmbedder(loaded, batch_size=batch_size)
    name, refused = loaded.fingerprint.model, ""
    try:
        parts = unpack(loaded.model, with_prompt=bool(loaded.prompt or loaded.query_prompt))
        json = parts.tokenizer.backend_tokenizer.to_str()
        reader = TextReader(json, parts.max_tokens, chunk=chunk)
        tokens = (TextReader(json, parts.max_tokens) if chunk else reader).read(CHECKED)
    except (Unsupported, *_FAILURES) as error:
        if chunk:
            raise _no_windows(name, str(error)) from None
        return EncodeEmbedder(loaded, batch_size=batch_size, notes=[_note(name, loaded, "", str(error))])
    check = _Check(loaded, tokens)
    notes: list[str] = []
    for make in _ways(loaded.device, parts, batch_size):
        try:
            engine = make()
            lowest = check.lowest_cosine(engine)
        except ImportError:
            notes = [f"OpenVINO is not installed; with it embedding is faster: {install_packages('openvino')}"]
            continue
        except (Unsupported, ModelError, *_FAILURES) as error:
            refused = refused or (str(error).strip().splitlines() or [type(error).__name__])[0]
            continue
        if lowest >= MIN_COSINE:
            if refused:
                notes.append(_note(name, loaded, engine.arithmetic, refused))
            return EngineEmbedder(loaded.fingerprint, loaded.query_prompt, reader, engine, notes)
        refused = refused or f"{engine.arithmetic} gave a vector with a cosine of {lowest:.6f} to the right one"
    if chunk:
        raise _no_windows(name, refused)
    return EncodeEmbedder(loaded, batch_size=batch_size, notes=[*notes, _note(name, loaded, "", refused)])


def _no_windows(name: str, reason: str) -> ModelError:
    return ModelError(f"{name} cannot read long texts in windows: {reason}", hint="use --long-texts cut")


class _Check:
    """The vectors of a few texts by `encode`, which an engine's are compared with."""

    def __init__(self, loaded: Loaded, tokens: Tokens) -> None:
        """`tokens`: of the checked texts, cut at the model's most tokens."""
        self._tokens = tokens
        with model_errors("the model cannot embed a text"):
            right = encode(loaded.model, CHECKED, prompt="", batch_size=1)
        self._right = unit(right, CHECKED)

    def lowest_cosine(self, engine: Engine) -> float:
        """The lowest cosine between the engine's vectors and those of `encode`; NaN where a vector is not finite."""
        return lowest_cosine(engine.run(self._tokens), self._right)


def _ways(device: str, parts: ModelParts, batch_size: int | None) -> Iterator[Callable[[], Engine]]:
    """The engines that may suit the device, the fastest first; each is made when it is called."""
    if device == "cuda":
        for dtype in (torch.float16, torch.bfloat16):
            yield partial(_on_all_gpus, parts, dtype=dtype, max_texts=batch_size)
        yield partial(Padded, parts, device=device, dtype=torch.float16, batch_size=batch_size)
    if device == "cpu":
        products = (torch.bfloat16, torch.float32) if _bf16_is_faster() else (torch.float32,)
        for dtype in products:
            yield partial(translated, parts, dtype=dtype, batch_size=batch_size)
        for dtype in products:
            yield partial(Packed, parts, dtype=dtype, max_texts=batch_size)
    yield partial(Padded, parts, device=device, batch_size=batch_size)


def _on_all_gpus(parts: ModelParts, **options: Any) -> Engine:
    n_gpus = torch.cuda.device_count()
    engines = [Packed(parts, device=f"cuda:{i}" if n_gpus > 1 else "cuda", **options) for i in range(n_gpus)]
    return DataParallel(engines) if n_gpus > 1 else engines[0]


def _bf16_is_faster() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX-512 BF16 or AMX), and faster than float32.

    The latter is measured: with AVX-512 BF16 alone, AMD's take half the time of float32, and some of Intel's twice.
    """
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if not any(getattr(torch.cpu, test, bool)() for test in tests):
        return False
    return _product_s(torch.bfloat16) < _CLEARLY * _product_s(torch.float32)


def _product_s(dtype: torch.dtype) -> float:
    """Seconds of the fastest of several matrix products."""
    factor = torch.ones(_MEASURED_SIZE, _MEASURED_SIZE, dtype=dtype)
    passed = []
    for _ in range(_MEASURED_TURNS):
        started = time.perf_counter()
        factor @ factor
        passed.append(time.perf_counter() - started)
    return min(passed)


def _note(name: str, loaded: Loaded, arithmetic: str, reason: str) -> str:
    return f"{name} is embedded the slower way ({arithmetic or f'{loaded.device} float32'}): {reason}"
