"""What cannot be compiled runs eagerly and says so, what would be silently wrong raises, and a failed first call undoes all."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.update_nets import SGD
from torch import nn
from torch._dynamo.exc import TorchDynamoException

from gankit.constraints import gradient_penalty
from gankit.losses import Logistic, relativistic_average_critic_loss
from gankit.training import Compiled, Loss, NonFiniteError, Update
from gankit.training._rehearsal import rehearse

Costs = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch.compiler.reset()


def _part() -> Compiled:
    return Compiled(backend="aot_eager")


def _traced(graph: Any, example: Any) -> Any:
    """A backend that runs graphs as dynamo found them."""
    return graph.forward


def _critic() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Dropout(0.3), nn.Linear(5, 1)).double()


def _points(size: int = 7) -> torch.Tensor:
    return torch.randn(size, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(size))


def _update(layer: nn.Module, terms: Callable[..., Any], part: Any, **options: Any) -> Update:
    return Update(SGD(layer.parameters()), terms, gradients=part, **options)


def test_terms_that_cannot_be_compiled_run_eagerly_and_say_so_once() -> None:
    states = []
    for eager in (True, False):
        critic, rng = _critic(), torch.Generator().manual_seed(9)

        def terms(x: torch.Tensor, critic: nn.Module = critic, rng: torch.Generator = rng) -> Costs:
            noise = torch.rand(x.shape, generator=rng, dtype=x.dtype)
            return {"loss": critic(x + noise).mean() + random.random()}

        update = _update(critic, terms, None if eager else _part())
        random.seed(2)
        torch.manual_seed(2)
        logged = []
        if not eager:
            with pytest.warns(UserWarning, match=r'they cannot be compiled: .+ File ".+", line \d+, in terms') as seen:
                logged.append(update(_points()))
            assert seen[0].filename == __file__
        logged += [update(_points()) for _ in range(3 - len(logged))]
        states.append((logged, critic.state_dict(), torch.get_rng_state(), rng.get_state(), random.random()))
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)


def test_parts_that_need_the_whole_batch_of_several_ranks_run_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit._core._whole_batch.world_size", lambda: 2 if torch.compiler.is_compiling() else 1)
    critic = nn.Linear(2, 1)
    objective = Logistic()

    def terms(x: torch.Tensor) -> Costs:
        return {"loss": relativistic_average_critic_loss(objective, critic(x), critic(-x))}

    update = _update(critic, terms, _part())
    with pytest.warns(UserWarning, match=r"cannot be compiled: (?!.*Hint).+, in ranks_of_whole_batch$"):
        logged = update(torch.ones(3, 2))
    assert update(torch.ones(3, 2))["loss"] < logged["loss"]


def test_errors_after_the_first_call_are_raised() -> None:
    critic, rng = _critic(), torch.Generator()

    def terms(x: torch.Tensor, draw: bool) -> Costs:
        noise = torch.rand(7, 2, generator=rng, dtype=x.dtype) if draw else 0.0
        return {"loss": critic(x + noise).mean()}

    update = _update(critic, terms, _part())
    update(_points(), False)
    before = [parameter.detach().clone() for parameter in critic.parameters()]
    with pytest.raises(TorchDynamoException):
        update(_points(), True)
    torch.testing.assert_close(list(critic.parameters()), before, rtol=0, atol=0)
    update(_points(), False)
    assert update.updates == 2


def test_a_backend_that_does_not_exist_is_no_reason_to_run_eagerly() -> None:
    critic = _critic()
    with pytest.raises(ValueError, match=r"^backend must be one that torch.compile knows, got 'induktor'$"):
        _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend="induktor"))(_points())


# Dynamo instantiates the class, which warns of it.
instantiates = pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated")


class _Square(torch.autograd.Function):
    """An activation with a backward pass of its own, which dynamo differentiates twice wrongly and without an error."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * gradients[0]


class _Squared(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return _Square.apply(x)


def _with_function() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(2, 5), _Squared(), nn.Linear(5, 1)).double()


def _penalty_terms(critic: Any) -> Callable[[torch.Tensor], Costs]:
    def terms(real: torch.Tensor) -> Costs:
        fake = torch.randn_like(real)
        return {"loss": critic(real).mean(), "penalty": 10 * gradient_penalty(critic, real, fake)}

    return terms


