"""Measure lunacy and its alternatives, on the same texts and vectors, in the same run."""

from lunacy.bench.embed import EmbedBench, bench_embed
from lunacy.bench.models import ModelsReport, bench_models
from lunacy.bench.quality import QualityReport, bench_quality
from lunacy.bench.search import BATCHES, SearchReport, bench_search, draw_plot

__all__ = [
    "BATCHES",
    "EmbedBench",
    "ModelsReport",
    "QualityReport",
    "SearchReport",
    "bench_embed",
    "bench_models",
    "bench_quality",
    "bench_search",
    "draw_plot",
]
