"""The forms in which answers and papers are printed. `render` makes them."""

from __future__ import annotations

BIBLIOGRAPHIES = ("bibtex", "ris", "csljson")
FORMATS = ("table", "json", "jsonl", "csv", "ids", *BIBLIOGRAPHIES, "md")
DIGEST_FORMATS = ("table", "json", "html", "md", "atom", "bibtex", "ids")
WITHOUT_NOTES = ("csv", "ids", *BIBLIOGRAPHIES)  # they have no place for what the asker should know
OF_SUFFIX = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".bib": "bibtex", ".ris": "ris", ".md": "md"}
OF_DIGEST_SUFFIX = {**OF_SUFFIX, ".html": "html", ".htm": "html", ".xml": "atom", ".atom": "atom"}
