"""A recorded step alone; how it is chosen and guarded is tested with `Graphed`."""

import pytest
import torch
from support.tape import TapeRecorder
from torch import nn

from gankit.training import Loss
from gankit.training._recorded import Recorded, _difference


def _norm() -> nn.BatchNorm1d:
    return nn.BatchNorm1d(3, momentum=0.5).double()


def _x(seed: int) -> torch.Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _recorded(net: nn.Module, state: list[torch.Tensor], factor: torch.Tensor | None = None) -> Recorded:
    loss = Loss(
        lambda x: ({"loss": net(x).square().mean()}, {"x": x.mean(), "small": x.mean().float()}),
        list(net.parameters()),
        scale=lambda: factor,
    )
    return Recorded(TapeRecorder(), loss, (_x(0),), state)


@pytest.mark.parametrize("compare", [False, True])
def test_a_replay_gives_values_gradients_and_buffers_of_the_inputs(compare: bool) -> None:
    net, other = _norm(), _norm()
    recorded = _recorded(net, list(net.buffers()))
    assert torch.equal(net.running_mean, torch.zeros(3))  # recording runs nothing  # pyright: ignore[reportArgumentType]
    for seed in (1, 2):
        values = recorded((_x(seed),), compare=compare)
        expected = other(_x(seed)).square().mean()
        expected.backward()
        assert values.costs["loss"].item() == pytest.approx(expected.item(), rel=1e-12)
        assert list(values.readings) == ["x", "small"]
        assert values.readings["small"].dtype == torch.float32
        for one, parameter in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one.grad, parameter.grad, rtol=1e-12, atol=1e-14)
            parameter.grad = None
        torch.testing.assert_close(dict(net.named_buffers()), dict(other.named_buffers()), rtol=1e-12, atol=0.0)


def test_a_state_that_is_not_named_is_a_difference() -> None:
    net, mean = _norm(), torch.zeros(3, dtype=torch.float64)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        mean.lerp_(x.mean(0), 0.5)
        return {"loss": (net(x) * mean).square().mean()}

    loss = Loss(terms, list(net.parameters()))
    with pytest.raises(ValueError, match=r"a replay and the eager step differ in loss \(relative difference"):
        Recorded(TapeRecorder(), loss, (_x(0),), net.buffers())((_x(1),), compare=True)
    before = mean.clone()
    Recorded(TapeRecorder(), loss, (_x(0),), [*net.buffers(), mean])((_x(1),), compare=True)
    torch.testing.assert_close(mean, (before + _x(1).mean(0)) / 2)


def test_the_scale_of_now_multiplies_gradients_and_no_value() -> None:
    net, factor = nn.Linear(3, 1).double(), torch.tensor(2.0)
    recorded = _recorded(net, [], factor)
    values, gradients = [], []
    for number in (2.0, 8.0):
        factor.fill_(number)
        values.append(recorded((_x(1),)).costs["loss"].item())
        assert net.bias.grad is not None
        gradients.append(net.bias.grad.item())
    assert values[0] == values[1]
    assert gradients[1] == pytest.approx(4 * gradients[0], rel=1e-12)


def test_what_the_recorder_refuses_is_named() -> None:
    class Refusing(TapeRecorder):
        def record(self, step: object) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
            raise RuntimeError("operation not permitted when stream is capturing")

    net = nn.Linear(3, 1)
    with pytest.raises(ValueError, match="terms cannot be recorded: operation not permitted when stream is capturing"):
        Recorded(Refusing(), Loss(lambda x: {"loss": net(x).mean()}, list(net.parameters())), (torch.ones(2, 3),), [])  # pyright: ignore[reportArgumentType]


def _compared(
    cost: float, short: float, *, replayed: tuple[float, float], tolerance: float = 0.1
) -> tuple[str | None, bool]:
    """A cost, a gradient of length 50 and a short one, of the eager step and of the replay."""
    long = torch.tensor([30.0, 40.0])
    eager = [torch.tensor(cost), long, torch.tensor([short])]
    other = [torch.tensor(replayed[0]), long, torch.tensor([replayed[1]])]
    return _difference(["loss", "gradient 0", "gradient 1"], other, eager, 1, tolerance)


def test_values_may_differ_by_a_share_of_themselves_and_short_gradients_by_one_of_the_longest() -> None:
    assert _compared(2.0, 3.0, replayed=(2.0, 3.0)) == (None, True)
    for sign in (1, -1):  # 0.1 * (2 + 0.01) and 0.1 * (3 + 0.5)
        assert _compared(2.0, 3.0, replayed=(2.0 + 0.2 * sign, 3.0 + 0.34 * sign)) == (None, True)
        assert _compared(2.0, 3.0, replayed=(2.0 + 0.202 * sign, 3.0)) == ("loss (relative difference 1.0e-01)", False)
        assert _compared(2.0, 3.0, replayed=(2.0, 3.0 + 0.36 * sign)) == (
            "gradient 1 (relative difference 1.2e-01)",
            False,
        )
    assert _compared(0.0, 0.0, replayed=(9e-4, 0.049)) == (None, True)
    assert _compared(0.0, 0.0, replayed=(1.1e-3, 0.0))[1] is False
    assert _compared(0.0, 0.0, replayed=(0.0, 0.051))[1] is False


def test_what_is_not_finite_is_passed_over_and_proves_nothing() -> None:
    assert _compared(float("nan"), 3.0, replayed=(1.0, 3.0)) == (None, False)
    assert _compared(2.0, float("inf"), replayed=(2.0, 3.0)) == (None, False)
    assert _compared(2.0, float("inf"), replayed=(3.0, 3.0))[0] == "loss (relative difference 5.0e-01)"
    assert _compared(2.0, 3.0, replayed=(float("nan"), 3.0)) == ("loss (relative difference nan)", False)


def test_another_number_of_values_is_a_difference() -> None:
    one = [torch.ones(())]
    assert _difference(["loss"], one * 2, one, 1, 0.1) == ("the number of values and gradients, 2 and 1", False)


def test_half_precision_is_compared_in_float32() -> None:
    one, other = (torch.full((3,), value, dtype=torch.float16) for value in (6e4, 3e4))
    assert _difference(["loss"], [one], [other], 1, 0.1) == ("loss (relative difference 1.0e+00)", False)
