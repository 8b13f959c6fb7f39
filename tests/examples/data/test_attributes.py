"""What attributes are, and how their classes are said."""

import pytest

from examples.anime_faces.data import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Attribute


def test_those_of_faces_are_colors_and_those_of_rendered_ones_are_yes_or_no() -> None:
    assert [(one.name, len(one.classes), one.has_colors) for one in FACE_ATTRIBUTES] == [
        ("hair", 12, True),
        ("eyes", 11, True),
    ]
    assert tuple(Attribute(name, ("no", "yes")) for name in ("glasses", "ribbon", "highlight")) == BINARY_ATTRIBUTES


def test_colors_are_said_with_the_attribute_and_other_classes_alone() -> None:
    hair, eyes = FACE_ATTRIBUTES
    assert (hair.phrase(8), eyes.phrase(9)) == ("blue hair", "red eyes")
    assert Attribute("hair", ("red", "blue")).phrase(1) == "blue hair"
    for other in (Attribute("hair", ("red", "bald")), Attribute("coat", ("red", "blue")), Attribute("hair", ())):
        assert not other.has_colors
        assert [other.phrase(number) for number in range(len(other.classes))] == list(other.classes)


@pytest.mark.parametrize(
    ("name", "classes"), [("", ("a",)), ("a ", ("a",)), ("a", ("b", "")), ("a", (" b",)), ("a", ("b", "c", "b"))]
)
def test_names_are_clean_and_classes_differ(name: str, classes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be clean|must differ"):
        Attribute(name, classes)
