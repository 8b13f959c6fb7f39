"""The pages on installing and citing say what the project's files say."""

import re
import tomllib
from pathlib import Path

import yaml

import gankit

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALLATION = (GUIDES / "installation.md").read_text(encoding="utf-8")


def test_the_matrix_has_each_job_of_the_workflow_and_no_other() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    pairs = {(python, torch) for python in matrix["python"] for torch in matrix["torch"]}
    pairs |= {(job["python"], job["torch"]) for job in matrix["include"]}
    rows = re.findall(r"^\| (3\.\d+) \| ([\d.]+) \| ([^|]*workflow)", INSTALLATION, flags=re.MULTILINE)
    assert {(python, f"torch=={torch}") for python, torch, _ in rows} == pairs


def test_the_least_versions_are_those_of_the_package() -> None:
    (torch,) = [re.fullmatch(r"torch>=([\d.]+)", name) for name in PROJECT["dependencies"] if name.startswith("torch")]
    assert torch is not None
    python = PROJECT["requires-python"].removeprefix(">=")
    assert f"gankit needs Python {python} or newer and PyTorch {torch[1]} or newer" in INSTALLATION
    assert f"refuses Python below {python} and torch below {torch[1]}" in INSTALLATION


def test_the_citation_is_that_of_the_package() -> None:
    page = (GUIDES / "cite.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == gankit.__version__
    year = citation["date-released"].year
    for wanted in (f"version = {{{gankit.__version__}}}", f"year    = {{{year}}}", f"{gankit.__version__}, {year}."):
        assert wanted in page
    assert page.count(citation["title"]) == 2
    assert citation["authors"] == PROJECT["authors"]
    assert f"license = {{{citation['license']}}}" in page
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert page.count(citation["repository-code"]) == 2
