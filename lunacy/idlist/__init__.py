"""Lists of ids, as people have them: one id a line, a table, JSON or BibTeX."""

from lunacy.idlist.read import FORMS, name_of, read_ids, read_text
from lunacy.idlist.words import Listed

__all__ = ["FORMS", "Listed", "name_of", "read_ids", "read_text"]
