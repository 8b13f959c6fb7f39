"""Torch's default dtype and default device belong to the process: what takes tensors must not depend on them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.testing import assert_close


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make this the default dtype of the process for a while."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def assert_defaults_do_not_matter(function: Callable[..., Any], *inputs: torch.Tensor) -> None:
    """Call the function on float32 and whole-number inputs under other defaults; the results must be equal to the last bit."""
    torch.manual_seed(1)
    expected = function(*inputs)
    with default_dtype(torch.float64):
        torch.manual_seed(1)
        wider = function(*inputs)
    torch.manual_seed(1)
    with torch.device("meta"):
        elsewhere = function(*inputs)
    for result in (wider, elsewhere):
        assert_close(result, expected, rtol=0, atol=0, equal_nan=True)
