"""Measuring: lunacy beside its peers, on the same texts and vectors, in the same run."""

from lunacy.bench.embed import EmbedBench, bench_embed
from lunacy.bench.search import SearchReport, bench_search, draw_plot

__all__ = ["EmbedBench", "SearchReport", "bench_embed", "bench_search", "draw_plot"]