@instantiates
def test_a_function_with_its_own_backward_pass_under_a_penalty_raises() -> None:
    """Torch alone computes a wrong gradient; see the second half, which fails when torch computes a right one."""
    critic = _with_function()
    update = _update(critic, _penalty_terms(critic), _part())
    for parameter in critic.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    state = torch.get_rng_state()
    for _ in range(2):  # it does not run eagerly from then on
        with pytest.raises(
            ValueError,
            match=r"the compiled form must compute what the terms compute eagerly, got the gradient number 0 .+ shape",
        ):
            update(_points())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is not None and bool((p.grad == 7.0).all()) for p in critic.parameters())
    trusting = Compiled(backend="aot_eager", tolerance=float("inf"))
    trusting(update.loss, (_points(),))
    wrong = [parameter.grad for parameter in critic.parameters()]
    torch.set_rng_state(state)
    right = update.loss.differentiated(None, _points())[1]
    with pytest.raises(AssertionError):
        torch.testing.assert_close(wrong, right, rtol=0.1, atol=0.0)


@instantiates
def test_the_same_function_without_a_penalty_is_compiled() -> None:
    critic = _with_function()
    update = _update(critic, lambda x: {"loss": critic(x).mean()}, _part())
    update(_points())
    right = update.loss.differentiated(None, _points())[1]
    update.loss.assign([torch.zeros_like(one) for one in update.loss.parameters], ())
    Compiled(backend="aot_eager")(update.loss, (_points(),))
    torch.testing.assert_close([parameter.grad for parameter in critic.parameters()], right, rtol=1e-10, atol=1e-12)


def _all_spectral() -> nn.Module:
    """Every weight parametrized: torch would drop a penalty from gradients that are asked for by name."""
    normed = nn.utils.parametrizations.spectral_norm
    torch.manual_seed(4)
    return nn.Sequential(
        normed(nn.Linear(2, 5, bias=False)), nn.LeakyReLU(0.2), normed(nn.Linear(5, 1, bias=False))
    ).double()


def _own_penalty_terms(critic: Any) -> Callable[[torch.Tensor], Costs]:
    def terms(real: torch.Tensor) -> Costs:
        points = real.detach().requires_grad_()
        (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        return {"loss": critic(real).mean(), "penalty": 10 * (slope.norm(dim=1) - 1).square().mean()}

    return terms


@pytest.mark.parametrize("part", [None, _part()], ids=["eager", "compiled"])
def test_a_critic_compiled_by_itself_under_a_penalty_is_refused(part: Any) -> None:
    critic: Any = torch.compile(_all_spectral(), backend="aot_eager")
    with pytest.raises(ValueError, match="critic must not be compiled by itself under a penalty"):
        _update(critic, _penalty_terms(critic), part)(_points())


def test_a_penalty_of_ones_own_on_a_critic_compiled_by_itself_is_never_dropped() -> None:
    plain, critic = _all_spectral(), _all_spectral()
    compiled: Any = torch.compile(critic, backend="aot_eager")
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        _update(compiled, _own_penalty_terms(compiled), None)(_points())
    loss = Loss(_own_penalty_terms(compiled), list(critic.parameters()))
    with pytest.raises(ValueError, match="terms must not differentiate a module twice that is compiled by itself"):
        loss.differentiated(None, _points())
    critic.load_state_dict(plain.state_dict())
    # Inside the whole graph the module is traced like any other.
    _part()(loss, (_points(),))
    right = Loss(_own_penalty_terms(plain), list(plain.parameters())).differentiated(None, _points())[1]
    torch.testing.assert_close([parameter.grad for parameter in critic.parameters()], right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("moment", ["compiling", "running"])
def test_an_error_of_the_first_call_leaves_random_states_buffers_and_gradients_as_they_were(moment: str) -> None:
    critic = _critic()

    def failing(graph: Any, example: Any) -> Any:
        def run(*inputs: Any) -> Any:
            graph.forward(*inputs)
            raise KeyError("stop")

        if moment == "compiling":
            raise KeyboardInterrupt
        return run

    update = _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend=failing))
    for parameter in critic.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    before = {key: value.clone() for key, value in critic.state_dict().items()}
    state = torch.get_rng_state()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt if moment == "compiling" else KeyError):
            update(_points())
        torch.testing.assert_close(dict(critic.state_dict()), before, rtol=0, atol=0)
        assert torch.equal(torch.get_rng_state(), state)
        assert all(p.grad is not None and bool((p.grad == 7.0).all()) for p in critic.parameters())
    assert not torch._dynamo.config.trace_autograd_ops


