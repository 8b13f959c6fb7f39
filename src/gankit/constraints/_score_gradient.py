"""The lowest primitive of every penalty: the gradient of scores by the samples scored."""

import torch

from gankit._core import Scores, autocast_is_on, check_floating, widen
from gankit.constraints._guards import call_guarded, check_scores_graph
from gankit.constraints._points import PointCritic, PointsT, check_points, map_points, named_parts, parts_of, with_parts


def score_gradient(scores: Scores, inputs: PointsT) -> PointsT:
    """Gradient of each sample's scores by that sample, differentiable again.

    Use it where the forward pass exists already: R1 then shares the critic's pass over the real batch.

    Args:
        scores: What the critic returned for `inputs`. Where a sample has several scores (patches), it is the gradient of
            their sum.
        inputs: What the critic was given: a tensor, or a mapping or tuple of them. Each required gradients before the
            critic saw it.

    Shape:
        The gradient has the form and shapes of `inputs`, in float32 or wider. It is per sample only where the critic
        treats samples apart: batch normalization couples them.

    Raises:
        ValueError: `inputs` do not require gradients, `scores` have no graph or are one number for several samples, the
            critic ignores its input or a part of it, or it cannot be differentiated twice: fused attention (run it under
            ``torch.nn.attention.sdpa_kernel(SDPBackend.MATH)``) or a critic that is compiled by itself. The latter is looked
            for once for each critic.

    Example:
        >>> import torch
        >>> from gankit.constraints import score_gradient
        >>> images = torch.ones(2, 3, requires_grad=True)
        >>> score_gradient((images ** 2).sum(1), images)
        tensor([[2., 2., 2.],
                [2., 2., 2.]], grad_fn=<MulBackward0>)
    """
    check_points("inputs", inputs)
    for name, part in named_parts("inputs", inputs).items():
        if not part.requires_grad:
            raise ValueError(
                f"{name} must require gradients before the critic sees them: call {name}.requires_grad_() first"
            )
    _check_scores(scores, parts_of(inputs)[0].shape[0])
    check_scores_graph(scores, parts_of(inputs))
    return _gradient(scores, inputs)


def gradient_at(critic: PointCritic[PointsT], points: PointsT) -> PointsT:
    """Gradient of the critic at `points`, which are cut from whatever made them; works under ``no_grad`` too."""
    check_points("points", points)
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled():
        raise ValueError("gradients cannot be taken inside torch.inference_mode(): use torch.no_grad(), or leave it")
    with torch.enable_grad():
        leaves = map_points(_leaf, points)
        scores = call_guarded(critic, leaves)
        _check_scores(scores, parts_of(leaves)[0].shape[0])
        return _gradient(scores, leaves)


def _gradient(scores: Scores, inputs: PointsT) -> PointsT:
    names = named_parts("inputs", inputs)
    gradients = torch.autograd.grad(
        outputs=scores,
        inputs=list(names.values()),
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        allow_unused=True,
    )
    wide = []
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is None:
            raise ValueError(f"scores must depend on {name}, got a critic that ignores its input")
        wide.append(widen(gradient))
    return with_parts(inputs, wide)


def _leaf(point: torch.Tensor) -> torch.Tensor:
    point = point.detach()
    if autocast_is_on(point.device.type):
        # The critic casts down by itself; the gradient then arrives in float32 at the point it was taken.
        point = widen(point)
    return point.requires_grad_()


def _check_scores(scores: Scores, samples: int) -> None:
    check_floating("scores", scores)
    if not scores.requires_grad:
        raise ValueError(
            "scores must have a graph, got scores that require no gradient: was the critic run without gradients, or does "
            "it ignore its input?"
        )
    if scores.ndim == 0 and samples > 1:
        raise ValueError(
            f"scores must be one or more for each sample, got a 0-d tensor for {samples} samples: a mean over the batch "
            "divides each sample's gradient"
        )
