"""How fast papers are embedded, against sentence-transformers' own `encode`, and which stage is the slowest."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from lunacy.embedding import DEFAULT_MODEL, Embedder, load, peak_flops, plain_encode
from lunacy.entry import Entry
from lunacy.paper import RECIPES, embedded_text
from lunacy.snapshot import Snapshot, parse
from lunacy.store import Writer

_ROUNDS = 5
_BATCH_SIZES = {"cpu": (8,), "cuda": (256, 1024), "mps": (64,)}  # beside the default of 32


@dataclass(frozen=True, slots=True)
class EmbedBench:
    """What was measured; rates are medians over rounds in which all ways had the same texts, in random order."""

    arithmetic: str
    n_texts: int
    mean_tokens: float
    texts_per_s: dict[str, float]  # by way
    smallest_cosine: float  # lunacy's vectors against `encode` in the model's own number format
    flops_share: float  # of the device's peak, measured by a matrix product
    stage_texts_per_s: dict[str, float]  # each stage alone

    @property
    def slowest_stage(self) -> str:
        """The stage that sets the pace."""
        return min(self.stage_texts_per_s, key=lambda stage: self.stage_texts_per_s[stage])


def bench_embed(
    snapshot: str | Path | None = None, *, model: str = DEFAULT_MODEL, device: str = "auto", n_texts: int = 480
) -> EmbedBench:
    """Embed `n_texts` papers of a snapshot (None: the sample) by lunacy and by `encode`, round by round."""
    with Snapshot(snapshot) as opened:
        opened.check()
        lines = list(islice(opened.lines(), n_texts))
    started = time.perf_counter()
    papers = [parse(line) for line in lines]
    entries = [Entry.of(paper, RECIPES[0]) for paper in papers]
    read_s = time.perf_counter() - started
    embedder = load(model, device=device)
    plain = plain_encode(model, device=embedder.arithmetic.split()[0])
    ways = _ways(embedder, plain)

    rng = np.random.default_rng(0)
    texts = [embedded_text(paper, RECIPES[0]) for paper in papers]
    shuffled = [texts[place] for place in rng.permutation(len(entries))]
    parts = [shuffled[start::_ROUNDS] for start in range(_ROUNDS)]
    rates: dict[str, list[float]] = {way: [] for way in ways}
    smallest = 1.0
    for call in ways.values():
        call(parts[0][:8])  # what is slow only once
    for part in parts:
        found = {}
        for way in rng.permutation(list(ways)).tolist():
            started = time.perf_counter()
            found[way] = ways[way](part)
            rates[way].append(len(part) / (time.perf_counter() - started))
        cosines = np.einsum("ij,ij->i", found["lunacy"], found["encode, defaults"], dtype=np.float64)
        smallest = min(smallest, float(cosines.min()))

    texts_per_s = {way: median(of_way) for way, of_way in rates.items()}
    stages, mean_tokens = _stages(embedder, entries, texts, read_s)
    return EmbedBench(
        arithmetic=embedder.arithmetic,
        n_texts=len(entries),
        mean_tokens=mean_tokens,
        texts_per_s=texts_per_s,
        smallest_cosine=smallest,
        flops_share=texts_per_s["lunacy"] * mean_tokens * plain.flops_per_token / peak_flops(embedder.arithmetic),
        stage_texts_per_s=stages,
    )


def _ways(embedder: Embedder, plain: Any) -> dict[str, Callable[[list[str]], Any]]:
    ways: dict[str, Callable[[list[str]], Any]] = {"lunacy": lambda texts: embedder.embed(texts).vectors}
    ways["encode, defaults"] = partial(plain.encode, batch_size=32)
    for size in _BATCH_SIZES[embedder.arithmetic.split()[0]]:
        ways[f"encode, batches of {size}"] = partial(plain.encode, batch_size=size)
    return ways


def _stages(
    embedder: Embedder, entries: list[Entry], texts: list[str], read_s: float
) -> tuple[dict[str, float], float]:
    """Texts a second of each stage alone, and the mean number of tokens."""
    n = len(texts)
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
    n_tokens = float(prepared.tokens.lengths.mean()) if prepared.tokens is not None else float("nan")
    seconds = {"read": read_s, "tokenise": tokenised - started, "model": embedded - tokenised, "store": stored_s}
    return {stage: n / max(passed, 1e-9) for stage, passed in seconds.items()}, n_tokens
