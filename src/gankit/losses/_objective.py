"""The contract of an objective: three prices of a score."""

from typing import Protocol, runtime_checkable

from gankit._core import Scores, widen  # noqa: F401  every loss takes `widen` from here


@runtime_checkable
class Objective(Protocol):
    """What one score costs: to the critic on a real sample, to the critic on a generated one, to the generator.

    Each method is elementwise on one tensor of any shape and returns prices of that shape in float32 or wider. Anything
    that has these three methods is an objective; nothing has to be subclassed.

    Example:
        >>> import torch
        >>> from gankit.losses import Objective, critic_loss
        >>> class Absolute:
        ...     def real(self, scores):
        ...         return (scores - 1).abs()
        ...     def fake(self, scores):
        ...         return scores.abs()
        ...     def generator(self, scores):
        ...         return (scores - 1).abs()
        >>> isinstance(Absolute(), Objective)
        True
        >>> critic_loss(Absolute(), torch.ones(2), torch.zeros(2))
        tensor(0.)
    """

    def real(self, scores: Scores) -> Scores:
        """Cost to the critic of these scores on real samples."""
        ...

    def fake(self, scores: Scores) -> Scores:
        """Cost to the critic of these scores on generated samples."""
        ...

    def generator(self, scores: Scores) -> Scores:
        """Cost to the generator of these scores on its own samples."""
        ...