def test_the_flag_of_dynamo_stays_as_it_was() -> None:
    critic, seen = _critic(), list[bool]()

    def backend(graph: Any, example: Any) -> Any:
        seen.append(torch._dynamo.config.trace_autograd_ops)
        return graph.forward

    for before in (False, True):
        with torch._dynamo.config.patch(trace_autograd_ops=before):
            _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend=backend))(_points())
            assert torch._dynamo.config.trace_autograd_ops is before
    assert seen == [True, True]


def test_terms_are_checked_as_eagerly() -> None:
    critic, other = _critic(), nn.Linear(1, 1).double()
    learned = torch.ones(2, dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        _update(critic, lambda x: {"loss": other(critic(x)).mean()}, Compiled(backend=_traced))(_points())
    with pytest.raises(ValueError, match="got gradients for 1 tensors that require gradients"):
        _update(critic, lambda x: {"loss": critic(x + learned).mean()}, Compiled(backend=_traced))(_points())
    assert learned.grad is None
    fake = nn.Linear(2, 2).double()(_points())
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend=_traced))(fake)
    with pytest.raises(ValueError, match=r"costs\['loss'\] must be a 0-d tensor"):
        _update(critic, lambda x: {"loss": critic(x)}, Compiled(backend=_traced))(_points())


def test_costs_of_new_names_are_checked_at_a_later_call_too() -> None:
    critic, other = _critic(), nn.Linear(1, 1).double()

    def terms(x: torch.Tensor, more: bool) -> Costs:
        scores = critic(x)
        return {"loss": scores.mean()} | ({"more": other(scores).mean()} if more else {})

    update = _update(critic, terms, Compiled(backend=_traced))
    update(_points(), False)
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        update(_points(), True)
    assert update.updates == 1


def test_a_first_gradient_that_is_not_finite_is_left_to_the_stepper() -> None:
    critic = nn.Linear(2, 1).double()
    update = _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend=_traced))
    with pytest.raises(NonFiniteError, match="the step was refused, since a cost is not finite"):
        update(_points() * float("inf"))
    update(_points())


def test_wrong_values_of_a_backend_are_refused() -> None:
    critic = nn.Linear(2, 1).double()

    def wrong(graph: Any, example: Any) -> Any:
        def run(*inputs: Any) -> Any:
            first, *others = graph.forward(*inputs)
            return (first * 1.001 if first.ndim == 0 else first, *others)

        return run

    loss = Loss(lambda x: {"loss": 100 * critic(x).mean() + 50}, list(critic.parameters()))
    with pytest.raises(ValueError, match="got cost 'loss', "):
        Compiled(backend=wrong)(loss, (_points(),))
    Compiled(backend=wrong, tolerance=0.01)(loss, (_points(),))


def test_wrong_batch_statistics_of_a_backend_are_refused_and_put_back() -> None:
    critic = _critic()

    def wrong(graph: Any, example: Any) -> Any:
        def run(*inputs: Any) -> Any:
            for each in inputs:
                if isinstance(each, torch.Tensor) and each.dtype == torch.int64:
                    each.add_(1)
            return graph.forward(*inputs)

        return run

    loss = Loss(lambda x: {"loss": critic(x).mean()}, list(critic.parameters()))
    with pytest.raises(ValueError, match=r"got a buffer of shape \(\), of length 1, that differs by 1\."):
        Compiled(backend=wrong)(loss, (_points(),))
    assert critic.state_dict()["1.num_batches_tracked"] == 0


def test_wrappers_and_hooks_are_refused() -> None:
    critic = nn.Linear(2, 1)
    wrapper = nn.DataParallel(critic)
    with pytest.raises(ValueError, match="Compiled takes networks without a wrapper, got one in DataParallel"):
        _update(critic, lambda x: {"loss": wrapper(x).mean()}, _part())(torch.ones(3, 2))
    with pytest.raises(
        ValueError, match="call the bare network in the terms, pass no wrapper as `network`, and let Ave"
    ):
        _update(critic, lambda x: {"loss": critic(x).mean()}, _part(), network=wrapper)(torch.ones(3, 2))
    critic.bias.register_post_accumulate_grad_hook(lambda _: None)
    with pytest.raises(
        ValueError, match="must have no hook after the accumulation of gradients, got one at parameter 1"
    ):
        _update(critic, lambda x: {"loss": critic(x).mean()}, _part())(torch.ones(3, 2))


