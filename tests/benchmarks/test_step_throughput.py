import sys
from pathlib import Path

import pytest
import torch

from benchmarks import step_throughput
from benchmarks.forms import Form, played_round, shared_fake
from benchmarks.recipes import RECIPES, Recipe, Setting
from benchmarks.step_throughput import Effort, main, measure_error, write_table

SETTING = Setting(device=torch.device("cpu"), width=2, batch=3)


@pytest.mark.parametrize("form", [played_round, shared_fake])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_forms_of_gankit_do_what_the_tutorial_loop_does(recipe: Recipe, form: Form) -> None:
    assert measure_error(recipe, SETTING, form, bfloat16=False) < 1e-10


def test_the_error_sees_what_differs() -> None:
    recipe = RECIPES[2]
    error = measure_error(recipe, SETTING, shared_fake, bfloat16=True)
    assert 1e-4 < error < 0.5


def test_a_table_has_a_row_for_every_form() -> None:
    table = write_table(SETTING, Effort(warmup=0, repeats=1, inner=1), RECIPES[:1])
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| non-saturating")]
    assert [row[1] for row in rows] == [name for name, _, _ in step_throughput.FORMS]
    assert rows[0][3] == "1.000"
    assert all(float(row[3]) > 0 for row in rows)
    assert torch.__version__ in table


@pytest.mark.slow
def test_the_quick_run_writes_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["step_throughput", "--quick", "--device", "cpu", "--out", str(tmp_path / "deep")])
    threads = torch.get_num_threads()
    try:
        main()
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "deep" / "cpu.md").read_text(encoding="utf-8").count("WGAN-GP") == len(step_throughput.FORMS)


@pytest.mark.cuda
def test_a_table_on_cuda() -> None:
    setting = Setting(device=torch.device("cuda"), width=8, batch=4)
    table = write_table(setting, Effort(warmup=2, repeats=2, inner=2))
    assert torch.cuda.get_device_name() in table
