"""The outline of a system in its files and on the terminal, without a training."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from examples.anime_faces.run import RunFolder, read_outline
from examples.anime_faces.run._outlines import in_short, write_outline
from examples.anime_faces.systems import Outline

PLAIN: dict[str, Any] = {
    "networks": [
        {
            "name": "generator",
            "draws": True,
            "layers": [["first", "Linear", "5", 1200, ""], ["last", "Tanh", "5", 0, ""]],
        },
        {"name": "critic", "draws": False, "layers": [["score", "Linear", "1", 34, "bias=False"]]},
    ],
    "losses": [
        {
            "name": "critic",
            "facts": [["score", "mean(-D(real)) + mean(D(fake))"], ["penalty", "10 * mean((|dD| - 1)^2)"]],
        },
        {"name": "generator", "facts": [["score", "mean(-D(fake))"]]},
    ],
    "notation": [["D", "the critic"]],
    "constants": [{"name": "Adam of critic", "facts": [["lr", "0.0002"]]}],
}


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    outline = Outline.from_dict(PLAIN)
    path = tmp_path / "system.json"
    path.write_text(json.dumps(outline.to_dict()))
    found = read_outline(path)
    assert found == outline
    assert [network.parameters for network in outline.networks] == [1200, 34]


def test_parameters_of_every_layer_must_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "system.json"
    layers = [["first", "Linear", "5", 1200, ""], ["last", "Tanh", "5", "none", ""]]
    path.write_text(json.dumps({**PLAIN, "networks": [{"name": "generator", "draws": True, "layers": layers}]}))
    with pytest.raises(
        ValueError, match=r"is damaged \(the parameters of a layer must be a whole number\); repeat the"
    ):
        read_outline(path)


def test_in_short_it_is_the_size_of_each_network_and_the_losses_below_each_other(tmp_path: Path) -> None:
    assert in_short(Outline.from_dict(PLAIN), RunFolder(tmp_path)) == [
        "networks  parameters: generator 1,200, critic 34",
        "losses    loss of critic = score + penalty",
        "            score   = mean(-D(real)) + mean(D(fake))",
        "            penalty = 10 * mean((|dD| - 1)^2)",
        "          loss of generator = score",
        "            score = mean(-D(fake))",
        f"          all layers, what the letters mean, and all constants: {tmp_path / 'system.txt'}",
    ]


def test_a_recipe_that_cannot_be_described_has_a_note_and_no_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def outlined(recipe: object, description: object, options: object, selection: object, *, steps: int) -> None:
        raise TypeError(f"no layers of {recipe} for {description} and {options}, {selection}, {steps} steps")

    monkeypatch.setattr("examples.anime_faces.run._outlines.outline_of", outlined)
    settings = cast("Any", SimpleNamespace(description="faces", steps=3))
    for _ in range(2):  # whether there were files or not
        found = write_outline(RunFolder(tmp_path), cast("Any", "tiny"), "width 4", settings, cast("Any", "all"))
        assert found is None
        assert capsys.readouterr().out == (
            "note: the layers of this recipe cannot be listed: TypeError: no layers of tiny for faces and width 4, "
            "all, 3 steps\n"
        )
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "system.txt").touch()
        (tmp_path / "system.json").touch()


def test_both_files_can_be_read_by_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def outlined(*arguments: Any, steps: int) -> Outline:
        asked.append((*arguments, steps))
        return Outline.from_dict(PLAIN)

    monkeypatch.setattr("examples.anime_faces.run._outlines.outline_of", outlined)
    folder, settings = RunFolder(tmp_path), SimpleNamespace(description="faces", steps=3)
    outline = write_outline(folder, cast("Any", "recipe"), "options", cast("Any", settings), cast("Any", "selection"))
    assert asked == [("recipe", "faces", "options", "selection", 3)]
    assert outline is not None
    assert folder.system.read_text() == f"{outline.text()}\n"
    assert folder.outline.read_text().splitlines()[:4] == ["{", ' "networks": [', "  {", '   "name": "generator",']
    assert read_outline(folder.outline) == outline
