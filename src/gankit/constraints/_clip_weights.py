"""Weight clipping, the constraint of the first WGAN."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from gankit._core import check_positive

_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)  # _NormBase: batch and instance norms


def clip_weights_(network: nn.Module, bound: float, *, include_norms: bool = True) -> None:
    """Clamp every parameter of the network to ``-bound..bound``, in place.

    Parameters only, each once; buffers such as running statistics stay as they are. Call it after the optimizer's step, so
    that the bound holds whenever the critic is used: ``Update(..., constraint=partial(clip_weights_, critic, 0.01))``.

    To clip before the step, as the authors' program does, make it the first line of the terms instead (a second time does no
    harm, so gradient accumulation may run them in parts)::

        def critic_terms(real, latents):
            clip_weights_(critic, 0.01)
            ...

    Every gradient is then that of a clipped critic too. What differs is what is used between the updates: the generator's
    update, samples and checkpoints then meet a critic that one step has moved past the bound, by up to about the learning rate
    a weight under RMSprop or Adam.

    Args:
        network: The critic.
        bound: Largest absolute value of a weight, above 0; the paper's is 0.01.
        include_norms: Clip gains and shifts of torch's norm layers too, as the paper and its program do. A gain of at most
            0.01 shrinks the signal a hundredfold at each norm; with False they stay as they are, and the Lipschitz constant
            depends on them. A parameter that another layer shares is clipped all the same.

    Raises:
        ValueError: `bound` is not a finite number above 0, `network` is no module or has no parameters to clip, or a weight is
            NaN (checked on the CPU, before anything is changed).

    Example:
        >>> import torch
        >>> from gankit.constraints import clip_weights_
        >>> critic = torch.nn.Linear(3, 1)
        >>> clip_weights_(critic, 0.01)
        >>> bool(critic.weight.abs().max() <= 0.01)
        True

    Reference:
        Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", algorithm 1, line 7. The published program clips *before* each
        step, and all parameters, those of batch norms among them.
    """
    check_positive("bound", bound)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    named = _parameters(network, include_norms=include_norms)
    if not named:
        rest = "" if include_norms else ", or none outside of its norms"
        raise ValueError(f"network must have parameters, got a module without any{rest}")
    if not torch.compiler.is_compiling():
        _refuse_nan(named)
    parameters = [parameter.detach() for parameter in named.values()]
    # torch has no foreach clamp of both sides; two passes still beat a loop where there are many small tensors.
    torch._foreach_clamp_min_(parameters, -bound)
    torch._foreach_clamp_max_(parameters, bound)


def _parameters(network: nn.Module, *, include_norms: bool) -> dict[str, nn.Parameter]:
    outside = {
        id(parameter)
        for module in network.modules()
        if include_norms or not isinstance(module, _NORMS)
        for parameter in module.parameters(recurse=False)
    }
    return {name: parameter for name, parameter in network.named_parameters() if id(parameter) in outside}


def _refuse_nan(named: dict[str, nn.Parameter]) -> None:
    for name, parameter in named.items():
        # Reading values of a CUDA tensor would wait for the device.
        if parameter.device.type == "cpu" and bool(parameter.isnan().any()):
            raise ValueError(f"network must have finite weights, got NaN in {name!r}: clipping would hide it")
