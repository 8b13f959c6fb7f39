"""Generators that change pictures, what is said of untrained ones, and requests word by word."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import gankit as gk
from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import LoadedGenerator, TrainRequest, load_any_checkpoint, load_generator
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._stores import pictures_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a few faces of 32x32."""
    folder = tmp_path_factory.mktemp("few") / "faces"
    write_rendered(folder, 6, 32, workers=0)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose checkpoint holds networks as they are initialized."""
    recipe, options, dataset = find_recipe("acgan"), find_options("acgan")(width=4), Dataset.open(data)
    out = tmp_path_factory.mktemp("runs") / "run"
    request = TrainRequest(recipe=recipe, options=options, data=data, out=out, threads=1, precision="float32")
    settings, _ = plan_run(request, dataset, recipe.conditioning(options).select(dataset))
    makers = recipe.networks(settings.description, options).makers
    networks = {name: gk.training.network_state(make()) for name, make in makers.items()}
    state = {
        "format": 2,
        "settings": settings.to_dict(),
        "step": 7,
        "networks": networks,
        "draws": 7,
        "random": {"cpu": torch.zeros(1)},
        "recent": {},
        "updates": {},
        "parts": {},
        "averages": {"generator": {"network": networks["generator"]}},
    }
    with gk.training.Checkpoints(out / "checkpoints") as checkpoints:
        checkpoints.save(7, state)
    return out


@pytest.fixture
def loaded(run: Path) -> LoadedGenerator:
    return load_generator(run)


@pytest.fixture
def changing(loaded: LoadedGenerator) -> LoadedGenerator:
    """A generator that is given pictures in place of latents."""
    drawer: Any = SimpleNamespace(blueprint=SimpleNamespace(latents=None))
    return replace(loaded, drawer=drawer)


@pytest.fixture
def checkpoint(run: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write the checkpoint of the run with other entries or settings."""

    def write(settings: dict[str, Any] | None = None, **changes: Any) -> Path:
        state = {**load_any_checkpoint(run), **changes}
        state["settings"] = {**state["settings"], **(settings or {})}
        path = tmp_path / "changed.pt"
        gk.training.save_checkpoint(path, {"version": 1, "step": state["step"], "state": state})
        return path

    return write


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_pictures_to_change_are_those_of_the_run_or_of_another_data_set(
    changing: LoadedGenerator, data: Path, tmp_path: Path
) -> None:
    expected = pictures_of(np.asarray(Dataset.open(data).images))(4, seeded())
    assert torch.equal(changing.inputs(4, seeded()), expected)
    assert torch.equal(replace(changing, data=data).inputs(4, seeded()), expected)
    write_rendered(tmp_path / "others", 5, 32, 1, workers=0)
    others = pictures_of(np.asarray(Dataset.open(tmp_path / "others").images))(4, seeded())
    assert torch.equal(replace(changing, data=tmp_path / "others").inputs(4, seeded()), others)


def test_pictures_of_another_size_cannot_be_changed(changing: LoadedGenerator, tmp_path: Path) -> None:
    large = tmp_path / "large"
    write_rendered(large, 3, 48, workers=0)
    with pytest.raises(ValueError, match=f"^--data must have pictures of the run's size, 32, but {large} has 48$"):
        replace(changing, data=large).inputs(1, seeded())


def test_the_data_of_the_run_must_be_there_and_the_same(changing: LoadedGenerator, data: Path, tmp_path: Path) -> None:
    gone = replace(changing, settings=replace(changing.settings, data=str(tmp_path / "gone")))
    with pytest.raises(ValueError, match=r"gone.*; if the data of the run was moved, give its folder by --data$"):
        gone.inputs(1, seeded())
    other = replace(changing, settings=replace(changing.settings, fingerprint="0" * 64))
    with pytest.raises(
        ValueError,
        match=f"^{data} is not the data set that the run was trained on any more: give one whose .* by --data$",
    ):
        other.inputs(1, seeded())
    assert replace(other, data=data).inputs(2, seeded()).shape == (2, 3, 32, 32)


def test_an_untrained_generator_is_warned_of_unless_it_began_with_trained_weights(loaded: LoadedGenerator) -> None:
    assert loaded.warning == ""
    untrained = replace(loaded, step=0)
    assert untrained.warning.startswith(
        "the generator is untrained: the run has no later checkpoint, or step 0 was chosen"
    )
    assert replace(untrained, settings=replace(loaded.settings, start="run (state 01)")).warning == ""
    assert replace(loaded, step=1).warning == ""


def test_a_prompt_that_says_nothing_draws_of_all_that_was_learned(loaded: LoadedGenerator) -> None:
    whatever = loaded.generate(torch.full((3, 2), -1), seed=4)
    assert torch.equal(loaded.generate_prompt("", 3, seed=4), whatever)
    blue = loaded.generate_texts(["blue hair", "blue hair"], seed=4)
    assert torch.equal(loaded.generate_prompt("blue hair", 2, seed=4), blue)


def test_a_prompt_can_be_tried_before_anything_is_drawn(loaded: LoadedGenerator) -> None:
    loaded.check_text("blue hair")
    with pytest.raises(ValueError, match=r"'blu hair' is not known\. Did you mean 'blue hair'"):
        loaded.check_text("blu hair")


