"""Subjects, as Dublin Core names them, -> arXiv's categories (https://arxiv.org/category_taxonomy)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lunacy.categories import CATEGORIES

# The archive, its name: the ends of its categories and their names.
_CLASSES = """
astro-ph | Astrophysics | CO Cosmology and Nongalactic Astrophysics; EP Earth and Planetary Astrophysics; GA
    Astrophysics of Galaxies; HE High Energy Astrophysical Phenomena; IM Instrumentation and Methods for Astrophysics;
    SR Solar and Stellar Astrophysics
cond-mat | Condensed Matter | dis-nn Disordered Systems and Neural Networks; mes-hall Mesoscale and Nanoscale
    Physics; mtrl-sci Materials Science; other Other Condensed Matter; quant-gas Quantum Gases; soft Soft Condensed
    Matter; stat-mech Statistical Mechanics; str-el Strongly Correlated Electrons; supr-con Superconductivity
cs | Computer Science | AI Artificial Intelligence; AR Hardware Architecture; CC Computational Complexity; CE
    Computational Engineering, Finance, and Science; CG Computational Geometry; CL Computation and Language; CR
    Cryptography and Security; CV Computer Vision and Pattern Recognition; CY Computers and Society; DB Databases; DC
    Distributed, Parallel, and Cluster Computing; DL Digital Libraries; DM Discrete Mathematics; DS Data Structures
    and Algorithms; ET Emerging Technologies; FL Formal Languages and Automata Theory; GL General Literature; GR
    Graphics; GT Computer Science and Game Theory; HC Human-Computer Interaction; IR Information Retrieval; IT
    Information Theory; LG Machine Learning; LO Logic in Computer Science; MA Multiagent Systems; MM Multimedia; MS
    Mathematical Software; NA Numerical Analysis; NE Neural and Evolutionary Computing; NI Networking and Internet
    Architecture; OH Other Computer Science; OS Operating Systems; PF Performance; PL Programming Languages; RO
    Robotics; SC Symbolic Computation; SD Sound; SE Software Engineering; SI Social and Information Networks; SY
    Systems and Control
econ | Economics | EM Econometrics; GN General Economics; TH Theoretical Economics
eess | Electrical Engineering and Systems Science | AS Audio and Speech Processing; IV Image and Video Processing;
    SP Signal Processing; SY Systems and Control
math | Mathematics | AC Commutative Algebra; AG Algebraic Geometry; AP Analysis of PDEs; AT Algebraic Topology; CA
    Classical Analysis and ODEs; CO Combinatorics; CT Category Theory; CV Complex Variables; DG Differential Geometry;
    DS Dynamical Systems; FA Functional Analysis; GM General Mathematics; GN General Topology; GR Group Theory; GT
    Geometric Topology; HO History and Overview; IT Information Theory; KT K-Theory and Homology; LO Logic; MG Metric
    Geometry; MP Mathematical Physics; NA Numerical Analysis; NT Number Theory; OA Operator Algebras; OC Optimization
    and Control; PR Probability; QA Quantum Algebra; RA Rings and Algebras; RT Representation Theory; SG Symplectic
    Geometry; SP Spectral Theory; ST Statistics Theory
nlin | Nonlinear Sciences | AO Adaptation and Self-Organizing Systems; CD Chaotic Dynamics; CG Cellular Automata
    and Lattice Gases; PS Pattern Formation and Solitons; SI Exactly Solvable and Integrable Systems
physics | Physics | acc-ph Accelerator Physics; ao-ph Atmospheric and Oceanic Physics; app-ph Applied Physics;
    atm-clus Atomic and Molecular Clusters; atom-ph Atomic Physics; bio-ph Biological Physics; chem-ph Chemical
    Physics; class-ph Classical Physics; comp-ph Computational Physics; data-an Data Analysis, Statistics and
    Probability; ed-ph Physics Education; flu-dyn Fluid Dynamics; gen-ph General Physics; geo-ph Geophysics; hist-ph
    History and Philosophy of Physics; ins-det Instrumentation and Detectors; med-ph Medical Physics; optics Optics;
    plasm-ph Plasma Physics; pop-ph Popular Physics; soc-ph Physics and Society; space-ph Space Physics
