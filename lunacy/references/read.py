"""A file -> a draft, by what its name and its first letters say it is."""

from __future__ import annotations

import codecs
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from lunacy.errors import ListError, MissingExtra
from lunacy.kinds import HEAD_BYTES, is_binary, kind_of, utf16_of
from lunacy.references.bibtex import references_of_bibtex
from lunacy.references.latex import date_in, read_latex, references_of_bbl
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
        return _of_pdf(raw, path.name)
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


def _of_pdf(raw: bytes, name: str) -> Draft:
    """By the text layer. Raises ListError where there is none."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise MissingExtra("pypdf, which reads PDF,", "gaps") from None
    try:
        reader = PdfReader(BytesIO(raw))
        text = "\n".join(page.extract_text() or "" for page in reader.pages)
        created = str(reader.metadata.get("/CreationDate", "")) if reader.metadata else ""
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ListError(f"{name}: damaged, or no PDF that can be read: {error}") from None
    if not text.strip():
        raise ListError(f"{name}: has no text, only pictures of it; run OCR over it, or give its .bib or .tex")
    draft = draft_of_text(text)
    date = re.sub(r"^D:(\d{4})(\d\d)(\d\d).*", r"\1-\2-\3", created)
    return Draft(draft.references, draft.title, draft.abstract, date_in(date), draft.notes)
