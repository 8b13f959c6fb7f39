"""What makes vectors of texts, chosen by a recipe's options: a hash, the colors named, a table, or a trained model."""

import hashlib
from pathlib import Path

import gankit as gk
from examples.anime_faces.recipes._condition import Condition

HASHED_FEATURES = 2400  # as many as skip-thoughts has


def load_encoder(text_vectors: str, skip_thoughts: str, colors: Condition | None = None) -> gk.embedders.TextEncoder:
    """Return the encoder that the options name; hashed n-grams, which need no file, where they name none.

    Args:
        text_vectors: a ``.npy`` table of vectors, with the texts in a file of the same name that ends in ``.txt``; or empty.
        skip_thoughts: a folder with the published files of the model; or empty.
        colors: the labels whose words alone are to be read out of a text; or None.

    Raises:
        ValueError: Two of them are named, or a file is missing or not what it should be.
    """
    named = {"--text-vectors": text_vectors, "--skip-thoughts": skip_thoughts, "--named-colors": colors}
    given = [option for option, value in named.items() if value]
    if len(given) > 1:
        raise ValueError(f"{given[0]} and {given[1]} must not both be given")
    if colors is not None:
        return colors.prompt_encoder()
    if text_vectors:
        return gk.embedders.VectorTable.load(text_vectors, Path(text_vectors).with_suffix(".txt"))
    if skip_thoughts:
        return gk.embedders.SkipThoughts(skip_thoughts)
    return gk.embedders.HashedNGrams(out_features=HASHED_FEATURES)


def encoder_in_words(text_vectors: str, skip_thoughts: str, *, colors: bool = False) -> str:
    """Name the encoder; a table by a checksum of both its files, so that a run cannot go on with another by mistake."""
    if text_vectors:
        table = Path(text_vectors)
        digest = hashlib.sha256()
        for part in (table, table.with_suffix(".txt")):
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"the table {table.name} (sha256 {digest.hexdigest()[:12]})"
    if colors:
        return "the words for the labels"
    return "skip-thoughts" if skip_thoughts else "hashed n-grams"
