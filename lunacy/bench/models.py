"""How good the lists of several models are, and what they cost, on the same papers.

Embedding a whole index by each model would take days, so a part of it does: all papers that are judged, and others
drawn at random. Among fewer papers every model looks better; so each is compared with one that made its vectors for the
same part, the control: the model of the index or, for a corpus that has none, the first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import orjson

from lunacy.bench.judgements import Qrels, check_ids, read_beir, read_qrels
from lunacy.bench.metrics import ByQuery, evaluator, lists_of, means, scores
from lunacy.bench.process import Cost, cost_of
from lunacy.embedding.locate import model_folder
from lunacy.errors import LunacyError, ModelError, UsageError
from lunacy.paper import RECIPES, Paper
from lunacy.pipeline import build_index, build_lexical
from lunacy.query import open_index
from lunacy.question import RANKS
from lunacy.snapshot import Snapshot, parse
from lunacy.store import Store


@dataclass(frozen=True, slots=True)
class Ranked:
    """A model's lists in one ranking: means over the queries and their intervals with 95 %, by metric."""

    rank: str
    mean: dict[str, float]
    interval: dict[str, tuple[float, float]]
    against_control: dict[str, tuple[float, float]]  # the interval of the difference, query by query


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """A model's lists, and what its vectors cost."""

    name: str
    dim: int
    max_tokens: int | None  # that it reads; None: not known
    cost: Cost | None  # of indexing, with loading the model; None: its vectors were there
    rankings: list[Ranked]


@dataclass(frozen=True, slots=True)
class ModelsReport:
    """Several models on the same queries and papers; the first is the control."""

    n_queries: int
    n_judged: int  # papers
    n_papers: int
    models: list[MeasuredModel]
    missing: dict[str, str]  # by model: why it was not measured


@dataclass(frozen=True, slots=True)
class _Part:
    """The papers that all models embed, and what is asked of them."""

    snapshot: Path
    papers: dict[str, Paper]
    qrels: Qrels
    texts: dict[str, str]  # of queries that are no papers
    text: str  # which text of a paper is embedded: one of `RECIPES`
    n_judged: int


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    prompt: str | None

    def __str__(self) -> str:
        return self.name if self.prompt is None else f"{self.name}, prompt {self.prompt!r}"


def bench_models(
    data: str | Path,
    *,
    index: str | Path | None,
    models: Sequence[str],
    prompts: Sequence[str] = (),
    n_papers: int = 3000,
    device: str = "auto",
    say: Callable[[str], None] = lambda _text: None,
) -> ModelsReport:
    """Measure the lists of `models` on `data`: a folder in BEIR's layout, or pairs over the papers of `index`.

    Each embeds the same `n_papers` papers, or as many as are judged, on `device`, behind the prompt of its place in
    `prompts` (none: the model's own). Their own vectors in the index stand beside them.
    Raises UsageError where the data do not fit together, or pytrec_eval is lacking; ModelError if no model is at hand.
    """
    pytrec_eval = evaluator()
    if prompts and len(prompts) != len(models):
        raise UsageError(f"there are {len(models)} models and {len(prompts)} prompts; give one for each, or none")
    wanted = [_Model(model, prompt) for model, prompt in zip_longest(models, prompts)]
    missing = {str(one): reason for one in wanted if (reason := _lacking(one.name))}
    for label, reason in missing.items():
        say(f"{label} is not measured: {reason}")
    with tempfile.TemporaryDirectory(prefix="lunacy-models-") as name:
        part = _part(Path(data), index, Path(name), n_papers)
        made: list[tuple[str, Path, Cost | None]] = []
        if index is not None:
            made.append(("the index", _control(Path(index), part, Path(name)), None))
        here = [one for one in wanted if str(one) not in missing]
        for place, one in enumerate(here, 1):
            say(f"{one}: embedding {len(part.papers):,} papers (model {place} of {len(here)})")
            folder = Path(name) / f"model-{place}"
            cost = _embed(one, part, folder, device)
            if cost is None:
                missing[str(one)] = "its papers could not be embedded"
                say(f"{one} is not measured: {missing[str(one)]}")
            else:
                made.append((str(one), folder, cost))
        if not made:
            raise ModelError(next(iter(missing.values())))
        control: dict[str, dict[str, ByQuery]] = {}
        measured = []
        for label, folder, cost in made:
            say(f"{label}: asking {len(part.qrels):,} queries")
            measured.append(_measured(pytrec_eval, label, folder, cost, part, control))
    return ModelsReport(len(part.qrels), part.n_judged, len(part.papers), measured, missing)


