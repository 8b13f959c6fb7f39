"""Checks of texts that come in."""

from collections.abc import Sequence


def check_texts(texts: Sequence[str]) -> None:
    """Refuse what is no sequence of texts (one text alone among it), or is empty."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f"texts must be a list or tuple of texts, got {type(texts).__name__}")
    if not texts:
        raise ValueError("texts must hold at least one text, got none")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"texts must be of type str, got {type(text).__name__} at index {index}")
