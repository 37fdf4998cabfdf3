"""The write side: snapshot -> skip what is known -> embed -> store.

`update` is imported where it is used: it alone needs an HTTP client.
"""

from lunacy.pipeline.build import BuildReport, build_index
from lunacy.pipeline.build_graph import GraphReport, build_graph
from lunacy.pipeline.build_map import MapReport, build_map
from lunacy.pipeline.compact import CompactReport, compact
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.diff import DiffReport, diff
from lunacy.pipeline.duplicates import duplicates
from lunacy.pipeline.exports import ExportReport, RebuildReport, export, rebuild
from lunacy.pipeline.prune import PruneReport, prune
from lunacy.pipeline.publish import PublishReport, publish
from lunacy.pipeline.refresh_derived import IvfReport, LexicalReport, build_ivf, build_lexical, refresh_caches
from lunacy.pipeline.remove import RemoveReport, remove
from lunacy.pipeline.verify import VerifyReport, verify

__all__ = [
    "BuildReport",
    "CompactReport",
    "Counts",
    "DiffReport",
    "ExportReport",
    "GraphReport",
    "IvfReport",
    "LexicalReport",
    "MapReport",
    "PruneReport",
    "PublishReport",
    "RebuildReport",
    "RemoveReport",
    "VerifyReport",
    "build_graph",
    "build_index",
    "build_ivf",
    "build_lexical",
    "build_map",
    "compact",
    "diff",
    "duplicates",
    "export",
    "prune",
    "publish",
    "rebuild",
    "refresh_caches",
    "remove",
    "verify",
]