def test_pieces_of_parameters_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    critic = nn.Linear(2, 1)
    loss = Loss(lambda x: {"loss": critic(x).mean()}, list(critic.parameters()))
    monkeypatch.setattr("gankit.training._compiled.is_sharded", lambda _: True)
    with pytest.raises(ValueError, match=r"got parameters in pieces: use Eager\(\)"):
        _part()(loss, (torch.ones(3, 2),))


class _WrongLater:
    """A backend whose graphs after the first return gradients that are a little off."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: Any, example: Any) -> Any:
        self.graphs += 1
        factor = 1.0 if self.graphs == 1 else 1.001

        def run(*inputs: Any) -> Any:
            return [each * factor if each.ndim == 2 else each for each in graph.forward(*inputs)]

        return run


def _smaller(critic: nn.Module) -> torch.Tensor:
    return _points(5)


def _evaluating(critic: nn.Module) -> torch.Tensor:
    critic.eval()
    return _points()


def _half_frozen(critic: nn.Module) -> torch.Tensor:
    critic[0].requires_grad_(False)  # pyright: ignore[reportIndexIssue]
    return _points()


@pytest.mark.parametrize("change", [_smaller, _evaluating, _half_frozen])
def test_a_later_graph_that_computes_something_else_is_refused_each_time(
    change: Callable[[nn.Module], torch.Tensor],
) -> None:
    critic = _critic()
    update = _update(critic, lambda x: {"loss": critic(x).square().mean()}, Compiled(backend=_WrongLater()))
    update(_points())
    update(_points())
    given = change(critic)
    gradients = [parameter.grad for parameter in critic.parameters()]
    weights = [parameter.detach().clone() for parameter in critic.parameters()]
    for _ in range(2):
        with pytest.raises(
            ValueError, match="the compiled form must compute what the terms compute eagerly, got the gradient"
        ):
            update(given)
        assert all(p.grad is kept for p, kept in zip(critic.parameters(), gradients, strict=True))
        torch.testing.assert_close(list(critic.parameters()), weights, rtol=0, atol=0)
    assert update.updates == 2
    if change is _evaluating:
        critic.train()
        update(given)  # the first graph is right
        critic.eval()
        with pytest.raises(ValueError, match="the compiled form must compute"):
            update(given)


def test_an_error_in_the_first_run_of_a_later_graph_leaves_it_to_be_compared() -> None:
    critic, wrong = _critic(), _WrongLater()

    def failing_once(graph: Any, example: Any) -> Any:
        right = wrong(graph, example)

        def run(*inputs: Any) -> Any:
            if wrong.graphs == 2 and not stopped:
                stopped.append(True)
                raise KeyError("stop")
            return right(*inputs)

        return run

    stopped: list[bool] = []
    update = _update(critic, lambda x: {"loss": critic(x).square().mean()}, Compiled(backend=failing_once))
    update(_points())
    with pytest.raises(KeyError):
        update(_points(5))
    with pytest.raises(ValueError, match="the compiled form must compute"):
        update(_points(5))


def test_graphs_beyond_the_eighth_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[str] = []

    def counting(loss: Loss, scale: Any, inputs: tuple[Any, ...], look: Any) -> Any:
        evaluated.append(inputs[1])
        return rehearse(loss, scale, inputs, look)

    monkeypatch.setattr("gankit.training._compiled.rehearse", counting)
    critic = nn.Linear(2, 1).double()
    update = _update(critic, lambda x, name: {"loss": critic(x).mean() * len(name)}, Compiled(backend=_traced))
    names = [chr(97 + number) * (number + 1) for number in range(10)]
    with torch._dynamo.config.patch(recompile_limit=20):
        for name in [*names, *names]:
            update(_points(), name)
            torch.testing.assert_close(critic.weight.grad, _points().mean(0, keepdim=True) * len(name))
    assert evaluated == names[:8]


@pytest.mark.parametrize(
    ("argument", "message"), [("backend", "name of a backend.*, got 3"), ("tolerance", "above 0, got '1'")]
)
def test_arguments_of_other_kinds_are_refused(argument: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Compiled(**{argument: 3 if argument == "backend" else "1"})  # pyright: ignore[reportArgumentType]


def test_a_backend_that_torch_does_not_know_is_refused_at_the_first_call() -> None:
    critic = _critic()
    update = _update(critic, lambda x: {"loss": critic(x).mean()}, Compiled(backend="nope"))
    with pytest.raises(ValueError, match=r"backend must be one that torch\.compile knows, got 'nope'"):
        update(_points())
    assert update.updates == 0
