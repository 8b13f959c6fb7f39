"""Numbers of classes."""

import pytest

from gankit._core import as_class_counts


@pytest.mark.parametrize(("given", "wanted"), [(12, (12,)), ((12, 11), (12, 11)), ([1], (1,)), (range(2, 4), (2, 3))])
def test_a_number_is_one_attribute(given: object, wanted: tuple[int, ...]) -> None:
    assert as_class_counts(given) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [(), 0, (3, 0), True, (2.0,), 2.0, None, "12"])
def test_mistakes_are_named(wrong: object) -> None:
    with pytest.raises(ValueError, match="num_classes must"):
        as_class_counts(wrong)  # type: ignore[arg-type]
