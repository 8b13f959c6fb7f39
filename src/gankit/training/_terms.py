"""The named terms of a loss, and the check that they are what an update can sum."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch

from gankit._core import Scalar

Terms: TypeAlias = Callable[..., Mapping[str, Scalar]]
"""The update's inputs in, the named 0-d terms of the loss out: ``{"loss": ..., "penalty": ...}``."""


def check_terms(terms: object) -> dict[str, Scalar]:
    """Return the terms as a plain dict; refuse what is not a mapping of names to 0-d floating-point tensors."""
    if not isinstance(terms, Mapping):
        raise ValueError(f"terms must return a mapping of names to 0-d tensors, got {type(terms).__name__}")
    if not terms:
        raise ValueError("terms must return at least one named term, got an empty mapping")
    for name, term in terms.items():
        if not isinstance(name, str):
            raise ValueError(f"terms must be named by strings, got {name!r}")
        if not isinstance(term, torch.Tensor):
            raise ValueError(f"term {name!r} must be a 0-d tensor, got {type(term).__name__}")
        if term.ndim != 0:
            raise ValueError(f"term {name!r} must be a 0-d tensor, got shape {tuple(term.shape)}")
        if not term.is_floating_point():
            raise ValueError(f"term {name!r} must be a floating-point tensor, got dtype {term.dtype}")
    return dict(terms)


def total(terms: Mapping[str, Scalar]) -> Scalar:
    """Return the sum of the terms."""
    first, *others = terms.values()
    for other in others:
        first = first + other
    return first


def detached(terms: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the terms cut from their graphs, so that logging one keeps no graph alive."""
    return {name: term.detach() for name, term in terms.items()}
