"""The forms in which answers and papers are printed. `render` makes them."""

from __future__ import annotations

BIBLIOGRAPHIES = ("bibtex", "ris", "csljson")
PAPER_FORMATS = ("table", "json", "jsonl", "csv", *BIBLIOGRAPHIES, "md")
FORMATS = ("table", "json", "jsonl", "csv", "ids", *BIBLIOGRAPHIES, "md")
WITHOUT_NOTES = ("csv", "ids", *BIBLIOGRAPHIES)  # they have no place for what the asker should know
OF_SUFFIX = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".bib": "bibtex", ".ris": "ris", ".md": "md"}
