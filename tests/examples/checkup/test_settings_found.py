"""What `check` finds in settings."""

import pytest

from examples.anime_faces.checkup import findings_of_settings
from examples.anime_faces.checkup._settings import passes_of
from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Description, Training, training_on_meta


def training(**options: float) -> Training:
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    chosen = find_options("default")(width=4, batch_size=8, **options)
    return training_on_meta(find_recipe("default"), description, chosen, steps=1000)


def found(pictures: int = 1000, steps: int = 5000, **options: float) -> list[tuple[bool, str]]:
    return [
        (one.is_problem, str(one)) for one in findings_of_settings(training(**options), pictures=pictures, steps=steps)
    ]


def test_usual_settings_have_no_findings() -> None:
    assert found() == []


def test_a_batch_larger_than_the_data_is_a_problem() -> None:
    is_problem, said = found(pictures=7, steps=500)[0]
    assert is_problem
    assert said == "a batch has 8 pictures, and only 7 are in use: give --batch-size 3 or less, or more pictures"


@pytest.mark.parametrize(("rate", "is_problem"), [(50.0, True), (0.5, True), (0.05, False), (1e-7, False)])
def test_unusual_learning_rates_are_said_once_for_each_network(rate: float, is_problem: bool) -> None:
    said = found(learning_rate=rate, critic_rate_factor=1.0)
    assert [text.partition(" is ")[0] for _, text in said] == [
        "the learning rate of critic",
        "the learning rate of generator",
    ]
    assert all(level == is_problem for level, _ in said)


def test_few_steps_and_too_few_or_too_many_passes() -> None:
    assert found(steps=100)[0][1].startswith("100 steps are few")
    assert passes_of(training(), pictures=1000, steps=5000) == 40.0
    (short,) = [said for _, said in found(pictures=80_000)]
    assert short.startswith("only 50% of the pictures would be used: train at least 10,0")
    (long,) = [said for _, said in found(pictures=100, steps=100_000)]
    assert long.startswith("each picture would be used 8,000 times: watch for copies")
