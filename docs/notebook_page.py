"""The notebook "gankit in 15 minutes": executed as it is, and as a page of the site.

    python docs/notebook_page.py

executes all cells in one process and writes their outputs into the notebook. The site shows the notebook with them; no
program of Jupyter is needed for either.
"""

import ast
import base64
import contextlib
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "gankit_in_15_minutes.ipynb"
PICTURES = "images/notebook"
FRONT = "---\nhide: [toc]\n---\n\n"
DIGEST = "cells_when_executed"
"""Where the notebook's metadata keep the digest of the code that the outputs belong to."""

_LINE_ENDS = re.compile(r"(?<=\n)")


class Page(NamedTuple):
    """The notebook as a page: its Markdown, and its pictures by their paths below the guides."""

    markdown: str
    pictures: Mapping[str, bytes]


def load(path: Path = NOTEBOOK) -> dict[str, Any]:
    """Read a notebook."""
    return json.loads(path.read_text(encoding="utf-8"))


def save(notebook: Mapping[str, Any], path: Path = NOTEBOOK) -> None:
    """Write a notebook as Jupyter does."""
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def code_cells(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells of code."""
    return (cell for cell in notebook["cells"] if cell["cell_type"] == "code")


def source_of(cell: Mapping[str, Any]) -> str:
    """Return the text of a cell, which a notebook keeps as one string or as a list of lines."""
    return "".join(cell["source"])


def digest(notebook: Mapping[str, Any]) -> str:
    """Return the digest of all code, in its order."""
    return hashlib.sha256("\0".join(source_of(cell) for cell in code_cells(notebook)).encode()).hexdigest()


def execute(notebook: dict[str, Any]) -> None:
    """Run all cells in their order, in one namespace, and put their outputs in place of what is there.

    Raises:
        Exception: What a cell raised.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        cell["execution_count"] = number
        cell["outputs"] = _outputs(source_of(cell), namespace, number)
    notebook["metadata"][DIGEST] = digest(notebook)


def as_page(notebook: Mapping[str, Any]) -> Page:
    """Return the notebook as Markdown with code, what was printed, and pictures."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(source_of(cell))
            continue
        parts.append(f"```python\n{source_of(cell)}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{PICTURES}/{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![What the code above shows]({name})")
            else:
                text = "".join(output.get("text", data.get("text/plain", "")))
                parts.append(f"```text\n{text.rstrip()}\n```")
    return Page(FRONT + "\n\n".join(parts) + "\n", pictures)


def _outputs(source: str, namespace: dict[str, Any], number: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    name, shown, printed = f"<cell {number}>", None, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), namespace)  # noqa: S102  the cells are our own
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": _LINE_ENDS.split(text)[:-1]})
    if shown is not None:
        outputs.append(
            {
                "data": _shown(shown),
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs


def _shown(value: object) -> dict[str, Any]:
    png = getattr(value, "_repr_png_", None)
    if png is None:
        return {"text/plain": [repr(value)]}
    # Without the address that Pillow's text has: it differs from run to run.
    return {"image/png": base64.b64encode(png()).decode(), "text/plain": [f"<{type(value).__name__}>"]}


def main() -> None:
    """Execute the notebook and write it."""
    notebook = load()
    execute(notebook)
    save(notebook)
    sys.stdout.write(f"{NOTEBOOK}: {NOTEBOOK.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
