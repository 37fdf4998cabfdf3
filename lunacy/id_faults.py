"""What is wrong with a text that was meant for an arXiv id, in a few words.

The rules are those of https://info.arxiv.org/help/arxiv_identifier.html: `1802.05130` since 2015, `0704.0001` from
April 2007 to 2014, `hep-th/9108006` from 1991 to March 2007; the first four digits are year and month.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

_VERSION = r"(?:v\d+)?"
_NEW = re.compile(rf"(\d{{3,5}})\.(\d+){_VERSION}", re.ASCII | re.IGNORECASE)
_OLD = re.compile(rf"([a-z][a-z-]*)(?:\.[a-z-]+)?/?(\d+){_VERSION}", re.ASCII | re.IGNORECASE)
_ID = r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z-]+)?/\d{7})"
_TAIL = re.compile(rf"({_ID})(\D.*)", re.ASCII | re.IGNORECASE)
_SEVERAL = re.compile(rf"(?:{_ID}{_VERSION}[\s,;+&]+)+{_ID}{_VERSION}", re.ASCII | re.IGNORECASE)
_OTHER_POINT = re.compile(r"(\d{4})[-_/,:\s](\d{5})" + _VERSION, re.ASCII | re.IGNORECASE)
_NO_POINT = re.compile(r"(\d{4})(\d{5})" + _VERSION, re.ASCII | re.IGNORECASE)
_LETTERS = str.maketrans("OoIlS", "00115")  # that look like digits
_MISREAD = re.compile(r"[\dOoIlS]{4}\.[\dOoIlS]{4,5}", re.ASCII)
_DOI = re.compile(r"(?:doi:|(?:https?://)?(?:[\w-]+\.)+[a-z]+/(?:[\w.-]+/)*)?10\.\d{4,9}/\S+", re.ASCII | re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|www\.|arxiv\.org/)\S*", re.ASCII | re.IGNORECASE)
_PREFIX = re.compile(r"(?:arxiv[:.]\s*|(?:https?://)?(?:www\.)?arxiv\.org/(?:abs|pdf|html)/)", re.ASCII | re.IGNORECASE)
_FIRST_NEW, _FIVE_DIGITS = 704, 1501


def fault_of(text: str, archives: Collection[str]) -> str:
    """What is wrong with `text`, which is no arXiv id but looks as if it were meant for one; "" where it does not.

    `text` has no quotes, brackets or white space around it. `archives`: the names before the slash of old ids.
    """
    bare = _PREFIX.sub("", text, count=1)
    if _SEVERAL.fullmatch(bare):
        return "these are several ids; give each by itself"
    if new := _NEW.fullmatch(bare):
        return _fault_of_new(new[1], new[2])
    if (old := _OLD.fullmatch(bare)) and ("/" in bare or len(old[2]) == 7):
        return _fault_of_old(old[1].lower(), old[2], archives)
    if point := _OTHER_POINT.fullmatch(bare) or _NO_POINT.fullmatch(bare):
        return _month_fault(point[1]) or f"a point stands between month and number: {point[1]}.{point[2]}"
    if _MISREAD.fullmatch(bare):
        return f"it has letters in the place of digits: {bare.translate(_LETTERS)}"
    if tail := _TAIL.fullmatch(bare):
        return f"{tail[2][:20]!r} stands behind {tail[1]}, where only a version such as v2 may stand"
    if _DOI.fullmatch(text):
        return "this is the DOI of another publisher; arXiv's are like 10.48550/arXiv.1802.05130"
    if _LINK.fullmatch(text):
        return "this link is not to a paper on arXiv; such links are like https://arxiv.org/abs/1802.05130"
    return ""


def impossible(identifier: str) -> str:
    """Why no paper can have `identifier`, though it is written as ids are; "" where one can."""
    archive, slash, number = identifier.partition("/")
    if slash:
        return _old_month_fault(archive, number)
    month, _point, number = identifier.partition(".")
    if fault := _month_fault(month):
        return fault
    if int(month) < _FIVE_DIGITS and len(number) > 4:
        return "until 2014 the number behind the point has four digits"
    return "numbers begin at 1" if not int(number) else ""


def _fault_of_new(month: str, number: str) -> str:
    if len(month) != 4:
        return f"{month[:10]} has {len(month)} digits; before the point stand four, for year and month"
    if fault := _month_fault(month):
        return fault
    n_digits = 4 if int(month) < _FIVE_DIGITS else 5
    since = "until 2014" if n_digits == 4 else "since 2015"
    rule = f"{since} the number behind the point has {'four' if n_digits == 4 else 'five'} digits"
    if n_digits - len(number) != 1:
        return f"{rule}, not {len(number)}"
    meant = list(dict.fromkeys([f"{month}.0{number}", f"{month}.{number}0"]))
    return f"{rule}: {' or '.join(meant)} (a spreadsheet drops the last zero of {meant[-1]})"


def _month_fault(month: str) -> str:
    """Of the four digits before the point."""
    if not 1 <= int(month[2:]) <= 12:
        return f"there is no month {month[2:]} ({month} stands for year and month)"
    if int(month) < _FIRST_NEW:
        return "ids like this begin in April 2007, with 0704; older ones are like hep-th/9108006"
    return ""


def _fault_of_old(archive: str, number: str, archives: Collection[str]) -> str:
    if archive not in archives:
        letters = {name.replace("-", ""): name for name in archives}
        near = get_close_matches(archive.replace("-", ""), letters, n=2, cutoff=0.7)
        if not near and len(number) != 7:
            return ""
        meant = f"; did you mean {' or '.join(letters[one] for one in near)}?" if near else ""
        return f"arXiv has no archive {archive[:20]}{meant}"
    if len(number) != 7:
        return f"{number[:20]} has {len(number)} digits; old ids have seven: year, month and a number of three digits"
    return _old_month_fault(archive, number)


def _old_month_fault(archive: str, number: str) -> str:
    year, month = int(number[:2]), int(number[2:4])
    if not 1 <= month <= 12:
        return f"there is no month {number[2:4]} ({number[:4]} stands for year and month)"
    if 703 < 100 * year + month < 9107:
        return f"ids with {archive}/ are from 1991 to March 2007; later ones are like 0704.0001"
    return "" if int(number[4:]) else "numbers begin at 1"
