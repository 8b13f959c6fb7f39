"""The lowest primitive of every penalty: the gradient of scores by the samples scored."""

import torch

from gankit._core import Critic, Scores, check_batch, check_floating


def score_gradient(scores: Scores, inputs: torch.Tensor) -> torch.Tensor:
    """Gradient of each sample's scores by that sample, differentiable again.

    Use it where the forward pass exists already: R1 then shares the critic's pass over the real batch.

    Args:
        scores: What the critic returned for `inputs`. Where a sample has several scores (patches), it is the gradient of
            their sum.
        inputs: What the critic was given; it required gradients before the critic saw it.

    Shape:
        The gradient has the shape of `inputs`, in float32 or wider. It is per sample only where the critic treats samples
        apart: batch normalization couples them.

    Raises:
        ValueError: `inputs` does not require gradients, `scores` have no graph, or the critic ignores its input.

    Example:
        >>> import torch
        >>> from gankit.constraints import score_gradient
        >>> images = torch.ones(2, 3, requires_grad=True)
        >>> score_gradient((images ** 2).sum(1), images)
        tensor([[2., 2., 2.],
                [2., 2., 2.]], grad_fn=<MulBackward0>)
    """
    check_floating("scores", scores)
    check_floating("inputs", inputs)
    if not inputs.requires_grad:
        raise ValueError(
            "inputs must require gradients before the critic sees them: call inputs.requires_grad_() first"
        )
    if not scores.requires_grad:
        raise ValueError(
            "scores must have a graph, got scores that require no gradient: was the critic run without gradients, or does "
            "it ignore its input?"
        )
    (gradient,) = torch.autograd.grad(
        outputs=scores,
        inputs=inputs,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        allow_unused=True,
    )
    if gradient is None:
        raise ValueError("scores must depend on inputs, got a critic that ignores its input")
    return gradient.to(torch.promote_types(gradient.dtype, torch.float32))


def gradient_at(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    """Gradient of the critic at `points`, which are cut from whatever made them; works under ``no_grad`` too."""
    check_floating("points", points)
    check_batch("points", points)
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled():
        raise ValueError("gradients cannot be taken inside torch.inference_mode(): use torch.no_grad(), or leave it")
    points = points.detach()
    if torch.is_autocast_enabled(points.device.type):
        # The critic casts down by itself; the gradient then arrives in float32 at the point it was taken.
        points = points.to(torch.promote_types(points.dtype, torch.float32))
    with torch.enable_grad():
        points = points.requires_grad_()
        return score_gradient(critic(points), points)