q-bio | Quantitative Biology | BM Biomolecules; CB Cell Behavior; GN Genomics; MN Molecular Networks; NC Neurons
    and Cognition; OT Other Quantitative Biology; PE Populations and Evolution; QM Quantitative Methods; SC
    Subcellular Processes; TO Tissues and Organs
q-fin | Quantitative Finance | CP Computational Finance; EC Economics; GN General Finance; MF Mathematical
    Finance; PM Portfolio Management; PR Pricing of Securities; RM Risk Management; ST Statistical Finance; TR Trading
    and Market Microstructure
stat | Statistics | AP Applications; CO Computation; ME Methodology; ML Machine Learning; OT Other Statistics; TH
    Statistics Theory
"""
# Archives that are categories themselves, as they are or were.
_ARCHIVES = """
acc-phys Accelerator Physics; adap-org Adaptation, Noise, and Self-Organizing Systems; alg-geom Algebraic
    Geometry; ao-sci Atmospheric-Oceanic Sciences; astro-ph Astrophysics; atom-ph Atomic, Molecular and Optical
    Physics; bayes-an Bayesian Analysis; chao-dyn Chaotic Dynamics; chem-ph Chemical Physics; cmp-lg Computation and
    Language; comp-gas Cellular Automata and Lattice Gases; cond-mat Condensed Matter; dg-ga Differential Geometry;
    funct-an Functional Analysis; gr-qc General Relativity and Quantum Cosmology; hep-ex High Energy Physics -
    Experiment; hep-lat High Energy Physics - Lattice; hep-ph High Energy Physics - Phenomenology; hep-th High Energy
    Physics - Theory; math-ph Mathematical Physics; mtrl-th Materials Theory; nucl-ex Nuclear Experiment; nucl-th
    Nuclear Theory; patt-sol Pattern Formation and Solitons; plasm-ph Plasma Physics; q-alg Quantum Algebra and
    Topology; q-bio Quantitative Biology; quant-ph Quantum Physics; solv-int Exactly Solvable and Integrable Systems;
    supr-con Superconductivity
"""
_FORMERLY = {  # as older replies have them
    "Computer Science - Learning": "cs.LG",
    "Astrophysics - Cosmology and Extragalactic Astrophysics": "astro-ph.CO",
    "Astrophysics - Galaxy Astrophysics": "astro-ph.GA",
}


def _by_name() -> dict[str, str]:
    named = dict(_FORMERLY)
    for one in " ".join(_ARCHIVES.split()).split("; "):
        archive, name = one.split(" ", 1)
        named[name] = archive
    for line in re.split(r"\n(?=\S)", _CLASSES.strip()):
        archive, group, classes = (part.strip() for part in " ".join(line.split()).split("|"))
        for one in classes.split("; "):
            end, name = one.split(" ", 1)
            named[f"{group} - {name}"] = f"{archive}.{end}"
    return named


_CATEGORY_OF = _by_name()


def categories_of(subjects: Iterable[str], sets: Iterable[str]) -> list[str]:
    """The categories of a record: by its sets where they name them (math:math:MP), else by its subjects.

    Until 2025 a set was an archive, or a group of them: physics:hep-th, cs.
    """
    parts = [one.split(":") for one in sets]
    by_set = [".".join(one[1:]) for one in parts]
    if not any(len(one) > 2 for one in parts):
        found = [_CATEGORY_OF[one] for one in subjects if one in _CATEGORY_OF]
        if found:
            return list(dict.fromkeys(found))
    return [one for one in dict.fromkeys(by_set) if one in CATEGORIES]
