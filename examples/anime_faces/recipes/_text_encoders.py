"""What makes vectors of texts, chosen by a recipe's options: a hash, a table, or a trained model."""

import hashlib
from pathlib import Path

import gankit as gk

HASHED_FEATURES = 2400  # as many as skip-thoughts has


def load_encoder(text_vectors: str, skip_thoughts: str) -> gk.embedders.TextEncoder:
    """Return the encoder that the options name; hashed n-grams, which need no file, where they name none.

    Args:
        text_vectors: a ``.npy`` table of vectors, with the texts in a file of the same name that ends in ``.txt``; or empty.
        skip_thoughts: a folder with the published files of the model; or empty.

    Raises:
        ValueError: Both are named, or a file is missing or not what it should be.
    """
    if text_vectors and skip_thoughts:
        raise ValueError("--text-vectors and --skip-thoughts must not both be given")
    if text_vectors:
        return gk.embedders.VectorTable.load(text_vectors, Path(text_vectors).with_suffix(".txt"))
    if skip_thoughts:
        return gk.embedders.SkipThoughts(skip_thoughts)
    return gk.embedders.HashedNGrams(out_features=HASHED_FEATURES)


def encoder_in_words(text_vectors: str, skip_thoughts: str) -> str:
    """Name the encoder; a table by a checksum, so that a run cannot go on with another one by mistake."""
    if text_vectors:
        with Path(text_vectors).open("rb") as file:
            return (
                f"the table {Path(text_vectors).name} (sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:12]})"
            )
    return "skip-thoughts" if skip_thoughts else "hashed n-grams"
