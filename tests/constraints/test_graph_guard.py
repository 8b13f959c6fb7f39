"""What the guards read in a graph, and that they read it once."""

import pytest
import torch
from torch import nn

from gankit.constraints import _guards, gradient_norm, score_gradient
from gankit.constraints._graph_guard import _nodes, nearest_parameter, node_names


def test_what_has_no_graph_has_no_nodes() -> None:
    assert node_names(3.0, []) == set()
    assert node_names(torch.ones(2), []) == set()


def test_nodes_end_at_the_inputs_and_at_constants() -> None:
    made = (torch.ones(2, requires_grad=True) * 3).exp()
    assert node_names((made + torch.ones(2)).sin(), [made]) == {"SinBackward0", "AddBackward0"}


def test_a_node_that_is_reached_on_two_ways_is_looked_at_once() -> None:
    inputs = torch.ones(2, requires_grad=True)
    doubled = inputs
    for _ in range(12):
        doubled = doubled + doubled
    assert len(list(_nodes(doubled.grad_fn, [inputs]))) == 13  # the last gathers the gradient of the inputs


def test_no_part_of_the_inputs_is_taken_for_a_parameter() -> None:
    first, second, weight = (torch.ones(2, requires_grad=True) for _ in range(3))
    assert nearest_parameter((first * second).grad_fn, [first, second]) is None
    assert nearest_parameter((first * second * weight).grad_fn, [first, second]) is weight


def test_scores_may_be_the_inputs_themselves() -> None:
    images = torch.zeros(3, requires_grad=True)
    assert score_gradient(images, images).tolist() == [1.0, 1.0, 1.0]


def test_the_memory_of_graphs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guards, "_MOST_REMEMBERED", 2)
    critics, images = [nn.Linear(2, 1) for _ in range(7)], torch.zeros(3, 2, requires_grad=True)
    for critic in critics:
        score_gradient(critic(images), images)
        assert len(_guards._seen_graphs) <= 2


def test_only_attention_pays_for_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[object] = []
    plain = _guards.sdpa_kernel
    monkeypatch.setattr(_guards, "sdpa_kernel", lambda backend: entered.append(backend) or plain(backend))
    critic = nn.Linear(2, 1)
    for _ in range(3):
        gradient_norm(critic, torch.zeros(3, 2))
    assert len(entered) == 1  # the audit's


def test_a_gradient_of_scores_compiles_without_the_guard() -> None:
    torch.compiler.reset()
    critic = nn.Linear(2, 1).double()

    def step(x: torch.Tensor) -> torch.Tensor:
        images = x.detach().requires_grad_()
        return score_gradient(critic(images).tanh(), images).detach()

    with torch._dynamo.config.patch(trace_autograd_ops=True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(torch.ones(3, 2).double()), step(torch.ones(3, 2).double()))
