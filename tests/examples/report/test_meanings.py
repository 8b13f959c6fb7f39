"""What a failed figure means, in words."""

import pytest

from examples.anime_faces.report._meanings import ABOVE, BELOW, COPIES, meaning_of


def failed(value: float, low: float | None, high: float | None) -> dict[str, object]:
    return {"value": value, "at_least": low, "at_most": high, "passed": False, "floor": 0.5}


def test_figures_that_pass_or_have_no_bound_need_no_words() -> None:
    for passed in (True, None):
        assert meaning_of("fid", {**failed(3.0, None, 2.0), "passed": passed}) == ""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("noise_usage", 0.1, BELOW["noise_usage"]),
        ("noise_usage", 9.0, ABOVE["noise_usage"]),
        ("withheld_hair_accuracy", 0.1, BELOW["withheld_hair_accuracy"]),
        ("breed_accuracy", 0.1, BELOW["accuracy"]),
        ("coarse_coverage_of_real", 0.1, BELOW["coverage"]),
        ("copies_features", 9.0, COPIES),
        ("unasked_variation_worst", 9.0, ABOVE["unasked_variation_worst"]),
        ("something_new", 9.0, "It is above the target; real pictures have 0.5."),
        ("something_new", 0.1, "It is below the target; real pictures have 0.5."),
    ],
)
def test_each_side_of_a_bound_has_its_words(name: str, value: float, expected: str) -> None:
    assert meaning_of(name, failed(value, 0.6, 1.4)) == expected
