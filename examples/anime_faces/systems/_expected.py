"""Warnings of gankit that a recipe expects."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch


def warning_expected(message: str) -> AbstractContextManager[None]:
    """Return a context that does not show a warning of gankit, for terms whose options say what it says.

    A filter of warnings cannot be compiled. Where terms are compiled, the context does nothing: gankit warns of what it sees
    when they run eagerly.

    Args:
        message: A pattern at the start of the warning's text.
    """
    return nullcontext() if torch.compiler.is_compiling() else _unshown(message)


@contextmanager
def _unshown(message: str) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message)
        yield
