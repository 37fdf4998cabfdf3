"""Token ids: the same from every tokenizer, cut and read in windows as the model's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from lunacy.embedding.token_arrays import Frame, Tokens, cut, from_rows, windows
from lunacy.embedding.tokenizer import HARD_TEXTS, Nano, Reference, TextReader, same
from tests.models import MAX_TOKENS, TEXTS, wordpiece

FRAME = Frame((101,), (102,))


def rows(tokens: Tokens) -> list[list[int]]:
    return [part.tolist() for part in np.split(tokens.ids, tokens.bounds[1:-1])] if len(tokens) else []


def own_ids(tokenizer: Any, texts: Sequence[str], **options: Any) -> list[list[int]]:
    """As transformers gives them."""
    ids: list[list[int]] = tokenizer(list(texts), padding=False, **options)["input_ids"]
    return ids


@pytest.mark.parametrize("texts", [TEXTS, HARD_TEXTS, [""], ["graph"], []])
def test_ids_are_those_of_transformers(texts: Sequence[str]) -> None:
    tokenizer = wordpiece()
    expected = own_ids(tokenizer, texts, truncation=True, max_length=MAX_TOKENS) if texts else []
    assert rows(TextReader(tokenizer.backend_tokenizer.to_str(), MAX_TOKENS).read(texts)) == expected


def test_cut_texts_are_counted_and_those_that_just_fit_are_not() -> None:
    tokenizer = wordpiece()
    lengths = [len(ids) for ids in own_ids(tokenizer, TEXTS)]
    assert MAX_TOKENS in lengths
    assert (
        TextReader(tokenizer.backend_tokenizer.to_str(), MAX_TOKENS).read(TEXTS).n_cut
        == sum(length > MAX_TOKENS for length in lengths)
        == 2
    )


def test_without_a_limit_nothing_is_cut() -> None:
    tokenizer = wordpiece()
    tokens = TextReader(tokenizer.backend_tokenizer.to_str(), None).read(TEXTS)
    assert rows(tokens) == own_ids(tokenizer, TEXTS)
    assert tokens.n_cut == 0


def test_settings_of_the_given_tokenizer_do_not_matter() -> None:
    tokenizer = wordpiece()
    tokenizer.backend_tokenizer.enable_padding(length=128)
    tokenizer.backend_tokenizer.enable_truncation(16)
    assert rows(TextReader(tokenizer.backend_tokenizer.to_str(), MAX_TOKENS).read(["graph"])) == own_ids(
        wordpiece(), ["graph"]
    )


def test_cut_takes_the_last_token_before_the_closing_ones() -> None:
    short, long, exact = [101, 7, 102], [101, 1, 2, 3, 102], [101, 8, 9, 102]
    tokens = cut(from_rows([short, long, exact]), 4, FRAME)
    assert rows(tokens) == [short, [101, 1, 2, 102], exact]
    assert tokens.n_cut == 1


def test_windows_overlap_cover_the_text_and_end_with_it() -> None:
    own = list(range(1, 35))
    tokens = windows(from_rows([[101, 7, 102], [101, *own, 102], [101, 102]]), 18, FRAME)
    assert tokens.owners is not None
    assert tokens.owners.tolist() == [0, 1, 1, 1, 2]
    assert (
        rows(tokens)
        == [
            [101, 7, 102],
            [101, *own[:16], 102],
            [101, *own[14:30], 102],  # an eighth is shared
            [101, *own[18:], 102],  # the last one ends with the text
            [101, 102],
        ]
    )
    assert tokens.n_cut == 1
    assert tokens.n_texts == 3


def test_no_texts_give_no_windows() -> None:
    tokens = TextReader(wordpiece().backend_tokenizer.to_str(), MAX_TOKENS, chunk=True).read([])
    assert len(tokens) == tokens.n_texts == tokens.n_cut == 0


class Shifted(Nano):
    """A tokenizer that reads one kind of text otherwise."""

    def __init__(self, json: str) -> None:
        self._right = Tokenizer.from_str(json)

    def encode(self, texts: Sequence[str], max_tokens: int | None) -> Tokens:
        self._right.no_truncation() if max_tokens is None else self._right.enable_truncation(max_tokens)
        return from_rows([self._right.encode(text.replace("量", "")).ids for text in texts])


def test_a_tokenizer_that_differs_is_not_used_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.embedding.tokenizer.Nano", Shifted)
    reader = TextReader(wordpiece().backend_tokenizer.to_str(), MAX_TOKENS)
    assert reader.name == "reference"
    [note] = reader.notes
    assert "nanotoken" in note


def test_without_nanotoken_the_reference_is_used_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_json: str) -> None:
        raise ImportError

    monkeypatch.setattr("lunacy.embedding.tokenizer.Nano", missing)
    reader = TextReader(wordpiece().backend_tokenizer.to_str(), MAX_TOKENS)
    assert (reader.name, reader.notes) == ("reference", ())


def test_nanotoken_gives_the_same_ids() -> None:
    pytest.importorskip("nanotoken")
    reference = Reference(wordpiece().backend_tokenizer.to_str())
    assert same(Nano(reference.json), reference, MAX_TOKENS)
    assert TextReader(wordpiece().backend_tokenizer.to_str(), MAX_TOKENS).name == "nano"


def test_a_tokenizer_other_than_wordpiece_stays_with_the_reference() -> None:
    words = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>"))
    reader = TextReader(words.to_str(), 8)
    assert (reader.name, reader.notes) == ("reference", ())
