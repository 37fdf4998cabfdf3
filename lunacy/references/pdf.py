"""A draft as a PDF, by its text layer."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO

from lunacy.errors import ListError, MissingExtra
from lunacy.references.latex import date_in
from lunacy.references.plain import draft_of_text
from lunacy.references.reference import Draft
from lunacy.title_key import title_key

_LEAST_WORDS = 3  # of a title in the properties of a file: shorter ones are names of files


def draft_of_pdf(raw: bytes, name: str) -> Draft:
    """By the text. Raises ListError where there is none; MissingExtra without pypdf."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise MissingExtra("pypdf, which reads PDF,", "gaps") from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of fonts whose letters it reads all the same
    try:
        reader = PdfReader(BytesIO(raw))
        text = "\n".join(page.extract_text() or "" for page in reader.pages)
        properties: Mapping[str, object] = reader.metadata or {}
        created, title = str(properties.get("/CreationDate", "")), str(properties.get("/Title", ""))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ListError(f"{name}: damaged, or no PDF that can be read: {error}") from None
    if not text.strip():
        raise ListError(f"{name}: has no text, only pictures of it; run OCR over it, or give its .bib or .tex")
    draft = draft_of_text(unicodedata.normalize("NFKC", text))  # so that a ligature is its letters
    title = " ".join(title.split())
    is_told = len(title.split()) >= _LEAST_WORDS and title_key(title) in title_key(draft.head)
    date = date_in(re.sub(r"^D:(\d{4})(\d\d)(\d\d).*", r"\1-\2-\3", created))
    return replace(draft, title=title if is_told else draft.title, date=date)
