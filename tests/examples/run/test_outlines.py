"""What `train` says of the system before the first step: in the folder, and on the terminal."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.run import RunFolder, TrainRequest, read_outline, train
from examples.anime_faces.systems import Networks, Side, System

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")


def test_it_is_written_before_the_first_step_and_printed_in_short(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_for("gan_cls", options={"beta": 0.375, "projected": 6}, steps=2)
    train(request)
    folder = RunFolder(tmp_path / "run")
    outline = read_outline(folder.outline)
    assert outline is not None
    assert folder.system.read_text() == f"{outline.text()}\n"
    assert "loss of generator = score + text weights" in folder.system.read_text()
    printed = capsys.readouterr().out
    generator, critic = (network.parameters for network in outline.networks)
    assert f"\nnetworks  parameters: generator {generator:,}, critic {critic:,}\n" in printed
    assert "\nlosses    loss of critic = score\n            score = mean(softplus(-D(real))) + 0.5 * " in printed
    assert "\n            text weights = 0.5 * 0.375 * |P|^2\n" in printed
    assert f"all constants: {folder.system}\n" in printed
    files = (folder.system, folder.outline)
    times = [path.stat().st_mtime_ns for path in files]
    train(request)
    assert [path.stat().st_mtime_ns for path in files] == times  # nothing has changed
    for path in files:
        path.unlink()
    train(request)  # a run of an earlier version has none
    assert read_outline(folder.outline) == outline


def test_it_follows_the_plan(request_for: RequestMaker, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    options = {"blocks": 1, "critic_steps": 1, "replay": 0}
    train(request_for("srresnet_acgan", options=options, steps=2))
    assert "0.0002 at step 0, 0.0001 at step 1" in folder.system.read_text()
    train(request_for("srresnet_acgan", options=options, steps=4))
    assert "0.0002 at step 0, 0.00015 at step 1, 0.0001 at step 2, 5e-05 at step 3" in " ".join(
        folder.system.read_text().split()
    )


def test_it_does_not_change_the_numbers(
    request_for: RequestMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = train(request_for(steps=2))
    monkeypatch.setattr("examples.anime_faces.run._train.write_outline", lambda *arguments: None)
    plain = train(request_for(steps=2, out=tmp_path / "plain"))
    assert described.digest == plain.digest
    assert not RunFolder(tmp_path / "plain").outline.exists()


def reads_values(request: TrainRequest) -> TrainRequest:
    """The request with losses that read a value on the host, which `meta` does not have."""

    def system(networks: Networks, *arguments: Any) -> System:
        plain = request.recipe.system(networks, *arguments)
        assert isinstance(plain.generator, Side)
        terms = plain.generator.terms
        assert callable(terms)

        def reading(images: torch.Tensor, *more: Any) -> Any:
            float(images.sum())
            return terms(images, *more)

        return replace(plain, generator=replace(plain.generator, terms=reading))

    return replace(request, recipe=replace(request.recipe, system=system))


def test_a_recipe_whose_losses_read_values_trains_without_it(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    train(request_for(steps=1))
    assert folder.system.exists()
    assert train(reads_values(request_for(steps=2))).step == 2
    assert "note: the layers of this recipe cannot be listed: " in capsys.readouterr().out
    assert not folder.system.exists()
    assert not folder.outline.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"networks": []}', "\x00"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "system.json"
    assert read_outline(path) is None
    path.write_text(text)
    with pytest.raises(ValueError, match=r"system\.json is damaged"):
        read_outline(path)
    path.write_text(json.dumps({"networks": [], "losses": [], "notation": [], "constants": []}))
    assert read_outline(path) is not None
