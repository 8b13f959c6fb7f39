"""The marker by which a block knows which of its layers take the condition."""


class Conditioned:
    """Empty marker: a layer that derives from it is called with ``(x, condition)``, every other layer with ``(x)``.

    Example:
        >>> import torch
        >>> from gankit.blocks import Conditioned
        >>> class Shift(torch.nn.Module, Conditioned):
        ...     def forward(self, x, condition):
        ...         return x + condition.mean()
    """
