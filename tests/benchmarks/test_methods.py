"""The gallery shows what its runs gave, and has a run of each objective, penalty and network that fits."""

import re
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.failures.faces import SIZE, Faces
from benchmarks.methods.__main__ import RESULTS
from benchmarks.methods.arms import ARMS, BASE
from benchmarks.methods.page import MARKED, PAGE, fill
from benchmarks.methods.runs import KEPT, PICTURES, TIMES, Methods
from benchmarks.toys.runs import all_runs
from gankit import constraints, losses

TEXT = PAGE.read_text(encoding="utf-8")
RECORDS = {run.arm: one for run in all_runs([Methods(work=Path("unused"))], [0]) if (one := run.kept(RESULTS))}


def test_every_run_is_there_and_the_page_shows_it() -> None:
    assert set(RECORDS) == {*ARMS, TIMES}
    assert fill(TEXT, RECORDS) == TEXT, "run python -m benchmarks.methods"
    assert {match[2] for match in MARKED.finditer(TEXT)} == {arm.group for arm in ARMS.values()}
    for name, arm in ARMS.items():
        figures, time = RECORDS[name].figures["figures"], RECORDS[TIMES].figures["ratios"][name]
        row = rf"\| {re.escape(arm.name)}<br>!\[[^\]]+\]\(images/gallery/{name}.png\) \| {figures['distance']:.0f} \|"
        assert re.search(row, TEXT)
        assert figures["variety"] >= 0
        assert time > 0
        with Image.open(PICTURES / f"{name}.png") as sheet:
            assert sheet.size == (6 * SIZE, 2 * SIZE)
    assert RECORDS[TIMES].figures["ratios"][BASE] == 1.0


def test_a_figure_changed_by_hand_is_noticed() -> None:
    shown = f"| {RECORDS[BASE].figures['figures']['distance']:.0f} |"
    changed = TEXT.replace(shown, "| 1 |", 1)
    assert changed != TEXT
    assert fill(changed, RECORDS) == TEXT
    with pytest.raises(ValueError, match="another"):
        fill("<!-- group another -->\n<!-- end -->", RECORDS)


def test_all_runs_have_the_same_length_and_data() -> None:
    plans = [arm.plan for arm in ARMS.values()]
    assert (
        len({(plan.rounds, plan.batch_size, plan.pictures, plan.critic_updates, plan.critic_rate) for plan in plans})
        == 1
    )


def test_every_objective_and_family_of_penalties_has_a_run() -> None:
    objectives = {type(arm.plan.objective).__name__ for arm in ARMS.values()}
    assert objectives == {"Hinge", "LeastSquares", "Logistic", "Wasserstein"} <= set(vars(losses))
    named = {name for arm in ARMS.values() for name in re.findall(r"gankit\.constraints\.(\w+)", arm.name)}
    penalties = {name for name in vars(constraints) if name.endswith(("_penalty", "_norm_", "_weights_"))}
    # Of texts, and of weights of generators or of parts of networks.
    others = {"matching_aware_gradient_penalty", "orthogonal_penalty", "weight_penalty"}
    assert named == penalties - others


@pytest.mark.slow
@pytest.mark.parametrize("name", ARMS)
def test_a_run_is_made_drawn_and_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.failures.networks import CLASSES
    from benchmarks.methods import runs

    def few(folder: Path) -> Faces:
        del folder
        import torch

        images = torch.rand(300, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
        labels = torch.eye(CLASSES)[torch.arange(300) % CLASSES]
        return Faces(images=images, labels=labels, held_out=images.flip(0).roll(1, 3))

    monkeypatch.setattr(runs, "_faces", few)
    methods = Methods(
        work=tmp_path, pictures=tmp_path, methods={BASE: ARMS[BASE], name: ARMS[name]}, rounds=2, repeats=1
    )
    made = methods.run(name, 0)
    assert set(made["figures"]) == set(KEPT)
    assert (tmp_path / f"{name}.png").exists()
    assert set(methods.run(TIMES, 0)["ratios"]) == {BASE, name}
