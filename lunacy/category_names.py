"""The names of arXiv's archives and categories (https://arxiv.org/category_taxonomy)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

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


def _named() -> tuple[dict[str, str], dict[str, str]]:
    archives = dict(one.split(" ", 1) for one in " ".join(_ARCHIVES.split()).split("; "))
    categories = dict(archives)
    for line in re.split(r"\n(?=\S)", _CLASSES.strip()):
        archive, group, classes = (part.strip() for part in " ".join(line.split()).split("|"))
        archives[archive] = group
        for one in classes.split("; "):
            end, name = one.split(" ", 1)
            categories[f"{archive}.{end}"] = name
    return archives, categories


_BOTH = _named()
ARCHIVE_NAMES: Mapping[str, str] = MappingProxyType(_BOTH[0])  # of "cs": "Computer Science"
CATEGORY_NAMES: Mapping[str, str] = MappingProxyType(_BOTH[1])  # of "cs.LG": "Machine Learning", of "hep-th"

# Those that are too long for a map, or say little beside those of other archives.
_SHORT = """
adap-org Self-Organizing Systems; astro-ph.CO Cosmology; astro-ph.EP Planetary Astrophysics; astro-ph.GA Galaxies;
    astro-ph.HE High Energy Astrophysics; astro-ph.IM Astronomical Instrumentation; astro-ph.SR Stellar
    Astrophysics; atom-ph Atomic Physics; comp-gas Cellular Automata; cond-mat.dis-nn Disordered Systems;
    cond-mat.mes-hall Nanoscale Physics; cs.CE Computational Engineering; cs.CR Security; cs.CV Computer Vision;
    cs.DC Distributed Computing; cs.DS Algorithms; cs.FL Formal Languages and Automata; cs.GT Game Theory; cs.NE
    Evolutionary Computing; cs.NI Networking; cs.SI Social Networks; gr-qc General Relativity; hep-ex High Energy
    Experiment; hep-lat Lattice Field Theory; hep-ph High Energy Phenomenology; hep-th High Energy Theory; math.CA
    Classical Analysis; math.KT K-Theory; nlin.AO Self-Organizing Systems; nlin.CG Cellular Automata; nlin.SI
    Integrable Systems; physics.ao-ph Atmospheric and Oceanic Physics; physics.data-an Data Analysis;
    physics.hist-ph History of Physics; physics.ins-det Detectors; q-bio.NC Neuroscience; q-fin.TR Market
    Microstructure; solv-int Integrable Systems; stat.AP Applied Statistics; stat.CO Computational Statistics;
    stat.ME Statistical Methodology
"""
_FAMILIES = {"hep": "High Energy Physics", "nucl": "Nuclear Physics"}
_SHORT_NAMES = dict(one.split(" ", 1) for one in " ".join(_SHORT.split()).split("; "))


def short_names(category: str) -> tuple[str, ...]:
    """Its name, unless it is "Other ...", and those of what it is part of, each in 32 characters at most."""
    archive = category.partition(".")[0]
    name = _SHORT_NAMES.get(category, CATEGORY_NAMES.get(category))
    family = _FAMILIES.get(archive.partition("-")[0]) if archive in CATEGORY_NAMES else None
    whole = ARCHIVE_NAMES.get(archive) if archive != category else None
    names = dict.fromkeys(one for one in (name, family, whole) if one)
    return tuple(one for one in names if len(one) <= 32 and not one.startswith("Other "))
