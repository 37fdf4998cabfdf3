"""Schemas of what the API answers (JSON Schema 2020-12); a test holds them to real answers."""

from __future__ import annotations

from typing import Any

_Object = dict[str, Any]
_TEXT: _Object = {"type": "string"}
_WHOLE: _Object = {"type": "integer", "minimum": 0}
_NUMBER: _Object = {"type": "number"}
_FLAG: _Object = {"type": "boolean"}
_TEXTS: _Object = {"type": "array", "items": _TEXT}
_COUNTS: _Object = {"type": "object", "additionalProperties": _WHOLE}


def _or_null(schema: _Object, about: str = "") -> _Object:
    return {**schema, "type": [schema["type"], "null"], **({"description": about} if about else {})}


def _told(schema: _Object, about: str) -> _Object:
    return {**schema, "description": about}


def _object(properties: _Object, optional: str = "", **more: Any) -> _Object:
    """An object with just these properties, all of which are there but the `optional` ones."""
    required = [name for name in properties if name not in optional.split()]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


_PAPER: _Object = {
    "id": _told(_TEXT, "arXiv's id, without version."),
    "title": _told(_TEXT, "As arXiv has it, in TeX."),
    "authors": _told(_TEXT, "As arXiv has them, in TeX."),
    "title_unicode": _told(_TEXT, "In Unicode, where that differs."),
    "authors_unicode": _told(_TEXT, "In Unicode, where that differs."),
    "categories": _told(_TEXTS, "The first is the primary one."),
    "posted": _or_null(_TEXT, "The day of the first version, or only its month."),
    "updated": _or_null(_TEXT, "The day of the last change."),
    "withdrawn": _FLAG,
    "url": _or_null(_TEXT, "The page on arXiv."),
    "doi": _TEXT,
    "journal_ref": _TEXT,
}
_RARE = "title_unicode authors_unicode doi journal_ref"
_HIT: _Object = {
    "rank": _told({"type": "integer", "minimum": 1}, "1 is best."),
    "score": _told(_NUMBER, "What hits are ranked by: the cosine, unless ranked otherwise or for several papers."),
    "cosine": _NUMBER,
    "lexical": _told(_NUMBER, "BM25."),
    "copies": _told(_TEXTS, "Ids of near-duplicates, with fold."),
    "near": {
        "type": "array",
        "items": _object({"id": _TEXT, "cosine": _NUMBER}),
        "description": "Of several papers for one list, those that it is nearest to.",
    },
    "why": _object(
        {
            "asked": _or_null(_TEXT, "The id of the paper that it is compared with; null for the text."),
            "terms": {
                "type": "array",
                "items": _object({"text": _TEXT, "weight": _told(_NUMBER, "What it adds to BM25.")}),
                "description": "Words that both have.",
            },
            "sentences": {
                "oneOf": [_object({"asked": _TEXT, "hit": _TEXT, "cosine": _NUMBER}), {"type": "null"}],
                "description": "The closest pair of sentences, titles among them.",
            },
            "by_vectors": _or_null(_WHOLE, "The place among the best by vectors."),
            "by_words": _or_null(_WHOLE, "The place among the best by words."),
            "authors": _told(_TEXTS, "Of both."),
            "unlike": _told(_object({"id": _TEXT, "cosine": _NUMBER}), "The nearest of those that are not wanted."),
        },
        "unlike",
        description="With explain: what it has in common with what was asked.",
    ),
}
_ASKED = _object({"ids": _TEXTS, "titles": _TEXTS, "text": _or_null(_TEXT)}, "titles text")
_FAULT = _object(
    {
        "message": _told(_TEXT, "What is wrong, in a line."),
        "hint": _or_null(_TEXT, "What to do next."),
        "status": _WHOLE,
        "type": _told(_TEXT, "The name of the error, such as UnknownPaper."),
    }
)
_MEASURED = {"type": "object", "description": "Measured recall: docs/benchmarks.md."}
_INDEX: _Object = {
    "name": _told(_TEXT, "What the parameter index takes."),
    "model_state": {"enum": ["loading", "ready", "failed"], "description": "Texts are answered when it is ready."},
    "ranking": {"enum": ["dense", "hybrid"], "description": "The best that the index can do."},
    "papers": _WHOLE,
    "withdrawn": _WHOLE,
    "dead_rows": _WHOLE,
    "first_posted": _or_null(_TEXT),
    "last_posted": _or_null(_TEXT),
    "posted": _told(_COUNTS, "Papers by month."),
    "without_day": _WHOLE,
    "last_updated": _or_null(_TEXT),
    "without_update": _WHOLE,
    "categories": _told(_COUNTS, "Papers by category."),
    "fingerprint": {"type": "object", "description": "What made the vectors."},
    "arithmetic": _TEXT,
    "scope": _object({"category": _TEXTS}),
    "source": _or_null(_TEXT),
    "complete_up_to": _or_null(_TEXT),
    "generation": _told(_WHOLE, "How many commits there were."),
    "segments": _WHOLE,
    "size_bytes": _COUNTS,
    "ivf": _or_null(_MEASURED),
    "lexical": _FLAG,
    "graph": _or_null({"type": "object", "description": "The graph of nearest neighbours."}),
    "map": _or_null({"type": "object", "description": "A place in two dimensions for each paper."}),
}
SCHEMAS: dict[str, _Object] = {
    "Paper": _object(
        {
            **_PAPER,
            "comments": _or_null(_TEXT),
            "versions": _or_null(_WHOLE),
            "abstract": _or_null(_TEXT),
        },
        _RARE,
    ),
    "Hit": _object({**_HIT, **_PAPER}, f"{_RARE} cosine lexical copies near why"),
    "Answer": _object(
        {
            "query": _told(_ASKED, "What was asked for."),
            "ranking": {"enum": ["dense", "hybrid", "lexical"]},
            "exact": _told(_FLAG, "Whether the hits are proved to be the best."),
            "recall": _told(_NUMBER, "Of an approximate answer: the share of the best that is among the hits."),
            "qualified": _or_null(_WHOLE, "How many papers the filters admit."),
            "notes": _told(_TEXTS, "What the asker should know."),
            "hits": {"type": "array", "items": {"$ref": "#/components/schemas/Hit"}},
        },
        "recall",
    ),
    "Error": _object({"error": _FAULT}),
    "Line": {
        "description": "Of a batch: an answer, or what is wrong with an id.",
        "oneOf": [{"$ref": "#/components/schemas/Answer"}, _object({"query": _ASKED, "error": _FAULT})],
    },
    "Indexes": _object(
        {"indexes": {"type": "array", "items": {"oneOf": [_object(_INDEX), _object({"name": _TEXT, "error": _FAULT})]}}}
    ),
    "Health": _object(
        {
            "status": {"enum": ["ok", "failed"]},
            "model": {"enum": ["loading", "ready", "failed", None], "description": "Of the slowest index."},
            "error": _TEXT,
        },
        "error",
    ),
}
