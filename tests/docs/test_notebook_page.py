"""The notebook runs, its outputs are those of its code, and the site shows both."""

import ast
import base64
import copy
import re
from typing import Any

import pytest

from docs.notebook_page import DIGEST, NOTEBOOK, PICTURES, as_page, code_cells, digest, execute, load, save, source_of

PNG = b"\x89PNG"


@pytest.fixture
def small() -> dict[str, Any]:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A\n", "\n", "words"]},
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": "a = 2\nprint(a)\na + 1",
        },
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["b = a\n", "None"]},
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class Picture:
    def _repr_png_(self) -> bytes:
        return PNG


def test_cells_run_in_one_namespace_and_keep_what_they_show(small: dict[str, Any]) -> None:
    execute(small)
    first, second = code_cells(small)
    assert [output.get("text", output.get("data")) for output in first["outputs"]] == [["2\n"], {"text/plain": ["3"]}]
    assert second["outputs"] == []
    assert (first["execution_count"], second["execution_count"]) == (1, 2)
    assert small["metadata"][DIGEST] == digest(small)
    first["source"] += " "
    assert small["metadata"][DIGEST] != digest(small)


def test_an_error_of_a_cell_is_raised(small: dict[str, Any]) -> None:
    small["cells"][1]["source"] = "1 / 0"
    with pytest.raises(ZeroDivisionError):
        execute(small)


def test_a_page_has_code_text_and_pictures(small: dict[str, Any]) -> None:
    execute(small)
    picture = {"output_type": "execute_result", "data": {"image/png": base64.b64encode(PNG).decode()}}
    small["cells"][2]["outputs"] = [picture]
    page = as_page(small)
    assert (
        "# A\n\nwords\n\n```python\na = 2\nprint(a)\na + 1\n```\n\n```text\n2\n```\n\n```text\n3\n```" in page.markdown
    )
    assert page.markdown.endswith(f"]({PICTURES}/1.png)\n")
    assert page.pictures == {f"{PICTURES}/1.png": PNG}


def test_the_outputs_are_those_of_the_current_code() -> None:
    notebook = load()
    assert notebook["metadata"][DIGEST] == digest(notebook), "run python docs/notebook_page.py"
    assert [cell["execution_count"] for cell in code_cells(notebook)] == list(
        range(1, 1 + len(list(code_cells(notebook))))
    )
    assert len(as_page(notebook).pictures) >= 3


def test_the_file_is_a_notebook_as_it_is_written(tmp_path: Any) -> None:
    notebook = load()
    assert (notebook["nbformat"], notebook["metadata"]["language_info"]["name"]) == (4, "python")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    save(notebook, tmp_path / "copy.ipynb")
    assert (tmp_path / "copy.ipynb").read_bytes() == NOTEBOOK.read_bytes()


def test_every_cell_compiles_and_its_names_of_gankit_exist() -> None:
    import gankit as gk

    code = "\n".join(source_of(cell) for cell in code_cells(load()))
    ast.parse(code)
    names = re.findall(r"\bgk((?:\.\w+)+)", code)
    assert len(names) > 10
    for name in names:
        found: Any = gk
        for part in name.removeprefix(".").split("."):
            found = getattr(found, part)
    assert max(map(len, code.splitlines())) <= 120


@pytest.mark.slow
def test_the_notebook_runs_and_draws_what_is_asked_for() -> None:
    kept = load()
    fresh = copy.deepcopy(kept)
    execute(fresh)
    for before, after in zip(code_cells(kept), code_cells(fresh), strict=True):
        kinds = [[sorted(output.get("data", output)) for output in cell["outputs"]] for cell in (before, after)]
        assert kinds[0] == kinds[1]
    for notebook in (kept, fresh):
        shares = re.search(r"drawn shapes: ([\d.]+), samples: ([\d.]+)", as_page(notebook).markdown)
        assert shares
        assert min(map(float, shares.groups())) > 0.8
