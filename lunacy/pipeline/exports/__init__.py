"""An index in files that other programs read, and back: papers with their vectors, and the graph of neighbours."""

from lunacy.pipeline.exports.export import ExportReport, export
from lunacy.pipeline.exports.rebuild import RebuildReport, rebuild

__all__ = ["ExportReport", "RebuildReport", "export", "rebuild"]
