"""Options of recipes that count something."""

from dataclasses import replace

import pytest

from examples.anime_faces.recipes import OPTIONS, AcganOptions, GanClsOptions, MatchingOptions, check_counts


@pytest.mark.parametrize("name", list(OPTIONS))
def test_the_defaults_of_all_recipes_count_something(name: str) -> None:
    check_counts(OPTIONS[name]())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (GanClsOptions(width=0), "--width must be at least 1, but it is 0"),
        (GanClsOptions(generator_steps=0), "--generator-steps must be at least 1, but it is 0"),
        (MatchingOptions(batch_size=0), "--batch-size must be at least 1, but it is 0"),
        (MatchingOptions(critic_steps=-2), "--critic-steps must be at least 1, but it is -2"),
        (AcganOptions(embedding=0), "--embedding must be at least 1, but it is 0"),
    ],
)
def test_nothing_is_counted_below_one(options: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_counts(options)


def test_switches_and_weights_may_be_zero() -> None:
    check_counts(replace(GanClsOptions(), literal=False, beta=0.0, cheat=0.0))
