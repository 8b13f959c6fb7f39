"""Vectors that were computed in advance, looked up by their text."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gankit._core import as_path, brief, check_batch, check_floating, replaced_atomically
from gankit.embedders._array_files import count_of, read_table, read_words
from gankit.embedders._text_encoders import check_texts

_SAVED = (torch.float16, torch.float32, torch.float64)
_SURROGATE = re.compile("[\ud800-\udfff]")


class VectorTable(nn.Module):
    """Look texts up in a table of vectors: run a slow text encoder once, and train from its table.

    Texts must be spelled as in the table. The vectors are not parameters and not part of the state dict: they are in the
    files.

    Args:
        texts: The texts, all different.
        vectors: Their vectors, one per row, in the same order.

    Attributes:
        out_features: Length of a vector.

    Shape:
        - vectors: ``(len(texts), out_features)``, floating-point, finite.
        - texts of a call: n texts of the table; a text may be repeated.
        - result: ``(n, out_features)`` in the module's dtype and on its device.

    Raises:
        ValueError: There are no texts, a text is repeated, or `vectors` is not a floating-point tensor of finite numbers with
            one row per text; a text of a call is not in the table.

    Example:
        >>> from gankit.embedders import HashedNGrams, VectorTable
        >>> texts = ["blue hair", "red hair", "green hair"]
        >>> table = VectorTable(texts, HashedNGrams(out_features=300)(texts))
        >>> table(["red hair", "blue hair"]).shape
        torch.Size([2, 300])
    """

    vectors: torch.Tensor

    def __init__(self, texts: Sequence[str], vectors: torch.Tensor) -> None:
        super().__init__()
        check_texts(texts)
        check_floating("vectors", vectors)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise ValueError(f"vectors must have shape ({len(texts)}, features), got {tuple(vectors.shape)}")
        check_batch("vectors", vectors)
        self.rows = {text: row for row, text in enumerate(texts)}
        if len(self.rows) < len(texts):
            repeated = next(text for row, text in enumerate(texts) if self.rows[text] != row)
            raise ValueError(f"texts must differ, got {brief(repeated)} twice")
        _check_finite(texts, vectors)
        self.out_features = vectors.shape[1]
        self.register_buffer("vectors", vectors.detach().clone(), persistent=False)

    @classmethod
    def load(cls, vectors: Path | str, texts: Path | str) -> "VectorTable":
        r"""Read a table that :meth:`save` or another program wrote.

        Args:
            vectors: A ``.npy`` file with a table of floating-point numbers. Pickled objects are refused, never loaded.
            texts: A UTF-8 text file with one text per line, one line per row of the table.

        Raises:
            ValueError: A file is missing, truncated or of another format, or the two do not belong together. The error
                names the file.
        """
        table = read_table(as_path("vectors", vectors))
        keys = read_words(as_path("texts", texts), len(table))
        if len(keys) != len(table):
            found = f"got {count_of(keys, len(table))} texts, {len(table)} rows"
            raise ValueError(f"{texts} must have one text per row of {vectors}: {found}")
        if "" in keys:
            raise ValueError(f"{texts}, line {keys.index('') + 1}: the text is empty")
        native = table.astype(table.dtype.newbyteorder("="))
        try:
            return cls(keys, torch.from_numpy(native))
        except ValueError as error:
            raise ValueError(f"{texts}: {error}") from error

    def save(self, vectors: Path | str, texts: Path | str) -> None:
        """Write the table as :meth:`load` reads it. A dtype that NumPy lacks, such as bfloat16, becomes float32.

        Both files are written aside first: one that cannot be written leaves the earlier table as it was. A process that is
        killed between the two renames leaves the new texts beside the old vectors.

        Args:
            vectors: The ``.npy`` file to write.
            texts: The text file to write.

        Raises:
            ValueError: A text could not be read again: it is empty, has a line feed inside, blanks at its ends, a byte
                order mark at its beginning, or a lone surrogate of UTF-16; or both files have the same name.
            OSError: A file cannot be written.
        """
        rows_file, lines_file = as_path("vectors", vectors), as_path("texts", texts)
        if rows_file.absolute() == lines_file.absolute():
            raise ValueError(f"vectors and texts must be two files, got {str(texts)!r} twice")
        for text in self.rows:
            if not text or text != text.strip() or "\n" in text or text[0] == "\ufeff" or _SURROGATE.search(text):
                raise ValueError(f"texts must be lines without blanks at their ends to be saved, got {brief(text)}")
        table = self.vectors if self.vectors.dtype in _SAVED else self.vectors.float()
        with replaced_atomically(rows_file) as rows, replaced_atomically(lines_file) as lines:
            np.save(rows, table.numpy(force=True), allow_pickle=False)
            lines.write("".join(f"{text}\n" for text in self.rows).encode())

    def forward(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the vectors of the texts."""
        check_texts(texts)
        for text in texts:
            if text not in self.rows:
                close = difflib.get_close_matches(text, self.rows)
                hint = f"; similar texts are {', '.join(map(brief, close))}" if close else ""
                raise ValueError(f"texts must be in the table of {len(self.rows)} texts, got {brief(text)}{hint}")
        return self.vectors[torch.tensor([self.rows[text] for text in texts], device=self.vectors.device)]

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"texts={len(self.rows)}, out_features={self.out_features}"


def _check_finite(texts: Sequence[str], vectors: torch.Tensor) -> None:
    if vectors.is_meta:
        return
    wide = vectors.float() if vectors.itemsize == 1 else vectors  # torch does not look into float8
    finite = wide.isfinite().all(dim=1)
    if not finite.all():
        row = int(finite.int().argmin())
        raise ValueError(f"vectors must be finite, got NaN or infinity in that of {brief(texts[row])}")
