"""Values of many steps, kept on the device until they are read."""

from collections.abc import Mapping

import torch

from gankit._core import Scalar, check_at_least
from gankit.training._finite import moved
from gankit.training._loss import check_named


class LogRing:
    """A buffer on the device for the values that updates return, read by the host once in a while.

    Writing copies the values, so no graph and no live tensor is kept, and a replayed step may overwrite its own results.
    Nothing waits for the device until `read`, which moves all rows since the last reading in one transfer. Rows may have
    different names. Values are kept in float32, or in float64 from the first float64 value on.

    Args:
        length: Number of rows, 1 or more. A row that is written over before it was read is lost and counted in `lost`.

    Attributes:
        lost: Number of rows that were lost so far.

    Raises:
        ValueError: `length` is not a whole number above 0; or, at a write, a value is not a 0-d floating-point tensor.

    Example:
        >>> import torch
        >>> from gankit.training import LogRing
        >>> ring = LogRing(100)
        >>> for step in range(3):
        ...     ring.write({"critic/loss": torch.tensor(float(step))})
        >>> ring.read(), ring.read()
        ([{'critic/loss': 0.0}, {'critic/loss': 1.0}, {'critic/loss': 2.0}], [])
    """

    def __init__(self, length: int) -> None:
        check_at_least("length", length, 1)
        self.lost = 0
        self._length = length
        self._rows: list[tuple[str, ...]] = []
        self._first = 0
        self._buffer: torch.Tensor | None = None

    def write(self, values: Mapping[str, Scalar]) -> None:
        """Copy named 0-d tensors into the next row."""
        check_named("values", values)
        row = self._row(list(values.values())) if values else None
        if len(self._rows) == self._length:
            del self._rows[0]
            self._first += 1
            self.lost += 1
        position = (self._first + len(self._rows)) % self._length
        self._rows.append(tuple(values))
        if row is not None and self._buffer is not None:
            self._buffer[position, : len(row)] = row

    def read(self) -> list[dict[str, float]]:
        """Return all rows since the last reading, oldest first. Waits for the device.

        Raises:
            ValueError: The values have no numbers, since they are on the ``meta`` device.
        """
        rows, first = self._rows, self._first
        self._rows, self._first = [], 0
        if self._buffer is None:
            return [{} for _ in rows]
        if self._buffer.is_meta:
            raise ValueError(f"values must be numbers to be read, got {len(rows)} rows on the meta device")
        numbers = self._buffer.roll(-first, 0)[: len(rows)].tolist()
        return [dict(zip(names, row, strict=False)) for names, row in zip(rows, numbers, strict=True)]

    @torch.inference_mode(False)
    def _row(self, values: list[Scalar]) -> torch.Tensor:
        """Return the values as one tensor, after making room for them in the buffer."""
        columns, dtype = len(values), torch.float32
        if any(value.dtype == torch.float64 for value in values):
            dtype = torch.float64
        old = self._buffer
        if old is None:
            self._buffer = torch.empty(self._length, columns, dtype=dtype, device=values[0].device)
        elif columns > old.shape[1] or dtype.itemsize > old.dtype.itemsize:
            shape = self._length, max(columns, old.shape[1])
            self._buffer = old.new_empty(shape, dtype=torch.promote_types(dtype, old.dtype))
            self._buffer[:, : old.shape[1]] = old
        assert self._buffer is not None
        buffer = self._buffer
        return torch.stack([moved(value.detach(), buffer.device).to(buffer.dtype) for value in values])
