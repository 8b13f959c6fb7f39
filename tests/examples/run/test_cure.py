"""What is said about a training that diverged: the cure, with the learning rates of the run and of its recipe."""

from pathlib import Path

import pytest

from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.run import RunFolder, cure_of
from examples.anime_faces.run._cure import divergence_in_words

LONG = "state['x'] is inf, " * 100


def test_the_cure_names_each_learning_rate_and_its_default() -> None:
    assert cure_of("default", {"width": 4, "learning_rate": 50.0, "critic_rate_factor": 0.5}) == (
        "begin again in another --out with a lower --learning-rate (50.0 here, the default of the recipe is 0.001); "
        "see docs/guides/failures.md#learning-rate"
    )
    both = cure_of("acgan", {"critic_learning_rate": 2e-4, "generator_learning_rate": 1.0})
    assert "--critic-learning-rate (0.0002 here, the default of the recipe) and --generator-learning-rate (1.0 " in both
    assert "--learning-rate (3.0 here);" in cure_of("own.tiny:RECIPE", {"learning_rate": 3.0})
    assert "with lower learning rates;" in cure_of("own.tiny:RECIPE", {})


@pytest.mark.parametrize(
    ("steps", "saved"),
    [
        ((), "no checkpoint is there"),
        ((0,), "the last good checkpoint is of step 0, before the training"),
        ((20, 40), "the last good checkpoint is of step 40"),
    ],
)
def test_the_error_begins_with_plain_words(tmp_path: Path, steps: tuple[int, ...], saved: str) -> None:
    folder = RunFolder(tmp_path)
    for step in steps:
        folder.checkpoints.mkdir(exist_ok=True)
        (folder.checkpoints / f"checkpoint-{step}.pt").touch()
    with (
        pytest.raises(TrainingDivergedError) as caught,
        divergence_in_words(folder, "default", {"learning_rate": 50.0}),
    ):
        raise TrainingDivergedError("step 60: " + LONG)
    first, second, detail = str(caught.value).split("\n")
    assert first.startswith("the training diverged: its numbers became too large")
    assert first.endswith(f"; {saved}")
    assert second.startswith("what to do: begin again in another --out with a lower --learning-rate (50.0 here")
    assert detail.startswith("detail: step 60: state['x'] is inf")
    assert detail == f"detail: {('step 60: ' + LONG)[:200]}..."


def test_a_short_message_is_there_as_a_whole(tmp_path: Path) -> None:
    message = "x" * 200
    with (
        pytest.raises(TrainingDivergedError) as caught,
        divergence_in_words(RunFolder(tmp_path), "own.tiny:RECIPE", {}),
    ):
        raise TrainingDivergedError(message)
    assert str(caught.value).splitlines() == [
        "the training diverged: its numbers became too large to compute with (infinite or NaN); no checkpoint is there",
        "what to do: begin again in another --out with lower learning rates; see docs/guides/failures.md#learning-rate",
        f"detail: {message}",
    ]


def test_other_errors_are_as_they_were(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^another$"), divergence_in_words(RunFolder(tmp_path), "default", {}):
        raise ValueError("another")
