"""Every line of the cheat sheet runs, and is a link to the name that it uses."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from docs.api.public_names import public_folders, public_names

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "cheat_sheet.md"
TEXT = PAGE.read_text(encoding="utf-8")
LINES: list[tuple[str, str]] = re.findall(r"^\| \[`([^`]+)`\]\[(gankit\.[\w.]+)\] \|", TEXT, flags=re.MULTILINE)
WITHOUT_A_LINE = {
    *("training.BatchesExhaustedError", "training.CheckpointError", "training.CheckpointFolderError"),
    *("training.NonFiniteError", "training.Gradients", "training.Loss", "training.Stepper", "training.Terms"),
    *("training.Values", "schedules.Schedule", "augment.Augmentation", "blocks.Conditioned", "blocks.Step"),
    *("embedders.ConditionDistribution", "embedders.Embedder", "embedders.SentenceEncoder", "embedders.TextEncoder"),
    *("embedders.SentenceModel", "embedders.SkipThoughts", "embedders.split_words", "networks.CriticOutput"),
    *("networks.LayerRow", "networks.LayerTable"),
}
"""Errors, contracts, what a line of another name returns, and what needs files that are not here."""


@pytest.fixture(scope="module")
def scope() -> Any:
    names: dict[str, Any] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        exec(re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)[0], names)
        yield names
    shutil.rmtree(names["folder"])


@pytest.mark.parametrize(("code", "name"), LINES, ids=[code for code, _ in LINES])
def test_a_line_runs_and_links_the_name_that_it_uses(code: str, name: str, scope: dict[str, Any]) -> None:
    assert "gk." + name.removeprefix("gankit.") in code
    result = eval(code, scope)
    if code.startswith("isinstance"):
        assert result
    elif isinstance(result, torch.Tensor) and name.split(".")[1] in ("losses", "constraints"):
        assert result.isfinite().all() if result.is_floating_point() else result.shape == (6,)


def test_every_public_name_has_a_place() -> None:
    linked = set(re.findall(r"\]\[gankit\.([\w.]+)\]", TEXT))
    public = {name.path.removeprefix("gankit.") for folder in public_folders() for name in public_names(folder)}
    assert public - linked == WITHOUT_A_LINE, (
        "give a new name a row in docs/guides/cheat_sheet.md, or here if it has no line"
    )
