"""The two networks of the default recipe: small, and fast on a CPU in bfloat16."""

import math
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.default.options import GROUP, Options
from examples.anime_faces.systems import Blueprint, Description, base_and_doublings

LATENTS = 64
MAPPED = 128  # features of the vector that latents and labels are mapped to
FEATURES = 256  # at the end of the critic
SLOPE = 0.2
LABEL_SHARE = 0.5  # the factor of an embedded label beside the latents
# Channels in multiples of the width, from the picture inward; further stages repeat the last.
GENERATOR_MULTIPLES = (3, 6, 8, 12)
CRITIC_MULTIPLES = (2, 4, 8, 12)


def _channels(multiples: tuple[int, ...], width: int, stages: int) -> list[int]:
    return [width * multiples[min(stage, len(multiples) - 1)] for stage in range(stages)]


def _started(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Initialize a layer by He's rule for leaky ReLU, biases with 0."""
    nn.init.kaiming_normal_(layer.weight, SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _norm(channels: int) -> gk.blocks.ConditionalBatchNorm2d:
    norm = gk.blocks.ConditionalBatchNorm2d(channels, MAPPED)
    nn.init.normal_(norm.gain.weight, std=0.02)
    nn.init.normal_(norm.shift.weight, std=0.02)
    return norm


class DefaultGenerator(nn.Module):
    """Draw the layout from latents only; latents and labels together set gain and shift of every norm.

    Each stage repeats every pixel and convolves, in one layer. The last doubling has few channels, since convolutions at full
    size are slow, and is followed by two convolutions: faster ways to double, such as shuffled pixels, leave a checkerboard.

    Args:
        size: Height and width of the picture.
        classes: Number of classes of each attribute; empty without labels.
        width: Channels at full size; inner stages have multiples of it.

    Shape:
        Latents ``(n, 64)`` and labels ``(n, attributes)`` to ``(n, 3, size, size)`` in -1..1.
    """

    def __init__(self, *, size: int, classes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.base, doublings = base_and_doublings(size)
        channels = _channels(GENERATOR_MULTIPLES, width, doublings)[::-1]
        self.one_hot = gk.embedders.OneHotEmbedder(classes) if classes else None
        labels = MAPPED if classes else 0
        self.embed = nn.Linear(sum(classes), MAPPED, bias=False) if classes else None
        self.map = nn.Sequential(
            _started(nn.Linear(LATENTS + labels, MAPPED)),
            nn.LeakyReLU(SLOPE),
            _started(nn.Linear(MAPPED, MAPPED)),
            nn.LeakyReLU(SLOPE),
        )
        self.layout = nn.Linear(LATENTS, channels[0] * self.base**2)
        stages: list[nn.Module] = [_norm(channels[0]), nn.LeakyReLU(SLOPE)]
        for before, after in pairwise(channels):
            # The empty layer keeps the numbers of the others, under which weights are saved.
            convolution = _started(gk.blocks.UpsampledConv2d(before, after))
            stages += [nn.Identity(), convolution, _norm(after), nn.LeakyReLU(SLOPE)]
        self.stages = gk.blocks.ConditionedSequential(*stages)
        last = nn.Conv2d(width, 3, 3, padding=1)
        self.picture = nn.Sequential(
            _started(nn.Conv2d(channels[-1], width, 1)),
            nn.Identity(),
            _started(gk.blocks.UpsampledConv2d(width, width)),
            nn.LeakyReLU(SLOPE),
            last,
        )
        if self.embed is not None:
            nn.init.normal_(self.embed.weight)
        nn.init.normal_(self.layout.weight, std=LATENTS**-0.5)
        nn.init.normal_(last.weight, std=0.5 / math.sqrt(9 * width))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Return one picture per row of latents."""
        with _without_autocast(latents):
            mapped = self.map(self._joined(latents, labels))
        maps = (
            self.layout(latents).unflatten(1, (-1, self.base, self.base)).contiguous(memory_format=torch.channels_last)
        )
        return torch.tanh(_widened(self.picture(self.stages(maps, mapped))))

    def _joined(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        if self.one_hot is None or self.embed is None:
            return latents
        if labels is None:
            raise ValueError("labels must be given: this generator was built for labeled pictures")
        return torch.cat([latents, LABEL_SHARE * self.embed(self.one_hot(labels))], dim=1)


def _without_autocast(like: torch.Tensor) -> AbstractContextManager[object]:
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def _widened(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


class _Down(nn.Module):
    """Halve the height and width: a strided convolution, plus a pooled projection."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = _started(nn.Conv2d(before, after, 4, stride=2, padding=1))
        self.pool = gk.blocks.MeanDownsample()
        self.shortcut = _started(nn.Conv2d(before, after, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of both branches, scaled so that the variance stays the same."""
        residual = functional.leaky_relu(self.convolution(x), SLOPE)
        return (residual + self.shortcut(self.pool(x))) * 0.5**0.5


class DefaultCritic(nn.Module):
    """Score a picture by itself, by its group and by its condition, and predict its classes.

    Args:
        size: Height and width of the picture.
        classes: Number of classes of each attribute; empty without labels.
        width: Half the channels of the first layer; inner stages have multiples of it.
        group: Pictures of one condition in a batch, of which the critic sees how much they differ.

    Shape:
        Pictures ``(n, 3, size, size)`` and labels ``(n, attributes)`` to scores ``(n,)`` and logits of each attribute.
    """

    def __init__(self, *, size: int, classes: tuple[int, ...], width: int, group: int) -> None:
        super().__init__()
        base, doublings = base_and_doublings(size)
        channels = _channels(CRITIC_MULTIPLES, width, doublings)
        last = channels[-1]
        self.body = nn.Sequential(
            _started(nn.Conv2d(3, channels[0], 4, stride=2, padding=1)),
            nn.LeakyReLU(SLOPE),
            *(_Down(before, after) for before, after in pairwise(channels)),
            # R1 differentiates the root of the variance twice, so something larger than usual is added inside.
            gk.blocks.MinibatchStandardDeviation(group, epsilon=1e-4),
            _started(nn.Conv2d(last + 1, last, 3, padding=1)),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            _started(nn.Linear(last * base**2, FEATURES)),
            nn.LeakyReLU(SLOPE),
        )
        self.one_hot = gk.embedders.OneHotEmbedder(classes) if classes else None
        self.score = gk.blocks.ProjectionHead(FEATURES, sum(classes)) if classes else nn.Linear(FEATURES, 1)
        self.classes = gk.blocks.ClassHead(FEATURES, classes) if classes else None
        for head in (self.score, self.classes):
            for name, parameter in head.named_parameters() if head is not None else ():
                if name.endswith("bias"):
                    nn.init.zeros_(parameter)
                else:
                    nn.init.normal_(parameter, std=0.3 / math.sqrt(FEATURES))

    def forward(self, images: torch.Tensor, labels: torch.Tensor | None = None) -> gk.networks.CriticOutput:
        """Return scores first, then the class logits."""
        features = _widened(self.body(images))
        with _without_autocast(images):
            if self.one_hot is None or self.classes is None:
                return gk.networks.CriticOutput(self.score(features).squeeze(1), ())
            # Scaled: otherwise the projection would change the score sixteen times as fast as the rest.
            condition = self.one_hot(labels) / math.sqrt(FEATURES)
            return gk.networks.CriticOutput(self.score(features, condition), self.classes(features))


def networks(description: Description, options: Options) -> Blueprint:
    """Return the networks, for any attributes and for none."""
    classes = description.condition.classes if description.attributes else ()
    size, width = description.size, options.width
    return Blueprint(
        makers={
            "generator": lambda: DefaultGenerator(size=size, classes=classes, width=width),
            "critic": lambda: DefaultCritic(size=size, classes=classes, width=width, group=GROUP),
        },
        latents=partial(gk.latents.normal_latents, features=LATENTS),
    )
