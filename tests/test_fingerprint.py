"""When the vectors of two fingerprints may be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lunacy.errors import FingerprintMismatch
from lunacy.fingerprint import Fingerprint

KNOWN = Fingerprint(
    model="house/model",
    text="abstract",
    dim=384,
    weights="a" * 64,
    tokenizer="b" * 64,
    max_tokens=256,
    pooling="mean",
    prompt="",
)
BROUGHT = Fingerprint(model="house/model", text="abstract", dim=384)  # vectors of the user: only this is known


def test_the_same_fingerprint_has_no_difference() -> None:
    assert KNOWN.differences(replace(KNOWN)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "title+abstract"),
        ("dim", 768),
        ("weights", "c" * 64),
        ("tokenizer", "c" * 64),
        ("max_tokens", 512),
        ("pooling", "cls"),
        ("prompt", "passage: "),
        ("normalized", False),
    ],
)
def test_each_field_that_decides_a_vector_is_named(name: str, value: Any) -> None:
    other = replace(KNOWN, **{name: value})
    assert KNOWN.differences(other) == [name]
    assert other.differences(KNOWN) == [name]


def test_the_same_weights_are_the_same_model_under_another_name() -> None:
    assert KNOWN.differences(replace(KNOWN, model="/home/ada/model")) == []


def test_other_weights_differ_under_the_same_name() -> None:
    assert KNOWN.differences(replace(KNOWN, weights="d" * 64)) == ["weights"]


@pytest.mark.parametrize(("one", "other"), [(KNOWN, BROUGHT), (BROUGHT, KNOWN), (BROUGHT, BROUGHT)])
def test_what_is_not_known_does_not_differ(one: Fingerprint, other: Fingerprint) -> None:
    assert one.differences(other) == []


@pytest.mark.parametrize("other", [KNOWN, BROUGHT])
def test_the_name_decides_where_a_hash_is_not_known(other: Fingerprint) -> None:
    assert replace(BROUGHT, model="house/another").differences(other) == ["model"]
    assert other.differences(replace(BROUGHT, model="house/another")) == ["model"]


def test_what_is_known_of_brought_vectors_still_counts() -> None:
    assert KNOWN.differences(replace(BROUGHT, text="title+abstract", dim=16)) == ["text", "dim"]


def test_an_empty_prompt_is_known_and_differs_from_a_prompt() -> None:
    assert replace(KNOWN, prompt="query: ").differences(KNOWN) == ["prompt"]


def test_what_differs_is_told_with_both_values_and_without_the_folder_of_a_model() -> None:
    given = replace(BROUGHT, model="/home/ada/model")
    with pytest.raises(FingerprintMismatch) as caught:
        given.require_same(replace(BROUGHT, text="title+abstract"), holder="the collection", where="/srv/index")
    assert str(caught.value) == (
        "the collection was made otherwise (model: model in the collection, house/model now; "
        "text: abstract in the collection, title+abstract now)"
    )
    assert caught.value.where == "/srv/index"
    given.require_same(given)


def test_several_differences_come_in_the_order_of_the_fields() -> None:
    other = replace(KNOWN, pooling="cls", weights="e" * 64, text="title+abstract", model="house/another")
    assert KNOWN.differences(other) == ["text", "weights", "pooling"]
