"""Recipes trained by two ranks against one process with the whole batch, in float64.

Equal are those whose losses are means over pictures, or gather what they compare. Not equal, but the same on both ranks, are
those that pair pictures within a batch: each rank pairs its own.
"""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from support.ranks import run_ranks
from support.recipe_forms import FORMS
from torch.utils._pytree import tree_leaves

from examples.anime_faces.run import digest
from gankit.training import load_checkpoint

WORKER = Path(__file__).with_name("ranks_worker.py")
TESTS = Path(__file__).parents[2]
PAIRED = {"gan_cls", "matching_wgan", "df_gan", "stargan"}
QUICK = [FORMS.index((name, {})) for name in ("default", "tags_wgan_gp", "acgan")]
ROUNDING = 1e-8
"""Adam turns the rounding error of a gradient that is zero, as of a bias before a norm, into a step of this size."""


def _equals_one_process(name: str, form: dict[str, Any]) -> bool:
    draws_earlier_pictures = name == "srresnet_acgan" and form.get("replay") != 0
    return name not in PAIRED and not draws_earlier_pictures


def _played(
    folder: Path, data: Path, numbers: list[int], monkeypatch: pytest.MonkeyPatch, gradients: str = "eager"
) -> list[list[dict[str, Any]]]:
    """What one process with eager updates found, and each of two ranks."""
    monkeypatch.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")
    outs = [folder / f"{name}.pt" for name in ("alone", "first", "second")]
    places = [("0", "1"), ("0", "2"), ("1", "2")]
    run_ranks(
        [
            [str(WORKER), *place, str(folder / "meet"), str(data), str(out), part, *map(str, numbers)]
            for place, out, part in zip(places, outs, ("eager", gradients, gradients), strict=True)
        ],
        seconds=1200,
    )
    return [load_checkpoint(out) for out in outs]


def _check(numbers: list[int], found: list[list[dict[str, Any]]]) -> None:
    for number, alone, first, second in zip(numbers, *found, strict=True):
        name, form = FORMS[number]
        state, own = first["networks"], alone["networks"]
        assert all(math.isfinite(float(one.sum())) for one in tree_leaves(state)), FORMS[number]
        for part in ("networks", "averages", "updates", "logged", "random"):
            assert digest({part: first[part]}) == digest({part: second[part]}), f"{part} of ranks: {FORMS[number]}"
        if not _equals_one_process(name, form):
            continue
        torch.testing.assert_close(
            state, own, rtol=ROUNDING, atol=ROUNDING, msg=lambda text, n=number: f"{FORMS[n]}: {text}"
        )
        costs = [
            {key: value for key, value in one["logged"][-1].items() if key.startswith(("critic", "generator"))}
            for one in (alone, first)
        ]
        torch.testing.assert_close(costs[1], costs[0], rtol=1e-6, atol=1e-6, check_dtype=False)
        assert torch.equal(first["random"], alone["random"])


def test_the_main_recipes_train_as_one_process_does(
    tmp_path: Path, faces_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(QUICK, _played(tmp_path, faces_folder, QUICK, monkeypatch))


@pytest.mark.slow
def test_every_recipe_trains_as_one_process_does_or_alike_on_all_ranks(
    tmp_path: Path, faces_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = list(range(len(FORMS)))
    _check(numbers, _played(tmp_path, faces_folder, numbers, monkeypatch))


@pytest.mark.slow
def test_the_main_recipes_train_as_one_process_does_when_ranks_compile_them(
    tmp_path: Path, faces_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _played(tmp_path, faces_folder, QUICK, monkeypatch, "compiled")
    for form in (*found[1], *found[2]):
        assert not any("run eagerly" in message for message in form["warned"]), form["warned"]
    _check(QUICK, found)
