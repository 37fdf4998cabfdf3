"""DOIs, as people paste them and as papers have them."""

from __future__ import annotations

import re
from urllib.parse import unquote

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"{}\\|^`]+", re.ASCII)
_BEFORE = re.compile(
    r"(?:doi\s*[:=]?\s*)?(?:https?://)?(?:(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/(?:[\w.+-]+/)*)?(?:doi:\s*)?",
    re.ASCII | re.IGNORECASE,
)
_BEHIND = re.compile(r"/(?:full|abstract|abs|meta|pdf|epdf|html|summary|references)/?$", re.IGNORECASE)
_LONGEST = 300  # characters
_OPENING = {")": "(", ">": "<", "]": "["}
_ENDS = " \t\r\n.,;:'\"`\u2019\u201d\u00bb"  # what is no end of a DOI
_AROUND = " \t\r\n<>()[]{}\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb,;."


def doi_of(text: str) -> str | None:
    """The DOI that `text` is, in lower case, as they are compared: by itself, behind doi: or as a link; None if none.

    Of arXiv's own DOIs, such as 10.48550/arXiv.1802.05130, `canonical_id` knows the ids.
    """
    if len(text) > _LONGEST or "10." not in text:
        return None
    text = unquote(text).strip()
    start = text.find("10.")
    before = text[:start].lstrip(_AROUND)
    is_link = bool(before) and "/" in before
    if before and not _BEFORE.fullmatch(before):
        return None
    rest = text[start:]
    if is_link:
        rest = _BEHIND.sub("", re.split(r"[?#]", rest, maxsplit=1)[0])
    found = _DOI.fullmatch(_trimmed(rest))
    return found[0].lower() if found else None


def dois_in(text: str) -> list[str]:
    """The DOIs that stand in `text`, in lower case and in order, each once."""
    return list(dict.fromkeys(doi for one in _DOI.findall(unquote(text)) if (doi := _trimmed(one).lower())))


def _trimmed(text: str) -> str:
    """Without the punctuation of a sentence behind it; brackets that belong to it stay, as in 10.1016/0550(91)1."""
    while text:
        last = text[-1]
        opening = _OPENING.get(last)
        is_of_doi = last not in _ENDS if opening is None else text.count(last) <= text.count(opening)
        if is_of_doi:
            break
        text = text[:-1]
    return text
