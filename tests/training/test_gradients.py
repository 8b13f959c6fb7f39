from unittest import mock

import torch

from gankit.training import Eager


def test_one_backward_pass_of_the_sum() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    with mock.patch.object(torch.Tensor, "backward", autospec=True, side_effect=torch.Tensor.backward) as backward:
        named = Eager()(lambda x: {"a": weight * x, "b": weight**2}, (torch.tensor(5.0),), None)
    assert backward.call_count == 1
    assert weight.grad is not None
    assert weight.grad.item() == 5 + 2 * 3
    assert {name: term.item() for name, term in named.items()} == {"a": 15.0, "b": 9.0}


def test_eager_adds_to_the_gradient_that_is_there() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    weight.grad = torch.tensor(100.0)
    Eager()(lambda: {"a": weight * 7}, (), None)
    assert weight.grad.item() == 107.0


def test_eager_compares_and_prints() -> None:
    assert Eager() == Eager()
    assert repr(Eager()) == "Eager()"
