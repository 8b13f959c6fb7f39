"""Weight clipping, the constraint of the first WGAN."""

import torch
from torch import nn

from gankit._core import check_positive


def clip_weights_(network: nn.Module, bound: float) -> None:
    """Clamp every parameter of the network to ``-bound..bound``, in place.

    Parameters only, each once; buffers such as running statistics stay as they are. Call it after the optimizer's step, so
    that the bound holds whenever the critic is used.

    Args:
        network: The critic.
        bound: Largest absolute value of a weight, above 0; the paper's is 0.01.

    Raises:
        ValueError: `bound` is not a finite number above 0, `network` is no module or has no parameters, or a weight is NaN
            (checked on the CPU, before anything is changed).

    Example:
        >>> import torch
        >>> from gankit.constraints import clip_weights_
        >>> critic = torch.nn.Linear(3, 1)
        >>> clip_weights_(critic, 0.01)
        >>> bool(critic.weight.abs().max() <= 0.01)
        True

    Reference:
        Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", algorithm 1, line 7. The published program clips *before* each
        step, so that the weights that the generator sees may exceed the bound.
    """
    check_positive("bound", bound)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    parameters = [parameter.detach() for parameter in network.parameters()]
    if not parameters:
        raise ValueError("network must have parameters, got a module without any")
    if not torch.compiler.is_compiling():
        _refuse_nan(network)
    # torch has no foreach clamp of both sides; two passes still beat a loop where there are many small tensors.
    torch._foreach_clamp_min_(parameters, -bound)
    torch._foreach_clamp_max_(parameters, bound)


def _refuse_nan(network: nn.Module) -> None:
    for name, parameter in network.named_parameters():
        # Reading values of a CUDA tensor would wait for the device.
        if parameter.device.type == "cpu" and bool(parameter.isnan().any()):
            raise ValueError(f"network must have finite weights, got NaN in {name!r}: clipping would hide it")
