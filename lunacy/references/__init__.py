"""The references of a draft or of a bibliography, as people have them: BibTeX, LaTeX, RIS, CSL-JSON, Zotero, text."""

from lunacy.references.read import FORMS, read_draft
from lunacy.references.records import is_csl
from lunacy.references.reference import Draft, Reference

__all__ = ["FORMS", "Draft", "Reference", "is_csl", "read_draft"]
