"""Messages lead to sections of the guide on failures that exist."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import gankit as gk
from gankit._core import see_failures
from gankit._core._checks import FAILURES

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"""see_failures\(["']([\w-]+)["']\)""")


def test_every_section_that_a_message_names_exists() -> None:
    page = (ROOT / FAILURES).read_text(encoding="utf-8")
    sections = set(re.findall(r"^## .* \{#([\w-]+)\}$", page, re.MULTILINE))
    named = {name for path in (ROOT / "src").rglob("*.py") for name in NAMED.findall(path.read_text(encoding="utf-8"))}
    assert {"nan", "batch-norm"} <= named <= sections


def test_a_step_that_is_refused_leads_to_the_guide() -> None:
    weight = nn.Parameter(torch.tensor(3.0))
    update = gk.training.Update(torch.optim.SGD([weight]), lambda x: {"loss": (weight * x).mean()})
    with pytest.raises(gk.training.NonFiniteError, match=re.escape(see_failures("nan"))):
        update(torch.tensor([float("nan")]))


def test_the_warning_of_batch_norm_leads_to_the_guide() -> None:
    critic = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1), nn.Flatten(0))
    with pytest.warns(UserWarning, match=re.escape(see_failures("batch-norm"))):
        gk.constraints.gradient_penalty(critic, torch.randn(5, 2), torch.randn(5, 2))
