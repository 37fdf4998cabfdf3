"""Measuring, against peers, in the same run."""

from lunacy.bench.embed import EmbedBench, bench_embed

__all__ = ["EmbedBench", "bench_embed"]