def test_latents_are_drawn_before_what_is_left_open(loaded: LoadedGenerator) -> None:
    """So the noise of a picture is the same, whatever was asked for."""
    seen: list[torch.Tensor] = []
    loaded.drawer.networks["generator"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    loaded.generate(torch.tensor([[3, 3], [3, 3]]), seed=4)
    loaded.generate(torch.tensor([[-1, 3], [-1, -1]]), seed=4)
    loaded.generate_texts(["red eyes", "blue hair"], seed=4)
    latents = loaded.drawer.blueprint.latents
    assert latents is not None
    assert all(torch.equal(one, latents(2, rng=seeded(4))) for one in seen)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(2, 3), r"^class_ids must have shape \(n, 2\), but it is \(2, 3\)$"),
        (torch.zeros(2), r"^class_ids must have shape \(n, 2\), but it is \(2,\)$"),
        (torch.zeros(0, 2), r"^class_ids must have shape \(n, 2\), but it is \(0, 2\)$"),
        (torch.tensor([[0, 11]]), "^class ids of eyes must be -1 to 10, but they reach from 11 to 11$"),
        (torch.tensor([[12, 0], [2, 0]]), "^class ids of hair must be -1 to 11, but they reach from 2 to 12$"),
    ],
)
def test_ids_that_are_no_classes_are_refused(loaded: LoadedGenerator, ids: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaded.generate(ids, seed=0)


def test_ids_may_be_whole_numbers_of_any_kind(loaded: LoadedGenerator) -> None:
    ids = torch.tensor([[11, 10], [-1, -1]])
    assert torch.equal(loaded.generate(ids.to(torch.int32), seed=4), loaded.generate(ids, seed=4))


def test_it_says_what_it_can_be_asked_for(loaded: LoadedGenerator, trained_texts_folder: Path) -> None:
    writer = load_generator(trained_texts_folder)
    assert (loaded.reads_labels, loaded.example_texts) == (True, None)
    assert writer.settings.description.text is not None
    assert writer.example_texts == writer.settings.description.text.examples != ()


def test_noise_is_not_changed_where_none_is_drawn(checkpoint: Callable[..., Path]) -> None:
    """Before any network is built."""
    path = checkpoint({"recipe": "stargan", "options": asdict(find_options("stargan")(width=2))})
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"temperature": 0.5}, "--temperature"),
        ({"truncation": 2.0}, "--truncation"),
        ({"temperature": 0.5, "truncation": 2.0}, "--temperature and --truncation"),
    )
    for options, flags in cases:
        with pytest.raises(
            ValueError,
            match=f"^{flags} is for recipes that draw from noise, but stargan changes pictures: leave it out$",
        ):
            load_generator(path, **options)
    with pytest.raises(ValueError, match=f"^{path}"):  # its networks are not there
        load_generator(path)


def test_the_recipe_must_be_that_of_the_run(checkpoint: Callable[..., Path], run: Path) -> None:
    assert load_generator(run, recipe="acgan").step == 7
    with pytest.raises(ValueError, match=r"^--recipe must be that of the run, acgan, but it is dcgan$"):
        load_generator(run, recipe="dcgan")
    path = checkpoint({"recipe": "somebody.hinge:RECIPE"})
    with pytest.raises(ValueError, match=r"which is not part of this program: give --recipe somebody\.hinge:RECIPE to"):
        load_generator(path)


def test_an_average_that_was_not_saved_is_named_with_the_file(checkpoint: Callable[..., Path]) -> None:
    path = checkpoint(averages={"encoder": {"network": {}}})
    with pytest.raises(ValueError, match=f"^{path} holds no 'generator', which this version of the recipe draws with"):
        load_generator(path)


def test_what_was_asked_for_is_kept(run: Path, data: Path) -> None:
    generator = load_generator(run, data=data, temperature=0.5, truncation=2.0)
    assert generator.data == data
    assert generator.noise.changes == {"temperature": 0.5, "truncation": 2.0}
    assert generator.drawer.device == "cpu"
    elsewhere = load_generator(run, device="meta").drawer  # which stands for any other device
    assert elsewhere.device == "meta"
    assert {one.device.type for one in elsewhere.networks["generator"].parameters()} == {"meta"}
    usual = load_generator(str(run))
    assert (usual.data, usual.noise.changes) == (None, {})
    weight = next(one for one in usual.drawer.networks["generator"].parameters() if one.ndim == 4)
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_a_changed_table_of_vectors_is_noted(
    trained_texts_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_generator(trained_texts_folder)
    assert capsys.readouterr().out == ""
    state = dict(load_any_checkpoint(trained_texts_folder))
    description = state["settings"]["description"]
    text = {**description["text"], "encoder": "another encoder"}
    state["settings"] = {**state["settings"], "description": {**description, "text": text}}
    path = tmp_path / "changed.pt"
    gk.training.save_checkpoint(path, {"version": 1, "step": state["step"], "state": state})
    load_generator(path)
    assert capsys.readouterr().out.startswith("note: the run was trained with another encoder, and it is now ")
