"""How fast papers are embedded, compared with `SentenceTransformer.encode`, and which stage is the slowest."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from lunacy.arrays import Vectors
from lunacy.embedding import DEFAULT_MODEL, Embedder, load
from lunacy.embedding.model_errors import model_errors
from lunacy.entry import Entry
from lunacy.errors import MissingExtra, ModelError
from lunacy.paper import RECIPES, embedded_text
from lunacy.snapshot import Snapshot, parse
from lunacy.store import Writer

if TYPE_CHECKING:
    from lunacy.embedding.bench_baseline import Baseline

LUNACY, DEFAULTS = "lunacy", "encode, defaults"
_ROUNDS = 5
_N_WARM_UP = 8  # texts
_DEFAULT_BATCH_SIZE = 32  # of sentence-transformers
_BATCH_SIZES = {"cpu": (8,), "cuda": (256, 1024), "mps": (64,)}  # measured besides the default
_LEAST_COSINE = 0.9999  # to `encode`, of what is compared with
# optimum-intel 2.2 refuses transformers 5.6 and later, and torch cannot trace BERT with 5.4 and 5.5
_OPENVINO = "it needs an environment of its own, with sentence-transformers[openvino] and transformers<5.3"
_ONNX = "it needs the packages onnx and onnxruntime"

Encode = Callable[[Sequence[str]], Vectors]  # texts -> (n, dim) float32, unit rows


@dataclass(frozen=True, slots=True)
class EmbedBench:
    """What was measured. Rates are medians over rounds; in each, every way embeds the same texts, in random order."""

    arithmetic: str
    n_texts: int
    mean_tokens: float
    texts_per_s: dict[str, float]  # by way
    smallest_cosine: float  # of lunacy's vectors to those of `encode` in the model's own number format
    flops_share: float  # of the device's peak, measured by a matrix product
    stage_texts_per_s: dict[str, float]  # each stage alone
    notes: tuple[str, ...]  # how the model is run, if it is a slow way, and what was not compared

    @property
    def slowest_stage(self) -> str:
        """The stage that sets the pace."""
        return min(self.stage_texts_per_s, key=lambda stage: self.stage_texts_per_s[stage])


def bench_embed(
    snapshot: str | Path | None = None, *, model: str = DEFAULT_MODEL, device: str = "auto", n_texts: int = 480
) -> EmbedBench:
    """Embed `n_texts` papers of a snapshot (None: the sample) in every way, round by round.

    Raises SnapshotError, ModelError, UsageError; MissingExtra without PyTorch.
    """
    try:
        from lunacy.embedding.bench_baseline import measure_peak_flops, torch_baseline
    except ImportError:
        raise MissingExtra("PyTorch, which is compared with,", "torch") from None

    entries, read_s = _read(snapshot, n_texts)
    texts = [embedded_text(entry.paper, RECIPES[0]) for entry in entries]
    embedder = load(model, device=device)
    device = embedder.arithmetic.split()[0]
    baseline = torch_baseline(model, device=device)
    ways: dict[str, Encode] = {LUNACY: lambda some: embedder.embed(some).vectors}
    ways |= _by_batch_size("encode", baseline, device)
    notes = tuple(embedder.notes)
    if device == "cpu":
        others, reasons = _other_backends(model, baseline, texts[:_N_WARM_UP])
        ways |= others
        notes += reasons
    texts_per_s, smallest_cosine = _compare(ways, texts)
    stages, mean_tokens = _stages(embedder, entries, texts, read_s)
    flops_per_s = texts_per_s[LUNACY] * mean_tokens * baseline.flops_per_token
    return EmbedBench(
        arithmetic=embedder.arithmetic,
        n_texts=len(entries),
        mean_tokens=mean_tokens,
        texts_per_s=texts_per_s,
        smallest_cosine=smallest_cosine,
        flops_share=flops_per_s / measure_peak_flops(embedder.arithmetic),
        stage_texts_per_s=stages,
        notes=notes,
    )


def _read(snapshot: str | Path | None, n_papers: int) -> tuple[list[Entry], float]:
    """The first papers of a snapshot, and how many seconds parsing and hashing them took."""
    with Snapshot(snapshot) as opened:
        opened.check()
        lines = list(islice(opened.lines(), n_papers))
    started = time.perf_counter()
    entries = [Entry.of(parse(line), RECIPES[0]) for line in lines]
    return entries, time.perf_counter() - started


def _other_backends(model: str, baseline: Baseline, texts: Sequence[str]) -> tuple[dict[str, Encode], tuple[str, ...]]:
    """`encode` on other backends of a CPU that give the vectors of `baseline`, and why the others are left out."""
    from lunacy.embedding.bench_baseline import onnx_baseline, openvino_baseline

    ways: dict[str, Encode] = {}
    notes: list[str] = []
    right = baseline.encode(texts, len(texts))
    for name, make, needs in (("OpenVINO", openvino_baseline, _OPENVINO), ("ONNX Runtime", onnx_baseline, _ONNX)):
        try:
            with model_errors(f"not compared with sentence-transformers on {name}", todo=needs):
                other = make(model)
                found = other.encode(texts, len(texts))
        except ModelError as error:
            notes.append(str(error))
            continue
        lowest = float(np.einsum("ij,ij->i", found, right, dtype=np.float64).min())
        if lowest >= _LEAST_COSINE:
            ways |= _by_batch_size(f"encode, {name}", other, "cpu")
        else:
            notes.append(f"not compared with {name}: a vector of it has a cosine of {lowest:.6f} to that of encode")
    return ways, tuple(notes)


def _by_batch_size(name: str, baseline: Baseline, device: str) -> dict[str, Encode]:
    """`encode` with its default batch size and with those that suit the device, by name."""
    ways: dict[str, Encode] = {f"{name}, defaults": partial(baseline.encode, batch_size=_DEFAULT_BATCH_SIZE)}
    for size in _BATCH_SIZES[device]:
        ways[f"{name}, batches of {size}"] = partial(baseline.encode, batch_size=size)
    return ways


def _compare(ways: Mapping[str, Encode], texts: Sequence[str]) -> tuple[dict[str, float], float]:
    """Texts a second by way, and the smallest cosine between lunacy's vectors and those of `encode`."""
    rng = np.random.default_rng(0)
    shuffled = [texts[place] for place in rng.permutation(len(texts))]
    rates: dict[str, list[float]] = {way: [] for way in ways}
    smallest = 1.0
    for encode in ways.values():
        encode(shuffled[:_N_WARM_UP])
    for start in range(_ROUNDS):
        part = shuffled[start::_ROUNDS]
        vectors: dict[str, Vectors] = {}
        for way in rng.permutation(list(ways)).tolist():
            started = time.perf_counter()
            vectors[way] = ways[way](part)
            rates[way].append(len(part) / (time.perf_counter() - started))
        cosines = np.einsum("ij,ij->i", vectors[LUNACY], vectors[DEFAULTS], dtype=np.float64)
        smallest = min(smallest, float(cosines.min()))
    return {way: median(of_way) for way, of_way in rates.items()}, smallest


def _stages(
    embedder: Embedder, entries: Sequence[Entry], texts: Sequence[str], read_s: float
) -> tuple[dict[str, float], float]:
    """Texts a second of each stage alone, and the mean number of tokens."""
    started = time.perf_counter()
    prepared = embedder.prepare(texts)
    tokenised = time.perf_counter()
    vectors = embedder.run(prepared).vectors
    embedded = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Writer(Path(folder) / "index", embedder.fingerprint) as writer:
        begun = time.perf_counter()
        writer.append(entries, vectors)
        writer.commit()
        stored_s = time.perf_counter() - begun
    mean_tokens = float(prepared.tokens.lengths.mean()) if prepared.tokens is not None else float("nan")
    seconds = {"read": read_s, "tokenise": tokenised - started, "model": embedded - tokenised, "store": stored_s}
    return {stage: len(texts) / max(passed, 1e-9) for stage, passed in seconds.items()}, mean_tokens
