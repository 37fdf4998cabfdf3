"""TeX in names -> the letters that it stands for."""

from __future__ import annotations

import re

LETTERS = dict(
    pair.split("=")
    for pair in "aa=å Aa=Å AA=Å ae=æ Ae=Æ AE=Æ oe=œ Oe=Œ OE=Œ o=ø O=Ø l=ł L=Ł ss=ß SS=SS i=ı j=ȷ dh=ð DH=Ð dj=đ DJ=Đ "
    "th=þ TH=Þ ng=ŋ NG=Ŋ textquoteright=' textquotesingle=' prime='".split()
)
_MARKS = {'"': "\u0308", "ddot": "\u0308", "r": "\u030a", "mathring": "\u030a"}  # those that have a spelling without
_LETTER = re.compile(rf"\\({'|'.join(sorted(LETTERS, key=len, reverse=True))})(?![a-zA-Z])\s*")
_ACCENT = re.compile(
    r"""
    \\ (?: (?P<symbol> ["'`^~=.] ) (?: \s*\{\s* | \s+(?=[a-z]) )?  # \'e \'{e} \' e, but not: Kon\' Smith
         | (?P<name> [uvHcdbkrt]|acute|grave|d?dot|hat|tilde|check|breve|bar|mathring|textcommabelow ) (?![a-zA-Z])
           \s* (?: \{\s* )?
       )
    (?P<letter> [^\W\d_] )
    """,
    re.VERBOSE,
)
_FONT = re.compile(
    r"\\(?:text[a-z]+|math[a-z]+|emph|[mh]box|it|bf|rm|sc|sf|sl|tt|em|relax|protect|noexpand)(?![a-zA-Z])\s*"
)
_DEEPEST = 3  # accents on a letter: \'{\^e}
_SPACE = re.compile(r"\\[ ,;:!]|~")
_REST = re.compile(r"\\[-/]|[\\{}$]")


def without_tex(text: str) -> str:
    r"""`text` with letters for what TeX writes otherwise, Erd\H{o}s and {\O}ystein; it has no backslash or brace.

    Of accents only those stay that change how a name is spelled without: ü is also ue, å also aa. What is unknown, or
    broken, keeps its letters.
    """
    text = _LETTER.sub(lambda macro: LETTERS[macro[1]], text)
    for _ in range(_DEEPEST):
        text = _ACCENT.sub(_accented, text)
    return _REST.sub("", _SPACE.sub(" ", _FONT.sub("", text)))


def _accented(accent: re.Match[str]) -> str:
    return accent["letter"] + _MARKS.get(accent["symbol"] or accent["name"], "")
