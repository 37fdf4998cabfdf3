"""Relevance judgements: which papers belong together, as people or their citations say.

They come as a folder in BEIR's layout (corpus.jsonl, queries.jsonl, qrels.tsv or qrels/test.tsv), or as a file of pairs
(query-id, corpus-id, score) over the papers of an index. A query whose id is a paper's asks by that paper.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from lunacy.errors import SnapshotError, UsageError
from lunacy.paper import Paper, canonical_id, embedded_text, squeeze_spaces

Qrels = dict[str, dict[str, int]]  # query id -> paper id -> how relevant
_HIGHEST = 2**31 - 1  # score of a pair
_FILES = ("qrels.tsv", "qrels/test.tsv")


def read_beir(folder: Path, snapshot: Path) -> tuple[Qrels, dict[str, str]]:
    """The judgements and the queries' texts, by id, of a folder in BEIR's layout; its corpus is written to `snapshot`.

    Raises UsageError for a file that is missing or no list of pairs, SnapshotError for a record that is none.
    """
    qrels = read_qrels(next((folder / name for name in _FILES if (folder / name).exists()), folder / _FILES[0]))
    queries = _records(folder / "queries.jsonl")
    texts = {one["_id"]: squeeze_spaces(f"{one.get('title') or ''} {one['text']}") for one in queries}
    _write_snapshot(_records(folder / "corpus.jsonl"), snapshot)
    return qrels, texts


def read_qrels(path: Path) -> Qrels:
    """Pairs from a .tsv with a heading. Raises UsageError for what is none."""
    qrels: Qrels = {}
    number = 1
    try:
        with path.open(newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            for number, row in enumerate(rows, 1):
                if number == 1 and row and not row[-1].strip().isdigit():
                    continue
                if not row:
                    continue
                query, paper, score = row
                if abs(int(score)) > _HIGHEST:
                    raise ValueError(f"the score {score[:20]} is too large")
                qrels.setdefault(canonical_id(query) or query, {})[canonical_id(paper) or paper] = int(score)
    except (ValueError, IndexError, csv.Error) as error:
        raise UsageError(
            f"{path}, line {number}: {error}; each line is: query-id, corpus-id, score, with tabs"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a file of pairs, or a folder with one") from None
    if not qrels:
        raise UsageError(f"{path} holds no pair")
    return qrels


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                record = orjson.loads(line)
                if not (isinstance(record, dict) and {str} == {type(record.get(name)) for name in ("_id", "text")}):
                    raise SnapshotError(f"{path}, line {number}: has no _id or no text")
                yield record
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; BEIR's layout is corpus.jsonl, queries.jsonl, qrels.tsv") from None
    except orjson.JSONDecodeError as error:
        raise SnapshotError(f"{path}, line {number}: not JSON: {error}") from None


def _write_snapshot(records: Iterable[Mapping[str, Any]], into: Path) -> None:
    """In the schema of the Kaggle dataset; a paper without a title has its id for one."""
    with into.open("wb") as file:
        for one in records:
            title, text = squeeze_spaces(str(one.get("title") or "")), squeeze_spaces(str(one["text"]))
            record = {"id": one["_id"], "title": title or one["_id"], "abstract": text or title or one["_id"]}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def check_ids(qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], data: Path) -> None:
    """Every id is a paper's, or a query's that has a text."""
    lacking = [one for one in qrels if one not in corpus and one not in texts]
    lacking += [paper for wanted in qrels.values() for paper in wanted if paper not in corpus]
    if lacking:
        raise UsageError(
            f"{data}: {len(lacking):,} ids are not in the corpus ({', '.join(lacking[:3])}); take them out"
        )


def is_paper(query: str, corpus: Mapping[str, Paper], texts: Mapping[str, str]) -> bool:
    """Whether a query is a paper of the corpus, and not a text that happens to have the number of one."""
    if query not in corpus:
        return False
    return query not in texts or embedded_text(corpus[query], "title+abstract").startswith(texts[query])
