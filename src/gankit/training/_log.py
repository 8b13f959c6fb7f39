"""Values of many steps, kept on the device until they are read."""

from collections.abc import Mapping

import torch

from gankit._core import Scalar, check_at_least


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
        ValueError: `length` is not a whole number above 0; or, at a write, a value is not a 0-d tensor.

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
        for name, value in values.items():
            if not isinstance(value, torch.Tensor) or value.ndim:
                found = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
                raise ValueError(f"values[{name!r}] must be a 0-d tensor, got {found}")
        tensors = [value.detach() for value in values.values()]
        buffer = self._room_for(tensors)
        if len(self._rows) == self._length:
            del self._rows[0]
            self._first = (self._first + 1) % self._length
            self.lost += 1
        position = (self._first + len(self._rows)) % self._length
        self._rows.append(tuple(values))
        if buffer is not None and tensors:
            row = torch.stack([value.to(buffer.device, buffer.dtype, non_blocking=True) for value in tensors])
            buffer[position, : len(tensors)] = row

    def read(self) -> list[dict[str, float]]:
        """Return all rows since the last reading, oldest first. Waits for the device.

        Raises:
            ValueError: The values have no numbers, since they are on the ``meta`` device.
        """
        rows, self._rows = self._rows, []
        if not rows or self._buffer is None:
            return [{} for _ in rows]
        if self._buffer.is_meta:
            raise ValueError(f"values must be numbers to be read, got {len(rows)} rows on the meta device")
        numbers = self._buffer.roll(-self._first, 0)[: len(rows)].tolist()
        self._first = (self._first + len(rows)) % self._length
        return [dict(zip(names, row, strict=False)) for names, row in zip(rows, numbers, strict=True)]

    def _room_for(self, tensors: list[torch.Tensor]) -> torch.Tensor | None:
        """Return the buffer, made or enlarged for a row of these tensors."""
        if not tensors:
            return self._buffer
        old = self._buffer
        dtype = torch.float64 if any(value.dtype == torch.float64 for value in tensors) else torch.float32
        if old is not None and old.shape[1] >= len(tensors) and old.dtype in (dtype, torch.float64):
            return old
        columns = len(tensors) if old is None else max(len(tensors), old.shape[1])
        dtype = dtype if old is None else torch.promote_types(dtype, old.dtype)
        device = tensors[0].device if old is None else old.device
        self._buffer = torch.zeros(self._length, columns, dtype=dtype, device=device)
        if old is not None:
            self._buffer[:, : old.shape[1]] = old
        return self._buffer
