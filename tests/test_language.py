"""A text that is not English is told apart, and no English one is taken for another language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

import lunacy
from lunacy.embedding.locate import DEFAULT_MODEL
from lunacy.language import other_language, reads_only_english
from lunacy.snapshot.lines import Snapshot
from tests.conftest import FakeEmbedder, record

OTHERS = {
    "French": [
        "L'intrication est une ressource. Nous étudions dans cet article la dynamique des états, "
        "et nous montrons que la décohérence peut être ralentie par une mesure continue.",
        r"Nous consid\'erons un espace topologique qui est localement isomorphe au quotient de $R^k$ par l'action d'un "
        r"groupe discret et nous l'appelons quasi-vari\'et\'e de dimension $k$.",
        "réseaux de neurones profonds pour la traduction automatique des langues",
    ],
    "German": [
        "In dieser Arbeit wird die Dynamik verschränkter Zustände untersucht. Wir zeigen, dass die Dekohärenz durch "
        "eine Messung verlangsamt werden kann, und diskutieren die Folgen für das Rechnen.",
        r"Wir beweisen einen Satz \"uber die Struktur der Gruppen, die auf einem Baum operieren.",
    ],
    "Spanish": [
        "En este trabajo se estudia la dinámica de los estados entrelazados. Mostramos que la decoherencia puede ser "
        "reducida por una medición continua y discutimos las consecuencias para la computación cuántica.",
    ],
    "Portuguese": [
        "Neste trabalho estudamos a dinâmica dos estados em sistemas abertos. Mostramos que a descoerência pode ser "
        "reduzida por uma medição contínua, e discutimos as consequências para a computação em redes.",
    ],
    "Italian": [
        "In questo lavoro studiamo la dinamica degli stati nei sistemi aperti. Mostriamo che la decoerenza può essere "
        "ridotta da una misura continua e discutiamo le conseguenze per il calcolo della rete.",
    ],
    "Dutch": ["In dit artikel wordt de dynamica van toestanden onderzocht met een meting van het systeem."],
    "another script": [
        "本文研究了开放系统中纠缠态的动力学，并证明连续测量可以减缓退相干。",
        "我们提出了一种基于Transformer的神经机器翻译模型，在WMT14数据集上取得了最好的结果。",
        "量子もつれ状態のダイナミクスを研究する",
        "В работе изучается динамика запутанных состояний в открытых системах.",
        "ندرس ديناميكيات الحالات المتشابكة في الأنظمة المفتوحة",
        "열린 계에서 얽힌 상태의 동역학을 연구한다",
    ],
}  # fmt: skip
ENGLISH = [
    "",
    "superconductivity at room temperature",
    "quantum",
    r"$\alpha \beta \gamma$-decay of the Schr\"odinger equation on $\mathbb{R}^n$: $e + e \to \mu + \mu$, de da la",
    "αβγ δε ζηθ λμν and the ψ of x",
    "De Rham cohomology and the theorem of de la Vallee Poussin",
    "Study of e+e- --> 4f and e+e- --> 4f gamma in D + HD and D + HD reactions",
    "A paper by von Neumann, van der Waals and de Finetti on el Nino",
    "Über die Quantenmechanik",  # too short to tell
    "We extend the notion of 黎曼 manifolds, as Кольцов did, to the case of graphs",
    "1802.05130",
]


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in OTHERS.items() for text in texts])
def test_another_language_is_told(language: str, text: str) -> None:
    assert other_language(text) == language


@pytest.mark.parametrize("text", ENGLISH)
def test_english_and_what_says_nothing_is_not_taken_for_another_language(text: str) -> None:
    assert other_language(text) == ""


def test_none_of_the_papers_of_the_sample_is_taken_for_another_language() -> None:
    """2,000 abstracts and titles, all of them in English."""
    with Snapshot() as snapshot:
        papers = [orjson.loads(line.raw) for line in snapshot.lines()]
    assert len(papers) == 2000
    assert [one["id"] for one in papers if other_language(one["abstract"])] == []
    assert [one["title"] for one in papers if other_language(one["title"])] == []


@pytest.mark.parametrize(
    ("model", "english"),
    [
        (DEFAULT_MODEL, True),
        ("/home/me/models/all-MiniLM-L6-v2", True),
        ("all-mpnet-base-v2", True),
        ("BAAI/bge-small-en-v1.5", True),
        ("thenlper/gte-small", True),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", False),
        ("intfloat/multilingual-e5-small", False),
        ("BAAI/bge-m3", False),
        ("Qwen/Qwen3-Embedding-0.6B", False),
        ("fake/model", False),
        ("", False),
    ],
)
def test_only_models_that_are_known_to_read_english_alone_are_taken_for_such(model: str, english: bool) -> None:
    assert reads_only_english(model) is english


@pytest.mark.parametrize(("model", "warns"), [("sentence-transformers/all-MiniLM-L6-v2", True), ("fake/model", False)])
def test_an_answer_says_that_the_model_cannot_read_the_language(
    write_snapshot: Callable[..., Path], tmp_path: Path, model: str, warns: bool
) -> None:
    french = OTHERS["French"][0]
    snapshot = write_snapshot([record("1802.00001", abstract=french), record("1802.00002"), record("1802.00003")])
    lunacy.build_index(snapshot, into=tmp_path / "index", embedder=FakeEmbedder(model))
    with lunacy.open_index(tmp_path / "index", embedder=FakeEmbedder(model)) as ix:
        said = "seems to be in French, and the index's model reads English alone"
        told = [f"the text {said}", f"1802.00001 {said}"]
        assert list(ix.similar_to_text(french).notes) == told[:1] * warns
        assert list(ix.similar("1802.00001").notes) == told[1:] * warns
        assert list(ix.similar_to_all(["1802.00001"], text=french).notes) == told[::-1] * warns
        assert ix.similar_to_text("graphs").notes == ix.similar("1802.00002").notes == ()
