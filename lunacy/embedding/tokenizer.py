"""Tokenising: `tokenizers` as the reference, and nanotoken, many times faster, where it gives the very same ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from tokenizers import Tokenizer as Backend

from lunacy.embedding.token_arrays import Frame, Tokens, cut, from_rows, windows

HARD_TEXTS = (
    "",
    " ",
    "\t\n leading and trailing \r\n",
    "We prove that $\\alpha_{i}^{2} \\leq \\frac{1}{\\sqrt{n}}$ and $\\mathcal{O}(n\\log n)$.",
    "Poincaré and Poincare\u0301, Erdős, Möbius, Łojasiewicz, Ångström, naïve, ﬁnite",
    "量子力学 and 深度学习 は 한국어 mixed中text",
    "Привет Ελλάς Σίσυφος İstanbul ışık العربية हिन्दी ไทย",
    "emoji 😀 👨\u200d👩\u200d👧 🇩🇪 ❤\ufe0f end",
    "zero\u200bwidth\u200djoiner \u00adsoft \ufeffbom \u2060word \u200eleft",
    "nbsp\u00a0thin\u2009ideographic\u3000line\u2028para\u2029nel\u0085vt\x0b",
    "control \x00\x01\x7f\x9f \ufffd \ue000 \U000f0000 \uffff",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101 + " " + "é" * 200,
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <pad> <mask> [unused0] [cls] x[SEP]y ##ing",
    "3.14159e-10 1,000,000 10^{-5} x_1+x_2=y~z|w `code` \"quoted\" 'single' “curly” – — … 50% #1 @me",
    "H₂O CO₂ 10⁻¹⁹ ℏ ∀x∈ℝ: x²≥0 → ∞ ± ≤ 𝔼[𝑋]",
    "word " * 3000,
)  # each has broken some tokenizer; the last one is longer than most models read


class Tokenizer(Protocol):
    """Texts -> ids, special tokens included."""

    def encode(self, texts: Sequence[str], max_tokens: int | None) -> Tokens:
        """One row a text, of at most `max_tokens`."""


class Reference:
    """The `tokenizers` library, as transformers uses it."""

    def __init__(self, json: str) -> None:
        """`json`: the tokenizer as `tokenizers` writes it; what it says of padding and cutting is passed over."""
        self._backend = Backend.from_str(json)
        self._backend.no_padding()
        self._backend.no_truncation()
        self.json = self._backend.to_str()

    def frame(self) -> Frame:
        """Found by looking: what stands around a text's own tokens. Raises ValueError where that is not all."""
        own = self._backend.encode("a", add_special_tokens=False).ids
        framed = self._backend.encode("a", add_special_tokens=True).ids
        starts = [i for i in range(len(framed) - len(own) + 1) if framed[i : i + len(own)] == own]
        if not own or not starts:
            raise ValueError("the tokenizer does more than put special tokens around a text")
        return Frame(tuple(framed[: starts[0]]), tuple(framed[starts[0] + len(own) :]))

    def encode(self, texts: Sequence[str], max_tokens: int | None) -> Tokens:
        """One row a text; releases the GIL and uses all cores."""
        if max_tokens is None:
            self._backend.no_truncation()
        else:
            self._backend.enable_truncation(max_tokens)
        return from_rows([one.ids for one in self._backend.encode_batch_fast(list(texts))])


class Nano:
    """The nanotoken package: WordPiece only. Raises ImportError without it, ValueError for other tokenizers."""

    def __init__(self, json: str) -> None:
        from nanotoken import Tokenizer as Fast

        self._fast = Fast.from_json(json)

    def encode(self, texts: Sequence[str], max_tokens: int | None) -> Tokens:
        """One row a text; releases the GIL and uses all cores."""
        ragged = self._fast.encode_batch(list(texts), max_length=max_tokens)
        return Tokens(ragged.ids.astype(np.int32), ragged.offsets)


class TextReader:
    """Turns texts into rows that a model can read, and counts those that are too long for it."""

    def __init__(self, json: str, max_tokens: int | None, *, chunk: bool = False, few: bool = False) -> None:
        """`json`: the tokenizer as `tokenizers` writes it. `chunk`: read a long text in windows, instead of cutting it.

        `few`: so few texts will come that a faster tokenizer is not worth its start.
        """
        self.notes: tuple[str, ...] = ()
        self._max_tokens = max_tokens
        self._chunk = chunk
        reference = Reference(json)
        self._tokenizer: Tokenizer = reference
        self._frame = reference.frame()
        if few:
            return
        try:
            nano = Nano(reference.json)
        except (ImportError, ValueError):
            return
        if same(nano, reference, max_tokens):
            self._tokenizer = nano
        else:
            self.notes = ("nanotoken reads some texts otherwise than tokenizers does; tokenizers is used",)

    @property
    def name(self) -> str:
        """The tokenizer in use."""
        return type(self._tokenizer).__name__.lower()

    def read(self, texts: Sequence[str]) -> Tokens:
        """One row a text, in order; with `chunk`, one or more."""
        if self._max_tokens is None:
            return self._tokenizer.encode(texts, None)
        if self._chunk:
            return windows(self._tokenizer.encode(texts, None), self._max_tokens, self._frame)
        return cut(self._tokenizer.encode(texts, self._max_tokens + 1), self._max_tokens, self._frame)

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, cut or not."""
        lengths: list[int] = self._tokenizer.encode(texts, None).lengths.tolist()
        return lengths


def same(one: Tokenizer, other: Tokenizer, max_tokens: int | None, texts: Sequence[str] = HARD_TEXTS) -> bool:
    """Whether two tokenizers give the same ids for `texts`, whole and cut."""
    for limit in {None, max_tokens and max_tokens + 1}:
        mine, theirs = one.encode(texts, limit), other.encode(texts, limit)
        if not (np.array_equal(mine.bounds, theirs.bounds) and np.array_equal(mine.ids, theirs.ids)):
            return False
    return True
