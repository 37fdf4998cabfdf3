"""The write side: snapshot -> skip what is known -> embed -> store."""

from lunacy.pipeline.build import BuildReport, build_index
from lunacy.pipeline.compact import compact_index
from lunacy.pipeline.compare_vectors import compare_vectors
from lunacy.pipeline.counts import Counts, Progress
from lunacy.pipeline.diff import DiffReport, diff_index
from lunacy.pipeline.publish import PublishReport, publish
from lunacy.pipeline.refresh_derived import IvfReport, LexicalReport, build_ivf, build_lexical, refresh_caches
from lunacy.pipeline.remove import remove_papers

__all__ = [
    "BuildReport",
    "Counts",
    "DiffReport",
    "IvfReport",
    "LexicalReport",
    "Progress",
    "PublishReport",
    "build_index",
    "build_ivf",
    "build_lexical",
    "compact_index",
    "compare_vectors",
    "diff_index",
    "publish",
    "refresh_caches",
    "remove_papers",
]
