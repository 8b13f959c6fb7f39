from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks import overhead
from benchmarks.idle import BusyError, Idleness
from benchmarks.overhead import (
    COMPARED,
    FORMS,
    Recipe,
    by_hand,
    main,
    make_batches,
    make_networks,
    measure,
    write_table,
)
from benchmarks.step_throughput.setting import Networks

IDLE = Idleness(others=0.0, spread=0.01, load=1.0)

every_recipe = pytest.mark.parametrize("recipe", COMPARED, ids=lambda recipe: recipe.name)


def _weights(form: Callable[[Recipe, Networks], overhead.Round], recipe: Recipe) -> torch.Tensor:
    networks = make_networks(torch.float64)
    play, batches = form(recipe, networks), make_batches(5, torch.float64)
    torch.manual_seed(2)
    for _ in range(3):
        play(batches)
    assert all(parameter.requires_grad for parameter in networks.critic.parameters())
    return networks.weights()


@every_recipe
def test_all_forms_compute_the_same(recipe: Recipe) -> None:
    expected = _weights(by_hand, recipe)
    assert (expected - make_networks(torch.float64).weights()).abs().max() > 1e-4
    for form in FORMS.values():
        torch.testing.assert_close(_weights(form, recipe), expected, rtol=1e-9, atol=1e-12)


def test_the_recipes_are_the_two_without_clipping() -> None:
    assert [(recipe.name, recipe.critic_steps) for recipe in COMPARED] == [
        ("non-saturating 1:1", 1),
        ("WGAN-GP 5:1", 5),
    ]


def test_times_are_those_of_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "timed_in_turn", lambda runs, **_: [[2e-5 * (1 + k) for k in range(len(runs))]] * 3)
    times = measure(COMPARED[0], size=3, warmup=0, repeats=3, inner=10)
    assert times["by hand"] == pytest.approx([2.0] * 3)
    assert times["Update and play_round"] == pytest.approx([6.0] * 3)


def test_the_table_has_a_row_per_form() -> None:
    table = write_table(IDLE, size=3, warmup=0, repeats=2, inner=1, busy=True)
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith(("| non-saturating", "| WGAN-GP"))]
    assert [row[1] for row in rows] == [*FORMS, *FORMS]
    assert all(float(row[2]) >= float(row[3]) > 0 for row in rows)
    assert rows[0][4] == rows[3][4] == "1.000"
    assert torch.__version__ in table


def test_a_busy_machine_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(overhead.Watch, "others", lambda _: 0.5)
    with pytest.raises(BusyError, match=r"50\.0 %"):
        write_table(IDLE, size=3, warmup=0, repeats=1, inner=1)
    assert "not idle" in write_table(IDLE, size=3, warmup=0, repeats=1, inner=1, busy=True)
    monkeypatch.setattr(overhead, "look", lambda: Idleness(others=0.4, spread=0.0, load=1.0))
    assert main(["--repeats", "1", "--out", str(tmp_path)]) == 1
    assert not list(tmp_path.iterdir())


def test_the_command_writes_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--repeats", "1", "--busy", "--out", str(tmp_path / "deep")]) == 0
    assert (tmp_path / "deep" / "overhead.md").read_text(encoding="utf-8") in capsys.readouterr().out
