"""Bounds on weights, in place: clipping, the constraint of the first WGAN, and spectral normalization."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrizations

from gankit._core import check_at_least, check_positive, values_are_readable

_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)  # _NormBase: batch and instance norms
_LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def clip_weights_(network: nn.Module, bound: float, *, include_norms: bool = True) -> None:
    r"""Weight clipping, the constraint of the first WGAN: clamp every parameter of the network to ``-bound..bound``, in place.

    .. math:: w \leftarrow \max(-c, \min(c, w)), \qquad c = \text{bound}

    Each parameter is clamped once; buffers such as running statistics are not changed. Call it after the optimizer's step, so
    that the bound holds whenever the critic is used: ``Update(..., constraint=partial(clip_weights_, critic, 0.01))``.

    To clip before the step, as the authors' program does, make it the first line of the terms instead. Clipping twice gives
    the same weights, so it also works with gradient accumulation::

        def critic_terms(real, latents):
            clip_weights_(critic, 0.01)
            ...

    Every gradient is then that of a clipped critic too. But between the updates the critic's weights are beyond the bound, by
    one step: about one learning rate under Adam, and ten on the first step of torch's RMSprop
    (``learning_rate / sqrt(1 - alpha)``, with its default `alpha` of 0.99). The generator's update, samples and checkpoints
    use these weights.

    Args:
        network: The critic.
        bound: Largest absolute value of a weight, above 0; the paper's is 0.01.
        include_norms: Clip gains and shifts of torch's norm layers too, as the paper and its program do. A gain of at most
            0.01 makes the signal a hundred times smaller at each norm; with False they are not clipped, and the Lipschitz
            constant depends on them. A parameter that a norm shares with another layer is clipped in any case.

    Raises:
        ValueError: `bound` is not a finite number above 0, `network` is not a module or has no parameters to clip, or a weight
            is NaN (checked on the CPU only, before anything is changed).

    Example:
        >>> import torch
        >>> from gankit.constraints import clip_weights_
        >>> critic = torch.nn.Linear(3, 1)
        >>> clip_weights_(critic, 0.01)
        >>> bool(critic.weight.abs().max() <= 0.01)
        True

    Reference:
        Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN" (arXiv:1701.07875), algorithm 1, line 7. The published
        program clips *before* each step, and all parameters, including those of batch norms.
    """
    check_positive("bound", bound)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    named = _parameters(network, include_norms=include_norms)
    if not named:
        rest = "" if include_norms else ", or none outside of its norms"
        raise ValueError(f"network must have parameters, got a module without any{rest}")
    for name, parameter in named.items():
        if values_are_readable(parameter) and bool(parameter.isnan().any()):
            raise ValueError(f"network must have finite weights, got NaN in {name!r}: clipping would hide it")
    parameters = [parameter.detach() for parameter in named.values()]
    # torch has no foreach clamp of both sides; two passes are still faster than a loop over many small tensors.
    torch._foreach_clamp_min_(parameters, -bound)
    torch._foreach_clamp_max_(parameters, bound)


def spectral_norm_(network: nn.Module, *, power_iterations: int = 1) -> None:
    r"""Spectral normalization: divide the weight of each linear and convolutional layer by its largest singular value.

    .. math:: \hat W = W / \sigma(W), \qquad \sigma(W) = \max_{v \ne 0} \lVert W v \rVert_2 / \lVert v \rVert_2

    This is done at every use from now on, by torch's own ``parametrizations.spectral_norm``, once for each layer; layers that
    have it already are not changed. Parameters stay the same objects, so an optimizer of the network remains valid. Each
    layer is then 1-Lipschitz as a matrix; for a convolution it is the matrix of the flattened kernel, which differs a little
    from that of the convolution.

    Under a penalty:

    - Power iteration tracks the singular value: **every forward pass in training mode** updates it. The passes of one step
      (real, fake, penalty) therefore divide by slightly different numbers, and the same call twice gives two values. In eval
      mode it is constant.
    - Check gradients numerically in eval mode only: in training mode each evaluation is another function.
    - Second derivatives are right, also through the singular value.
    - The power iteration is not in the graph, and its vectors are buffers: average, save and broadcast them.
    - A critic whose layers all have it must not be compiled alone under a penalty (torch silently drops the penalty; gankit
      raises): compile the whole step, with ``torch._dynamo.config.trace_autograd_ops`` on.

    Args:
        network: The network; its linear layers and convolutions, transposed ones too, are parametrized. Embeddings are not.
        power_iterations: Iterations per forward pass, 1 or more.

    Raises:
        ValueError: `network` is not a module or has no such layer, `power_iterations` is not a whole number above 0, or a
            weight is all zero (its norm is 0; checked on the CPU only), has no shape yet, or has the old
            ``torch.nn.utils.spectral_norm``. Nothing is changed then.

    Example:
        >>> import torch
        >>> from gankit.constraints import spectral_norm_
        >>> critic = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> spectral_norm_(critic)
        >>> torch.linalg.matrix_norm(critic[2].weight, ord=2).allclose(torch.tensor(1.0))
        True

    The first vectors are drawn from the default generator of the weight's device.

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks" (arXiv:1802.05957),
        algorithm 1. Their program also normalizes embeddings. torch's old form (``torch.nn.utils.spectral_norm``, in
        StudioGAN and others) is half a power iteration behind: from the same vectors its number differed by 16 % on the
        first training pass and by 0.05 % on the fifth. It also starts from random vectors, where this one has done 15
        iterations, and its layers cannot be copied by ``copy.deepcopy`` once they have run. Both converge to the same
        number.
    """
    check_at_least("power_iterations", power_iterations, 1)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}")
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, _LAYERS)}
    if not layers:
        raise ValueError("network must have linear layers or convolutions, got a module without any")
    waiting = {name: layer for name, layer in layers.items() if not _has_it(layer)}
    for name, layer in waiting.items():
        _check_weight(f"{name}.weight" if name else "weight", layer)
    for layer in waiting.values():
        parametrizations.spectral_norm(layer, n_power_iterations=power_iterations)


def _parameters(network: nn.Module, *, include_norms: bool) -> dict[str, nn.Parameter]:
    outside = {
        id(parameter)
        for module in network.modules()
        if include_norms or not isinstance(module, _NORMS)
        for parameter in module.parameters(recurse=False)
    }
    return {name: parameter for name, parameter in network.named_parameters() if id(parameter) in outside}


def _has_it(layer: nn.Module) -> bool:
    # The class of torch's parametrization is private, so it is recognized by its name.
    registered = getattr(layer, "parametrizations", {})
    return "weight" in registered and any(type(part).__name__ == "_SpectralNorm" for part in registered["weight"])


def _check_weight(name: str, layer: nn.Module) -> None:
    if hasattr(layer, "weight_orig"):
        raise ValueError(
            f"network must not have torch.nn.utils.spectral_norm already, got it in {name!r}: remove it with "
            "torch.nn.utils.remove_spectral_norm first"
        )
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    if isinstance(weight, nn.UninitializedParameter):
        raise ValueError(f"network must know its shapes, got {name!r} without one: run a batch through it first")
    if values_are_readable(weight) and not bool(weight.any()):
        raise ValueError(f"network must have weights that are not all zero, got {name!r}: it is divided by its norm, 0")
