"""Find the arXiv papers most like this one.

>>> import lunacy
>>> with lunacy.open_index("indexes/sample") as ix:
...     for hit in ix.similar("1802.05130", top=3):
...         print(f"{hit.rank} {hit.score:.3f} {hit.id} {hit.title}")
1 0.912 1802.05121 Co-training for Extraction of Adverse Drug Reaction Mentions from Tweets
2 0.840 1801.06294 Multi-Task Pharmacovigilance Mining from Social Media Posts
3 0.835 1709.01687 Semi-Supervised Recurrent Neural Network for Adverse Drug Reaction Mention Extraction
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lunacy.answer import Answer, Hit, Info, Summary
    from lunacy.copies import Copies
    from lunacy.errors import (
        Busy,
        DiskFull,
        FingerprintMismatch,
        HarvestError,
        IndexDamaged,
        IndexLocked,
        ListError,
        LunacyError,
        MissingExtra,
        ModelError,
        NoIndex,
        NotAnId,
        PruneRefused,
        ServerError,
        SnapshotError,
        StoreError,
        UnknownCategory,
        UnknownPaper,
        UsageError,
        VectorsError,
    )
    from lunacy.harvest import DownloadReport, download
    from lunacy.paper import Paper
    from lunacy.pipeline.build import BuildReport, build_index
    from lunacy.pipeline.build_graph import GraphReport, build_graph
    from lunacy.pipeline.build_map import MapReport, build_map
    from lunacy.pipeline.compact import CompactReport, compact
    from lunacy.pipeline.counts import Counts
    from lunacy.pipeline.diff import DiffReport, diff
    from lunacy.pipeline.duplicates import duplicates
    from lunacy.pipeline.exports.export import ExportReport, export
    from lunacy.pipeline.exports.rebuild import RebuildReport, rebuild
    from lunacy.pipeline.fetch import FetchReport, fetch
    from lunacy.pipeline.prune import PruneReport, prune
    from lunacy.pipeline.publish import PublishReport, publish
    from lunacy.pipeline.refresh_derived import IvfReport, LexicalReport, build_ivf, build_lexical
    from lunacy.pipeline.remove import RemoveReport, remove
    from lunacy.pipeline.update import UpdateReport, preview_update, update
    from lunacy.pipeline.verify import VerifyReport, verify
    from lunacy.progress import Progress
    from lunacy.query import Index, open_index
    from lunacy.query.standing import standings
    from lunacy.question import Question
    from lunacy.region import Region, Standing
    from lunacy.store.repair import RepairReport, repair
    from lunacy.why import SentencePair, Term, Why

    __version__: str

__all__ = [
    "Answer",
    "BuildReport",
    "Busy",
    "CompactReport",
    "Copies",
    "Counts",
    "DiffReport",
    "DiskFull",
    "DownloadReport",
    "ExportReport",
    "FetchReport",
    "FingerprintMismatch",
    "GraphReport",
    "HarvestError",
    "Hit",
    "Index",
    "IndexDamaged",
    "IndexLocked",
    "Info",
    "IvfReport",
    "LexicalReport",
    "ListError",
    "LunacyError",
    "MapReport",
    "MissingExtra",
    "ModelError",
    "NoIndex",
    "NotAnId",
    "Paper",
    "Progress",
    "PruneRefused",
    "PruneReport",
    "PublishReport",
    "Question",
    "RebuildReport",
    "Region",
    "RemoveReport",
    "RepairReport",
    "SentencePair",
    "ServerError",
    "SnapshotError",
    "Standing",
    "StoreError",
    "Summary",
    "Term",
    "UnknownCategory",
    "UnknownPaper",
    "UpdateReport",
    "UsageError",
    "VectorsError",
    "VerifyReport",
    "Why",
    "build_graph",
    "build_index",
    "build_ivf",
    "build_lexical",
    "build_map",
    "compact",
    "diff",
    "download",
    "duplicates",
    "export",
    "fetch",
    "open_index",
    "preview_update",
    "prune",
    "publish",
    "rebuild",
    "remove",
    "repair",
    "standings",
    "update",
    "verify",
]

_NAMES = {
    "answer": "Answer Hit Info Summary",
    "copies": "Copies",
    "errors": "Busy DiskFull FingerprintMismatch HarvestError IndexDamaged IndexLocked ListError LunacyError "
    "MissingExtra ModelError NoIndex NotAnId PruneRefused ServerError SnapshotError StoreError UnknownCategory "
    "UnknownPaper UsageError VectorsError",
    "harvest": "DownloadReport download",
    "paper": "Paper",
    "pipeline": "BuildReport CompactReport Counts DiffReport GraphReport IvfReport LexicalReport MapReport PruneReport "
    "PublishReport RemoveReport VerifyReport build_graph build_index build_ivf build_lexical build_map compact diff "
    "duplicates prune publish remove verify",
    "pipeline.exports": "ExportReport RebuildReport export rebuild",
    "pipeline.fetch": "FetchReport fetch",
    "pipeline.update": "UpdateReport preview_update update",
    "progress": "Progress",
    "query": "Index open_index",
    "query.standing": "standings",
    "question": "Question",
    "region": "Region Standing",
    "store": "RepairReport repair",
    "why": "SentencePair Term Why",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `lunacy --help` must not wait for numpy, nor a query for torch."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lunacy")  # pyproject.toml has it
    if name not in _HOME:
        raise AttributeError(f"module 'lunacy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lunacy.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
