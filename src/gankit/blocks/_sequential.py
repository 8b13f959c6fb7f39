"""Layers called one after the other: any layers, or a convolution with its norm, dropout and activation."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from functools import partial
from typing import cast, overload

import torch
from torch import nn

from gankit._core import Condition, Conditioned, build_layer, check_at_least, check_factory, check_out_of_place
from gankit.blocks._maps import check_maps


class ConditionedSequential(nn.Sequential, Conditioned):
    """Call layers one after the other and pass the condition to those that take it.

    This is ``nn.Sequential``, except that layers which derive from `Conditioned` are called with ``(x, condition)``. It
    derives from `Conditioned` itself, so it can contain others of its kind.

    Args:
        *layers: The layers, in order, or one ordered dictionary of them.

    Shape:
        - x: whatever the first layer takes.
        - condition: ``(n, condition_features)``, or None if no layer depends on it.

    Raises:
        ValueError: A layer needs the condition and gets None.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalBatchNorm2d, ConditionedSequential
        >>> row = ConditionedSequential(torch.nn.Conv2d(3, 5, 1), ConditionalBatchNorm2d(5, 7), torch.nn.ReLU())
        >>> row(torch.randn(2, 3, 4, 4), torch.randn(2, 7)).shape
        torch.Size([2, 5, 4, 4])
    """

    @overload
    def __init__(self, *layers: nn.Module) -> None: ...
    @overload
    def __init__(self, layers: OrderedDict[str, nn.Module], /) -> None: ...
    def __init__(self, *layers: nn.Module | OrderedDict[str, nn.Module]) -> None:
        super().__init__(*cast("tuple[nn.Module, ...]", layers))

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the result of the last layer."""
        for layer in self:
            x = call_layer(layer, x, condition)
        return x


def call_layer(layer: nn.Module, x: torch.Tensor, condition: Condition | None) -> torch.Tensor:
    """Call a layer, with the condition if the layer derives from `Conditioned`."""
    return layer(x, condition) if isinstance(layer, Conditioned) else layer(x)


class Step(Enum):
    """One step of a `ConvolutionBlock`; a sequence of steps is its order.

    Example:
        >>> from gankit.blocks import Step
        >>> order = (Step.ACTIVATION, Step.CONVOLUTION, Step.NORM, Step.DROPOUT)  # the decoder of pix2pix's U-Net
    """

    CONVOLUTION = auto()
    NORM = auto()
    DROPOUT = auto()
    ACTIVATION = auto()


_CONVOLUTION = partial(nn.Conv2d, kernel_size=3, padding=1)
_ORDER = (Step.CONVOLUTION, Step.NORM, Step.DROPOUT, Step.ACTIVATION)


class ConvolutionBlock(nn.Module, Conditioned):
    """A convolution with norm, dropout and activation in the order that you give.

    Common orders: convolution, norm, dropout, activation (the default); convolution, norm, activation, dropout
    (pix2pix's residual generator); activation, convolution, norm, dropout (the decoder of its U-Net). A step that the
    order leaves out has no layer.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        convolution: Builds the convolution from the two numbers of channels. Default:
            ``partial(nn.Conv2d, kernel_size=3, padding=1)``. To double the resolution:
            ``partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)``.
        norm: Builds a norm layer from the number of channels at its place in the order; ``nn.Identity`` for no norm. A
            norm that derives from `Conditioned` gets the condition.
        dropout: Builds a dropout layer, such as ``partial(nn.Dropout, 0.5)``, or `AlwaysOnDropout` for one that also
            works in evaluation mode; ``nn.Identity`` for no dropout.
        activation: Builds an activation; it must not work in place.
        order: The steps, each at most once; the convolution must be one of them.

    Shape:
        - x: ``(n, in_channels, height, width)``; never changed.
        - condition: ``(n, condition_features)``, needed if `norm` uses it and ignored otherwise.
        - result: ``(n, out_channels, ...)``, with the height and width of the convolution's result.

    Raises:
        ValueError: A number of channels is below 1; an argument that must build a layer does not; the dropout or the
            activation works in place; `order` has something that is not a `Step`, a step twice, or no convolution; `x`
            has another shape; the norm needs a condition and gets none.

    Example:
        >>> import torch
        >>> from gankit.blocks import AlwaysOnDropout, ConvolutionBlock
        >>> block = ConvolutionBlock(3, 5, norm=torch.nn.BatchNorm2d, dropout=AlwaysOnDropout)
        >>> block(torch.randn(2, 3, 4, 6)).shape
        torch.Size([2, 5, 4, 6])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR, arXiv:1611.07004),
        appendix 6.1; Chintala et al. 2016, "How to Train a GAN?" (https://github.com/soumith/ganhacks), tip 17 (dropout
        of 50 % in several layers of the generator).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        convolution: Callable[[int, int], nn.Module] = _CONVOLUTION,
        norm: Callable[[int], nn.Module] = nn.Identity,
        dropout: Callable[[], nn.Module] = nn.Identity,
        activation: Callable[[], nn.Module] = nn.ReLU,
        order: Sequence[Step] = _ORDER,
    ) -> None:
        super().__init__()
        check_at_least("in_channels", in_channels, 1)
        check_at_least("out_channels", out_channels, 1)
        factories = {"convolution": convolution, "norm": norm, "dropout": dropout, "activation": activation}
        for name, factory in factories.items():
            check_factory(name, factory)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.order = _checked_order(order)
        after = self.order.index(Step.CONVOLUTION)
        norm_channels = in_channels if Step.NORM in self.order[:after] else out_channels
        self.convolution = build_layer("convolution", convolution, in_channels, out_channels)
        self.norm = build_layer("norm", norm, norm_channels) if Step.NORM in self.order else nn.Identity()
        self.dropout = build_layer("dropout", dropout) if Step.DROPOUT in self.order else nn.Identity()
        self.activation = build_layer("activation", activation) if Step.ACTIVATION in self.order else nn.Identity()
        check_out_of_place("dropout", self.dropout)
        check_out_of_place("activation", self.activation)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return the result of the steps, called in their order."""
        check_maps("x", x, self.in_channels)
        for step in self.order:
            x = call_layer(self._layer(step), x, condition)
        return x

    def _layer(self, step: Step) -> nn.Module:
        match step:
            case Step.CONVOLUTION:
                return self.convolution
            case Step.NORM:
                return self.norm
            case Step.DROPOUT:
                return self.dropout
            case Step.ACTIVATION:
                return self.activation

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        steps = ", ".join(step.name.lower() for step in self.order)
        return f"{self.in_channels}, {self.out_channels}, order=({steps})"


def _checked_order(order: Sequence[Step]) -> tuple[Step, ...]:
    steps = tuple(order) if isinstance(order, Iterable) else ()
    if not isinstance(order, Iterable) or not all(isinstance(step, Step) for step in steps):
        raise ValueError(f"order must be a sequence of Steps, got {order!r}")
    if len(set(steps)) < len(steps):
        raise ValueError(f"order must contain each step at most once, got {order!r}")
    if Step.CONVOLUTION not in steps:
        raise ValueError(f"order must contain Step.CONVOLUTION, got {order!r}")
    return steps
