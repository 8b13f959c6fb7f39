"""What `check` finds in settings."""

from typing import Any

import pytest

from examples.anime_faces.checkup import findings_of_length, findings_of_settings
from examples.anime_faces.checkup._settings import passes_of
from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Description, Training, training_on_meta


def chosen_of(**options: float) -> Any:
    return find_options("default")(width=4, batch_size=8, **options)


def training(**options: float) -> Training:
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    return training_on_meta(find_recipe("default"), description, chosen_of(**options), steps=1000)


def found(pictures: int = 1000, steps: int = 5000, **options: float) -> list[tuple[bool, str]]:
    built = training(**options)
    settings = findings_of_settings(built, chosen_of(**options), pictures=pictures)
    return [
        (one.is_problem, str(one)) for one in (*settings, *findings_of_length(built, pictures=pictures, steps=steps))
    ]


def test_usual_settings_have_no_findings() -> None:
    assert found() == []


def test_a_batch_larger_than_the_data_is_a_warning_since_it_can_be_trained() -> None:
    is_problem, said = found(pictures=7, steps=500)[0]
    assert not is_problem
    assert said == (
        "a batch has 8 pictures, and only 7 are in use, so it holds some twice or more: give --batch-size 4, or add pictures"
    )


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
