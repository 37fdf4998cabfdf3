"""Whether a text is in English, as far as one must know before a model that reads nothing else.

Another script is told by its letters; another language in Latin letters by its very common words, such as "der" or
"les", against those of English. Short texts, formulas and names say nothing: in doubt a text is English.
"""

from __future__ import annotations

import re

from lunacy.unicode import to_unicode

_ENGLISH = frozenset(
    (
        "the of and to is that for with we are by this from be which it can our these have has their between such "
        "than but using its been they into other both only under where when while there then thus show results on as "
        "an or at"
    ).split()
)
_OTHERS = {
    "French": (
        "le la les des du et est une un dans pour par que qui nous sur avec cette ce ces sont au aux dont leur leurs "
        "ainsi entre comme mais être deux pas se où peut ont été de"
    ),
    "German": (
        "der die das und ist von den mit eine ein einer eines einem einen für wird werden auf dem zu nicht durch im "
        "sich auch wir als bei über nach aus sind dass zur zum wie oder kann diese dieser dieses es"
    ),
    "Spanish": (
        "el la los las del es una un en por para que con se lo como más este esta estos estas son sobre entre al su "
        "sus ser ha han pero cuando muy también de"
    ),
    "Portuguese": (
        "os um uma do da dos das em na nos nas por para que com se como mais este esta são sobre entre ao aos sua seu "
        "ser foi não também pelo pela de"
    ),
    "Italian": (
        "il lo gli le la un una di del della dei delle degli nel nella per che con si come più questo questa questi "
        "sono su tra al alla da dal dalla anche ed non"
    ),
    "Dutch": (
        "de het een en van dat voor met wij op door dit deze worden wordt niet te aan bij ook naar uit kan hebben "
        "heeft er maar"
    ),
}
_COMMON = {name: frozenset(words.split()) - _ENGLISH for name, words in _OTHERS.items()}
NOT_ENGLISH = frozenset().union(*_COMMON.values())  # very common words of the others
FUNCTION_WORDS = frozenset(
    "about across against along among ani around behind beyond both dure each everi insid into onto other outsid over "
    "per such than through throughout toward under until upon via whose within without".split()
)  # English, without endings: no stop words to the word index, but never at the edge of a term
_FEWEST, _TIMES = 4, 2  # common words of another language, and times as many as English ones
_LEAST_SHARE = 0.05  # of such words among all
_ENGLISH_FROM = 150  # characters to a "the" or fewer: as nearly all abstracts, and quick to tell
_FORMULA = re.compile(r"\$[^$]*\$|\\[a-zA-Z]+")
_WORD = re.compile(r"[^\W\d_]+")
# Letters of other scripts, but for Greek ones and those of mathematics, which stand in formulas
_LETTERS = re.compile("[\u0400-\u058f\u0590-\u07ff\u0900-\u0fff\u10a0-\u10ff]")
_SIGNS = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_A_SIGN = 3  # letters: a word has two or three signs
_FEWEST_LETTERS = 6


# The models that read English alone, as far as they are known by name; of others nothing is said
_ENGLISH_MODEL = re.compile(
    r"(?:.*/)?(?:all-(?:minilm|mpnet|distilroberta|roberta)|multi-qa-|gte-(?:small|base|large)$|e5-(?:small|base|large)\b"
    r"|bge-(?:small|base|large)-en|.*-en(?:-v[\d.]+)?$|(?:scibert|specter))",
    re.IGNORECASE,
)


def common_words(text: str) -> frozenset[str]:
    """The very common words of each language, but for English, that `text` or a part of it is in."""
    if len(NOT_ENGLISH.intersection(text.lower().split())) < _FEWEST:  # quick to tell
        return frozenset()
    words = _WORD.findall(text.lower())
    there = frozenset(words)
    held = [common for common in _COMMON.values() if len(common & there) >= _FEWEST]
    several = [common for common in held if sum(word in common for word in words) >= _LEAST_SHARE * len(words)]
    return frozenset().union(*several)


def reads_only_english(model: str) -> bool:
    """Whether a model of that name, or in a folder of that name, is known to read English alone."""
    return _ENGLISH_MODEL.match(model) is not None and "multilingual" not in model.lower()


def other_language(text: str) -> str:
    """The language that `text` seems to be in, where that is not English: "French", "another script"; else ""."""
    if _ENGLISH_FROM * text.count(" the ") > len(text):
        return ""
    text = _FORMULA.sub(" ", to_unicode(text).lower())
    words = _WORD.findall(text)
    if not text.isascii():
        n_other = len(_LETTERS.findall(text)) + _A_SIGN * len(_SIGNS.findall(text))
        n_all = sum(map(len, words)) + (_A_SIGN - 1) * len(_SIGNS.findall(text))
        if n_other >= max(_FEWEST_LETTERS, n_all / 2):
            return "another script"
    found = [word for word in words if word in NOT_ENGLISH]
    least = max(_FEWEST, _TIMES * sum(word in _ENGLISH for word in words))
    if len(found) < least:
        return ""
    counts = {name: sum(word in common for word in found) for name, common in _COMMON.items()}
    best = [name for name, n in counts.items() if n == max(counts.values())]
    if counts[best[0]] < least:
        return ""
    return best[0] if len(best) == 1 else "another language"
