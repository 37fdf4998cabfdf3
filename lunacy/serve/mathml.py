"""A title or an abstract -> HTML that shows its TeX, and runs nothing."""

from __future__ import annotations

from markupsafe import Markup, escape

from lunacy.display import harmless
from lunacy.unicode import to_unicode


def tex_to_html(text: str) -> Markup:
    """`text` as HTML: escaped, without control characters, with the characters that its TeX stands for."""
    return escape(harmless(to_unicode(text)))
