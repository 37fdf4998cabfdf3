"""What is shipped: the source distribution is the repository, so that its tests can run."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import lunacy
from lunacy.cli import main

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_source_distribution_holds_every_file_of_the_repository(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git: there is nothing to compare with")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip(f"git does not list its files: {listed.stderr}")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [sdist] = tmp_path.iterdir()
    with tarfile.open(sdist) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO"}
    assert shipped >= {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def test_every_extra_that_the_documents_name_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    documents = [
        path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *(ROOT / "lunacy").rglob("*.py"))
    ]
    named = {
        extra
        for text in documents
        for found in re.findall(r"(?:lunacy|'\.)\[([\w,]+)\]", text)
        for extra in found.split(",")
    }
    assert {"torch", "ray", "milvus", "bench"} <= named <= project["optional-dependencies"].keys()


def test_the_version_is_that_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lunacy.__version__ == project["version"]
    assert CliRunner().invoke(main, ["--version"]).output == f"lunacy, version {project['version']}\n"