def _lacking(model: str) -> str:
    """Why a model cannot be had, in a line; "" if it is at hand, for which it may be fetched from the hub."""
    try:
        model_folder(model)
    except LunacyError as error:
        return error.full_message
    return ""


def _part(data: Path, index: str | Path | None, into: Path, n_papers: int) -> _Part:
    """All judged papers and as many others as make `n_papers`, drawn at random, as a snapshot."""
    texts: dict[str, str] = {}
    recipe = RECIPES[0]
    if data.is_dir():
        if index is not None:
            raise UsageError(f"{data} is a folder in BEIR's layout, with papers of its own; leave out the index")
        qrels, texts = read_beir(data, into / "corpus.jsonl")
        with Snapshot(into / "corpus.jsonl") as opened:
            corpus = {paper.id: paper for paper in map(parse, opened.lines())}
    elif index is not None:
        qrels = read_qrels(data)
        with Store(Path(index)) as store, store.view() as view:
            corpus = {paper.id: paper for paper in view.papers(view.live_rows())}
            recipe = view.fingerprint.text
    else:
        hint = "a file of pairs needs the index of their papers: --index DIR"
        raise UsageError(f"{data} is no folder in BEIR's layout", hint=hint)
    check_ids(qrels, corpus, texts, data)
    judged = {one for query, wanted in qrels.items() for one in (query, *wanted) if one in corpus}
    others = [one for one in corpus if one not in judged]
    n_drawn = min(max(n_papers - len(judged), 0), len(others))
    drawn = np.random.default_rng(0).choice(len(others), n_drawn, replace=False)
    chosen = judged | {others[place] for place in drawn}
    papers = {one: paper for one, paper in corpus.items() if one in chosen}
    snapshot = into / "part.jsonl"
    with snapshot.open("wb") as file:
        file.writelines(orjson.dumps(_record(paper), option=orjson.OPT_APPEND_NEWLINE) for paper in papers.values())
    return _Part(snapshot, papers, qrels, texts, recipe, len(judged))


def _record(paper: Paper) -> Mapping[str, str]:
    return {"id": paper.id, "title": paper.title, "abstract": paper.abstract, "categories": " ".join(paper.categories)}


def _control(index: Path, part: _Part, into: Path) -> Path:
    """An index of these papers with the vectors that they have in `index`."""
    with Store(index) as store, store.view() as view:
        rows = view.rows(list(part.papers))
        np.save(into / "vectors.npy", view.vectors(np.array([rows[one] for one in part.papers], np.int64)))
        model = view.fingerprint.model
    folder = into / "control"
    build_index(part.snapshot, into=folder, text=part.text, model=model, vectors=into / "vectors.npy", lexical=False)
    return folder


def _embed(model: _Model, part: _Part, into: Path, device: str) -> Cost | None:
    """Make an index in a process of its own, which tells how far it is; None where it failed, which it told too."""
    options = ["--into", str(into), "--model", model.name, "--text", part.text, "--device", device]
    options += ["--no-lexical"]  # what all have in common is made apart from what is measured
    options += [] if model.prompt is None else ["--prompt", model.prompt]
    return cost_of(["-m", "lunacy", "index", str(part.snapshot), *options])


def _measured(
    pytrec_eval: object,
    label: str,
    folder: Path,
    cost: Cost | None,
    part: _Part,
    control: dict[str, dict[str, ByQuery]],
) -> MeasuredModel:
    """The lists of one model; the first that is measured becomes the `control`."""
    build_lexical(folder)
    with Store(folder) as store, store.view() as view:
        made_by = view.fingerprint
    rankings = list(_rankings(pytrec_eval, folder, part, control))
    if cost is None:
        label = f"{label} ({made_by.model})"
    return MeasuredModel(label, made_by.dim, made_by.max_tokens, cost, rankings)


def _rankings(
    pytrec_eval: object, folder: Path, part: _Part, control: dict[str, dict[str, ByQuery]]
) -> Iterator[Ranked]:
    with open_index(folder) as ix:
        for rank in RANKS:
            if rank == "lexical" and rank in control:
                continue  # the words are the same for every model
            found = scores(pytrec_eval, part.qrels, lists_of(ix, part.qrels, part.papers, part.texts, {"rank": rank}))
            yield Ranked(rank, *means(found, control.setdefault(rank, found)))
