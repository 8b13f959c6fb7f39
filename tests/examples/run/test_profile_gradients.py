"""Gradients with a timed backward pass for each penalty: the numbers, the passes, and what becomes of the graph."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.run._profile import TimedGradients
from examples.anime_faces.run._stopwatch import Stopwatch

Costs = dict[str, torch.Tensor]
POINTS = torch.tensor([[0.5, -1.0], [2.0, 0.25], [-0.75, 3.0]], dtype=torch.float64)


def critic() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()


def slopes_of(network: nn.Module, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores, and the sizes of their slopes: both stand on one forward pass."""
    points = points.clone().requires_grad_()
    scores = network(points)
    (slopes,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    return scores, slopes.norm(dim=1)


def gradients_of(network: nn.Module) -> list[torch.Tensor | None]:
    return [None if one.grad is None else one.grad.clone() for one in network.parameters()]


def passes_of(
    network: nn.Module, terms: Callable[[torch.Tensor], Costs], scale: torch.Tensor | None = None
) -> list[str]:
    """Compare the gradients with those of one pass, and return the passes that were timed."""
    loss = gk.training.Loss(terms, list(network.parameters()), scale=lambda: scale)
    expected_values = gk.training.Eager()(loss, (POINTS,))
    expected = gradients_of(network)
    watch = Stopwatch("cpu")
    for _ in range(2):  # the second call does not add to what the first one left
        values = TimedGradients(watch)(loss, (POINTS,))
        torch.testing.assert_close(values, expected_values)
        assert not any(cost.requires_grad for cost in values.costs.values())
        torch.testing.assert_close(gradients_of(network), expected)
    return [path[0].removeprefix("backward pass of ") for path in watch.seconds if path[0].startswith("backward")]


def test_costs_that_share_a_forward_pass_with_penalties_have_passes_of_their_own() -> None:
    network = critic()

    def terms(points: torch.Tensor) -> Costs:
        scores, sizes = slopes_of(network, points)
        return {
            "long": sizes.square().mean(),
            "score": scores.mean(),
            "steep": (sizes - 1).square().mean(),
            "mixed": sizes.sum() * scores.mean(),
            "drift": scores.square().mean(),
        }

    assert passes_of(network, terms) == ["score, drift", "long", "steep", "mixed"]


def test_penalties_alone_and_costs_alone_have_no_other_pass() -> None:
    network = critic()
    assert passes_of(network, lambda points: {"penalty": slopes_of(network, points)[1].mean()}) == ["penalty"]
    assert passes_of(network, lambda points: {"score": network(points).mean()}) == ["score"]


def test_all_passes_have_the_scale_that_float16_needs() -> None:
    network = critic()

    def terms(points: torch.Tensor) -> Costs:
        scores, sizes = slopes_of(network, points)
        return {"score": scores.mean(), "penalty": sizes.square().mean(), "drift": scores.square().mean()}

    assert passes_of(network, terms, torch.tensor(8.0, dtype=torch.float64)) == ["score, drift", "penalty"]


def test_an_update_whose_losses_are_scaled_can_be_profiled() -> None:
    network = nn.Linear(2, 1)
    before = network.weight.detach().clone()
    update = gk.training.Update(
        torch.optim.SGD(network.parameters(), lr=0.5),
        lambda points: {"score": network(points).mean()},
        gradients=TimedGradients(Stopwatch("cpu")),
        stepper=gk.training.ScaledStepper("cpu"),
    )
    update(torch.tensor([[1.0, 2.0]]))
    torch.testing.assert_close(network.weight.detach(), before - torch.tensor([[0.5, 1.0]]))


@pytest.mark.filterwarnings("ignore:the costs .'constant'. have no gradient")
def test_a_cost_without_a_graph_has_no_pass() -> None:
    network = critic()
    assert passes_of(network, lambda points: {"constant": points.mean(), "score": network(points).mean()}) == ["score"]


def test_gradients_that_are_only_numbers_make_no_penalty() -> None:
    """A weight that balances two costs by their gradients, as adaptive weights do."""
    network = critic()
    unused = torch.zeros(1, dtype=torch.float64, requires_grad=True)

    def terms(points: torch.Tensor) -> Costs:
        scores = network(points)
        wanted = [*network.parameters(), unused]
        found = torch.autograd.grad(scores.mean(), wanted, retain_graph=True, allow_unused=True)
        assert found[-1] is None
        sizes = [one.norm() for one in found if one is not None]
        return {"score": scores.mean() / sum(sizes), "other": scores.square().mean()}

    assert passes_of(network, terms) == ["score, other"]


def test_the_graph_is_kept_from_pass_to_pass_and_freed_by_the_last() -> None:
    network = critic()
    found: Costs = {}

    def terms(points: torch.Tensor) -> Costs:
        scores, sizes = slopes_of(network, points)
        found.update(score=scores.square().mean(), penalty=sizes.square().mean())
        return found

    TimedGradients(Stopwatch("cpu"))(gk.training.Loss(terms, list(network.parameters())), (POINTS,))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        found["penalty"].backward()


def test_a_graph_whose_paths_fork_many_times_is_walked_once() -> None:
    """Each doubling doubles the paths to the leaves: to follow all of them would take years."""
    network = critic()

    def terms(points: torch.Tensor) -> Costs:
        scores, sizes = slopes_of(network, points)
        for _ in range(70):
            scores = (scores + scores.square()) / 4
        return {"score": scores.mean(), "penalty": sizes.mean()}

    assert passes_of(network, terms) == ["score", "penalty"]


def test_torch_has_its_own_function_again_after_terms_that_fail() -> None:
    plain = torch.autograd.grad

    def terms(points: torch.Tensor) -> Costs:
        raise ValueError(f"no scores of {len(points)} points")

    with pytest.raises(ValueError, match="no scores of 3 points"):
        TimedGradients(Stopwatch("cpu"))(gk.training.Loss(terms, []), (POINTS,))
    assert torch.autograd.grad is plain
