from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.data import Dataset
from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS
from examples.anime_faces.report import write_report
from examples.anime_faces.run import LoadedGenerator, TrainRequest, load_any_checkpoint, load_generator, train


@pytest.fixture
def loaded(trained_folder: Path) -> LoadedGenerator:
    return load_generator(trained_folder)


def test_it_draws_what_it_was_asked(loaded: LoadedGenerator) -> None:
    ids = torch.tensor([[0, 1], [5, 10], [11, 3]])
    images = loaded.generate(ids, seed=4)
    assert images.shape == (3, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert loaded.size == 32
    assert [attribute.name for attribute in loaded.attributes] == ["hair", "eyes"]
    torch.testing.assert_close(loaded.generate(ids, seed=4), images)
    assert not torch.equal(loaded.generate(ids, seed=5), images)
    assert not torch.equal(loaded.generate(ids + torch.tensor([0, -1]), seed=4), images)


def test_pictures_do_not_depend_on_how_many_are_drawn_at_once(
    loaded: LoadedGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = torch.randint(11, (9, 2))
    whole = loaded.generate(ids, seed=0)
    monkeypatch.setattr("examples.anime_faces.systems._drawing.CHUNK", 4)
    assert int((loaded.generate(ids, seed=0).int() - whole.int()).abs().max()) <= 1


def test_it_holds_the_averaged_weights(loaded: LoadedGenerator, trained_folder: Path) -> None:
    state = load_any_checkpoint(trained_folder)
    assert list(loaded.drawer.networks) == ["generator"]
    network = loaded.drawer.networks["generator"]
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, state["averages"]["generator"]["network"][name])
    assert not network.training
    assert loaded.step == 7


def test_a_checkpoint_file_does_as_well(loaded: LoadedGenerator, trained_folder: Path) -> None:
    again = load_generator(trained_folder / "checkpoints" / "checkpoint-7.pt")
    ids = torch.tensor([[3, 3]])
    torch.testing.assert_close(again.generate(ids, seed=0), loaded.generate(ids, seed=0))


def test_open_halves_are_drawn_at_random(loaded: LoadedGenerator) -> None:
    ids = torch.full((4, 2), -1)
    torch.testing.assert_close(loaded.generate(ids, seed=1), loaded.generate(ids, seed=1))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (torch.zeros(2, 3, dtype=torch.int64), r"class_ids must have shape \(n, 2\)"),
        (torch.zeros(0, 2, dtype=torch.int64), r"class_ids must have shape \(n, 2\)"),
        (torch.tensor([[0, 11]]), "class ids of eyes must be -1 to 10"),
        (torch.tensor([[3, 0], [-2, 0]]), "class ids of hair must be -1 to 11, but they reach from -2 to 3"),
        (torch.tensor([[-2, 0]]), "class ids of hair must be -1 to 11"),
    ],
)
def test_nonsense_is_refused(loaded: LoadedGenerator, ids: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaded.generate(ids, seed=0)


def test_a_temperature_multiplies_the_noise(trained_folder: Path) -> None:
    seen: list[torch.Tensor] = []
    for temperature in (1.0, 0.5, 0.0, 2.0):
        generator = load_generator(trained_folder, temperature=temperature)
        generator.drawer.networks["generator"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        drawn = generator.generate(torch.tensor([[3, 3], [3, 3]]), seed=4)
        assert torch.equal(seen[-1], temperature * seen[0])
        assert torch.equal(drawn[0], drawn[1]) == (temperature == 0)
    assert float(seen[0].std()) > 0.8


def test_a_truncation_draws_large_numbers_of_the_noise_again(trained_folder: Path) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    drawn: list[torch.Tensor] = []
    truncation: dict[str, Any] = {"truncation": 0.5}
    for options in ({}, truncation, truncation, {**truncation, "temperature": 3.0}):
        generator = load_generator(trained_folder, **options)
        generator.drawer.networks["generator"].register_forward_pre_hook(
            lambda _module, inputs: seen.append((inputs[0], inputs[1]))
        )
        drawn.append(generator.generate(torch.full((40, 2), -1), seed=4))
    (usual, classes), (truncated, same_classes), (again, _), (warm, _) = seen
    assert float(truncated.abs().max()) <= 0.5 < float(usual.abs().max())
    inside = usual.abs() <= 0.5
    assert torch.equal(truncated[inside], usual[inside])
    assert torch.equal(classes, same_classes)  # what is drawn at random besides the noise stays
    assert torch.equal(again, truncated)
    assert torch.equal(drawn[1], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(warm, 3 * truncated)


@pytest.mark.parametrize("options", [{"temperature": -0.1}, {"truncation": 0.0}])
def test_noise_that_makes_no_sense_is_refused(trained_folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"--{next(iter(options))} must be"):
        load_generator(trained_folder, **options)


def test_loading_moves_no_random_numbers(loaded: LoadedGenerator, trained_folder: Path) -> None:
    before = torch.get_rng_state()
    load_generator(trained_folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run does not exist; it should be a run's folder or a checkpoint"):
        load_generator(tmp_path / "run")
    with pytest.raises(ValueError, match=r"holds no checkpoint; train there first"):
        load_generator(tmp_path)


@pytest.fixture
def writer(trained_texts_folder: Path) -> LoadedGenerator:
    generator = load_generator(trained_texts_folder)
    with torch.no_grad():  # five steps hardly move it: make what it draws depend on noise and text visibly
        for parameter in generator.drawer.networks["generator"].parameters():
            parameter.mul_(20)
    return generator


def test_any_text_may_be_asked_for(writer: LoadedGenerator) -> None:
    unknown = "touhou onozuka komachi shikieiki yamaxanadu"
    images = writer.generate_texts([unknown, unknown, "blue hair"], seed=4)
    assert images.shape == (3, 3, 32, 32)
    assert not torch.equal(images[0], images[1])  # the same text, other noise
    torch.testing.assert_close(writer.generate_texts([unknown, unknown, "blue hair"], seed=4), images)
    other = writer.generate_texts([unknown, "red eyes", "blue hair"], seed=4)
    assert int((other[0].int() - images[0].int()).abs().max()) <= 1
    assert not torch.equal(other[1], images[1])
    with pytest.raises(ValueError, match="a prompt must have a word in it"):
        writer.generate_texts(["red eyes", "12"], seed=0)


def test_a_text_can_be_tried_before_anything_is_drawn(writer: LoadedGenerator, loaded: LoadedGenerator) -> None:
    writer.check_text("touhou 12")
    with pytest.raises(ValueError, match="a prompt must have a word in it, got '12'"):
        writer.check_text("12")
    loaded.check_text("blue hair")
    with pytest.raises(ValueError, match=r"'blu hair' is not known\. Did you mean 'blue hair'"):
        loaded.check_text("blu hair")


def test_class_ids_are_put_in_words(writer: LoadedGenerator) -> None:
    hair, eyes = writer.attributes
    named = writer.generate(torch.tensor([[3, 2], [3, -1]]), seed=4)
    words = writer.generate_texts([f"{hair.classes[3]} hair {eyes.classes[2]} eyes", "red"], seed=4)
    torch.testing.assert_close(named[0], words[0])


def test_texts_of_a_data_set_are_by_row(writer: LoadedGenerator, tagged_folder: Path) -> None:
    texts = writer.texts_of(Dataset.open(tagged_folder))
    assert sorted(set(range(60)) - texts.keys()) == [7]
    assert texts[3] == "touhou seriesx"
    assert texts[4] == f"{HAIR_COLORS[4]} hair {EYE_COLORS[4]} eyes seriesx"


def test_recipes_of_labels_read_the_words_for_labels(loaded: LoadedGenerator, faces: Dataset) -> None:
    assert loaded.example_texts is None
    assert loaded.texts_of(faces) == {}
    words = loaded.generate_texts(["blue hair red eyes", "red eyes"], seed=4)
    torch.testing.assert_close(words, loaded.generate(torch.tensor([[8, 9], [-1, 9]]), seed=4))
    with pytest.raises(ValueError, match="is not known"):
        loaded.generate_texts(["touhou"], seed=0)


@pytest.fixture
def without_labels(request_for: Callable[..., TrainRequest]) -> Path:
    """The folder of a run that reads no labels, and whose generator draws random numbers itself."""
    request = request_for("dcgan", options={"dropout": 0.5}, steps=2)
    train(request)
    return request.out


def test_a_recipe_without_labels_draws_whatever_is_asked_and_refuses_words(without_labels: Path) -> None:
    loaded = load_generator(without_labels)
    assert [attribute.name for attribute in loaded.attributes] == ["hair", "eyes"]  # to be measured beside the data
    images = loaded.generate(torch.tensor([[0, 1], [5, 10]]), seed=4)
    torch.manual_seed(8)
    assert torch.equal(loaded.generate(torch.tensor([[2, 2], [-1, -1]]), seed=4), images)
    assert not torch.equal(loaded.generate(torch.tensor([[0, 1], [5, 10]]), seed=5), images)
    with pytest.raises(ValueError, match="draws without labels, so 'blue hair' cannot be requested"):
        loaded.check_text("blue hair")


def test_the_report_of_a_run_without_labels_asks_for_nothing(without_labels: Path) -> None:
    page = write_report(without_labels).read_text(encoding="utf-8")
    assert f"sample --n 16 --run {without_labels}" in page
    assert "not read by the recipe" in page
