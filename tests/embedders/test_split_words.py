"""Texts cut into words."""

import pytest

from gankit.embedders import split_words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("blue hair red eyes", ["blue", "hair", "red", "eyes"]),
        ("Blue hair, red eyes.", ["Blue", "hair", ",", "red", "eyes", "."]),
        ("  gray-blue \t hair\n", ["gray-blue", "hair"]),
        ("don't (ever)!", ["don't", "(", "ever", ")", "!"]),
        ("naïve long_hair 1girl", ["naïve", "long_hair", "1girl"]),
        (" ", []),
    ],
)
def test_splits_words(text: str, wanted: list[str]) -> None:
    assert split_words(text) == wanted


@pytest.mark.parametrize("text", [None, 3, ["blue"], b"blue"])
def test_what_is_no_text_is_named(text: object) -> None:
    with pytest.raises(ValueError, match=f"text must be of type str, got {type(text).__name__}"):
        split_words(text)  # type: ignore[arg-type]
