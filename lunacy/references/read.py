"""A file -> a draft, by what its name and its first letters say it is."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

import orjson

from lunacy.errors import ListError
from lunacy.kinds import HEAD_BYTES, is_binary, kind_of, utf16_of
from lunacy.references.bibtex import references_of_bibtex
from lunacy.references.latex import read_latex, references_of_bbl
from lunacy.references.pdf import draft_of_pdf
from lunacy.references.plain import draft_of_text
from lunacy.references.records import is_csl, references_of_csl, references_of_ris, references_of_zotero
from lunacy.references.reference import Draft

FORMS = "BibTeX, LaTeX, RIS, CSL-JSON, Zotero's RDF, Markdown, text or PDF"
_BIBTEX = re.compile(r"^[ \t]*@\s*[A-Za-z]+\s*[{(]", re.MULTILINE)
_LATEX = re.compile(r"\\(?:documentclass|begin\s*\{(?:document|thebibliography)\}|bibitem|entry\{)")
_RIS = re.compile(r"^TY  ?- ", re.MULTILINE)


def read_draft(path: Path) -> Draft:
    """The draft or bibliography in a file of one of FORMS. Raises ListError; MissingExtra for a PDF without pypdf."""
    raw = _bytes(path)
    if raw.startswith(b"%PDF"):
        return draft_of_pdf(raw, path.name)
    if (kind := kind_of(raw[:HEAD_BYTES])) and not raw.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        raise ListError(f"{path}: is {kind}; give {FORMS}")
    if not utf16_of(raw) and is_binary(raw[:HEAD_BYTES]):
        raise ListError(f"{path}: is binary data of an unknown kind; give {FORMS}")
    text = decoded(raw)
    suffix = path.suffix.lower()
    if suffix == ".rdf" or text.lstrip().startswith(("<?xml", "<rdf")):
        return Draft(tuple(references_of_zotero(text.lstrip().encode() if utf16_of(raw) else raw, str(path))))
    if suffix == ".json" or text.lstrip().startswith("["):
        items = _json(text)
        if is_csl(items):
            return Draft(tuple(references_of_csl(items, str(path))))
    if suffix == ".bbl":
        return Draft(tuple(references_of_bbl(text)))
    if suffix == ".bib" or (suffix not in (".tex", ".md") and _BIBTEX.search(text)):
        return Draft(tuple(references_of_bibtex(text)))
    if suffix == ".ris" or _RIS.search(text):
        return Draft(tuple(references_of_ris(text)))
    if suffix == ".tex" or _LATEX.search(text):
        return read_latex(path, lambda one: decoded(_bytes(one)))
    return draft_of_text(text)


def decoded(raw: bytes) -> str:
    """UTF-8, UTF-16 or -32 with its byte order mark, else Windows' Latin letters; lines end as on Unix."""
    if encoding := utf16_of(raw):
        text = raw.decode(encoding, errors="replace")
    else:
        try:
            text = raw.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError:
            text = raw.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}; give {FORMS}") from error


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
