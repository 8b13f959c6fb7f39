"""A compiled update trains as an eager one does, for each GAN of the table, and is compiled once."""

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.update_nets import ADAM, CASES, SGD, Gan, play, trained, updates
from torch import nn

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.training import Accumulated, Compiled, Loss, Update

QUICK = ("instance norm", "spectral norm", "dropout")
"""Cases for every run of the suite: gains of a norm, parametrized weights with buffers, draws."""
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
own_warnings = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")  # as inductor is imported
slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch.compiler.reset()


class Counted:
    """A backend that runs graphs as dynamo found them, and counts them."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: Any, example: Any) -> Any:
        self.graphs += 1
        return graph.forward


def _part() -> tuple[Compiled, Counted]:
    counted = Counted()
    return Compiled(backend=counted), counted


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param(name, whole, marks=() if whole and name in QUICK else slow)
        for name in CASES
        for whole in (True, False)
    ],
)
def test_each_gan_trains_as_eagerly(name: str, whole: bool) -> None:
    """Also with a smaller last batch, and without a warning that it was not compiled."""
    found = trained(name, lambda: Compiled(backend="aot_eager"), whole=whole)
    torch.testing.assert_close(found, trained(name, whole=whole), rtol=1e-10, atol=1e-12)


@slow
@needs_compiler
@own_warnings
@pytest.mark.parametrize("name", CASES)
def test_each_gan_trains_as_eagerly_with_generated_kernels(name: str) -> None:
    """By plain gradient descent: Adam makes a step of rounding errors where a gradient is zero."""
    found = trained(name, Compiled, optimizer=SGD)
    torch.testing.assert_close(found, trained(name, optimizer=SGD), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "no norm" else slow) for name in CASES])
def test_parts_of_a_batch_are_compiled(name: str) -> None:
    """Of unequal sizes: 7 samples are 3 and 4, the last batch is 2 and 3."""
    found = trained(name, lambda: Accumulated(2, gradients=Compiled(backend="aot_eager")), whole=False, optimizer=SGD)
    torch.testing.assert_close(found, _in_parts(name), rtol=1e-10, atol=1e-12)


def _in_parts(name: str) -> Any:
    """Return what the whole batch gives; parts draw other masks, and each moves the estimates of spectral norm."""
    eager = (lambda: Accumulated(2)) if name in ("dropout", "spectral norm") else (lambda: None)
    return trained(name, eager, whole=False, optimizer=SGD)


class _Points:
    """A small GAN of points, which compiles in seconds."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        self.critic = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 1)).double()
        self.generator = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2)).double()
        self.weight = torch.tensor(10.0, dtype=torch.float64)
        self.number = 10.0

    def critic_terms(self, real: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        with torch.no_grad():
            fake = self.generator(torch.randn(len(real), 3, dtype=real.dtype))
        scores = self.critic(real)
        penalty = gradient_penalty(self.critic, real, fake)
        costs = {"loss": critic_loss(Wasserstein(), scores, self.critic(fake)), "penalty": self.weight * penalty}
        return costs | {"again": self.number * penalty}, {"real": scores.mean(), "weight": self.weight}

    def generator_terms(self, real: torch.Tensor) -> dict[str, torch.Tensor]:
        fake = self.generator(torch.randn(len(real), 3, dtype=real.dtype))
        return {"loss": generator_loss(Wasserstein(), self.critic(fake))}

    def updates(self, make: Callable[[], Any]) -> tuple[Update, Update]:
        critic, generator = self.critic, self.generator
        return (
            Update(SGD(critic.parameters()), self.critic_terms, gradients=make()),
            Update(SGD(generator.parameters()), self.generator_terms, frozen=[critic], gradients=make()),
        )

    def state(self) -> list[torch.Tensor]:
        return [one.detach().clone() for net in (self.critic, self.generator) for one in net.state_dict().values()]


def _batch(size: int = 7, seed: int = 1) -> torch.Tensor:
    return torch.randn(size, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _both(change: Callable[[_Points, tuple[Update, Update], int], object], rounds: int, size: Any = lambda _: 7) -> Any:
    """Train eagerly and compiled, with a change before each round; the states must agree. Return the backends."""
    states, parts = [], list[Counted]()

    def make() -> Compiled:
        part, counted = _part()
        parts.append(counted)
        return part

    for kind in (lambda: None, make):
        points = _Points()
        both = points.updates(kind)
        torch.manual_seed(5)
        for number in range(rounds):
            change(points, both, number)
            for update in both:
                update(_batch(size(number), number))
        states.append((points.state(), torch.get_rng_state()))
    torch.testing.assert_close(states[1], states[0], rtol=1e-12, atol=1e-14)
    return [part.graphs for part in parts]


@needs_compiler
@own_warnings
@pytest.mark.slow
def test_generated_kernels_draw_the_numbers_of_eager_calls() -> None:
    states = []
    for make in (lambda: None, Compiled):
        torch.manual_seed(5)
        critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        update = Update(SGD(critic.parameters()), _penalized(critic), gradients=make())
        logged = [update(_batch(seed=seed)) for seed in range(3)]
        states.append((critic.state_dict(), logged, torch.get_rng_state()))
    torch.testing.assert_close(states[1], states[0], rtol=1e-10, atol=1e-12)


def _penalized(critic: nn.Module) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    def terms(real: torch.Tensor) -> dict[str, torch.Tensor]:
        fake = torch.randn_like(real)
        loss = critic_loss(Wasserstein(), critic(real), critic(fake))
        return {"loss": loss, "penalty": 10 * gradient_penalty(critic, real, fake)}

    return terms


def test_tensors_filled_in_place_learning_rates_and_frozen_networks_need_one_graph() -> None:
    def change(points: _Points, both: tuple[Update, Update], number: int) -> None:
        points.weight.fill_(10.0 + number)
        for update in both:
            update.optimizer.param_groups[0]["lr"] = 1e-3 * (1 + number)
        for parameter in points.critic.parameters():
            parameter.requires_grad_(True)

    assert _both(change, rounds=4) == [1, 1]


def test_a_number_that_changes_is_read_anew_and_makes_one_more_graph() -> None:
    def change(points: _Points, both: object, number: int) -> None:
        points.number = 10.0 + number

    critic, generator = _both(change, rounds=4)
    assert critic == 2
    assert generator == 1


def test_training_and_evaluation_mode_have_a_graph_each() -> None:
    def change(points: _Points, both: object, number: int) -> None:
        points.generator.train(number % 2 == 0)
        points.critic.train(number % 2 == 0)

    assert _both(change, rounds=4) == [2, 2]


def test_batches_of_all_sizes_share_the_second_graph() -> None:
    assert _both(lambda *_: None, rounds=5, size=[7, 7, 5, 3, 11].__getitem__) == [2, 2]


def test_parts_of_one_size_share_a_graph() -> None:
    """Wherever in the batch they begin, and whether or not the batch carries a graph."""
    critic = nn.Linear(2, 1).double()
    for carries in (False, True):
        part, counted = _part()
        loss = Loss(lambda x: {"loss": critic(x).square().mean()}, list(critic.parameters()))
        accumulated = Accumulated(4, gradients=part)
        for seed in range(2):
            accumulated(loss, (_batch(12, seed).requires_grad_(carries) * 2,))
        assert counted.graphs == 1


def test_many_updates_share_neither_the_limit_of_graphs_nor_what_has_changed() -> None:
    """Twelve, where torch allows eight graphs; a number that differs between updates is no number that changes."""

    def terms_of(layer: nn.Module, power: int) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        return lambda x: {"loss": (layer(x) ** power).mean()}

    for number in range(12):
        layer = nn.Linear(2, 1).double()
        part, counted = _part()
        update = Update(SGD(layer.parameters()), terms_of(layer, number + 1), gradients=part)
        for _ in range(2):
            update(_batch(size=5 + number))
        assert counted.graphs == 1


def test_a_shared_fake_sends_its_gradient_into_its_graph() -> None:
    states = []
    for make in (lambda: None, lambda: Compiled(backend="aot_eager")):
        points = _Points()
        critic, generator = points.critic, points.generator

        def prepare(real: torch.Tensor, generator: nn.Module = generator) -> tuple[torch.Tensor, torch.Tensor]:
            return real, generator(torch.randn(len(real), 3, dtype=real.dtype))

        def critic_terms(real: torch.Tensor, fake: torch.Tensor, critic: nn.Module = critic) -> dict[str, torch.Tensor]:
            return {"loss": critic_loss(Wasserstein(), critic(real), critic(fake.detach()))}

        def generator_terms(real: torch.Tensor, fake: torch.Tensor, critic: nn.Module = critic) -> Any:
            return {"loss": generator_loss(Wasserstein(), critic(fake))}, {"fake": fake.mean()}

        torch.manual_seed(5)
        train_critic = Update(ADAM(critic.parameters()), critic_terms, gradients=make())
        train_generator = Update(ADAM(generator.parameters()), generator_terms, frozen=[critic], gradients=make())
        batches = (prepare(_batch(size, size)) for size in (7, 7, 5))
        logged = list[dict[str, torch.Tensor]]()
        for batch in batches:
            logged += [train_critic(*batch), train_generator(*batch)]
        states.append((points.state(), logged))
    torch.testing.assert_close(states[1], states[0], rtol=1e-10, atol=1e-12)


class _Scaled:
    """A stepper whose scale doubles at each step; gradients arrive scaled."""

    def __init__(self) -> None:
        self.factor = torch.tensor(0.5, dtype=torch.float64)

    def scale(self) -> torch.Tensor:
        return self.factor

    def __call__(self, optimizer: torch.optim.Optimizer, costs: object, names: object) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= self.factor
        optimizer.step()
        self.factor.mul_(2)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def test_a_scale_that_changes_is_an_input_of_the_graph() -> None:
    results, graphs = [], []
    for make in (lambda: None, _part):
        points = _Points()
        made: Any = make()
        part, counted = made or (None, Counted())
        update = Update(SGD(points.critic.parameters()), points.critic_terms, gradients=part, stepper=_Scaled())
        torch.manual_seed(5)
        logged = [update(_batch(seed=seed)) for seed in range(4)]
        results.append((points.state(), logged))
        graphs.append(counted.graphs)
    torch.testing.assert_close(results[1], results[0], rtol=1e-12, atol=1e-14)
    assert graphs == [0, 1]


def test_values_have_memory_of_their_own_and_so_do_gradients() -> None:
    first, second = (nn.Parameter(torch.ones(3)) for _ in range(2))
    weight, x = torch.tensor(2.0), torch.ones(3)
    loss = Loss(lambda x: ({"loss": ((first + second) * x).sum()}, {"weight": weight, "first": x[0]}), [first, second])
    part = Compiled(backend="aot_eager")
    part(loss, (x,))
    values = part(loss, (x,))
    assert first.grad is not None
    assert second.grad is not None
    first.grad.mul_(3)  # as clipping does, for each gradient
    assert second.grad.tolist() == [1.0] * 3
    weight.fill_(5.0)
    x.fill_(7.0)
    assert values.readings == {"weight": torch.tensor(2.0), "first": torch.tensor(1.0)}


def test_the_state_of_an_update_is_that_of_an_eager_one() -> None:
    states = []
    for make in (lambda: None, lambda: Compiled(backend="aot_eager")):
        gan = Gan("no norm")
        both = updates(gan, make)
        play(gan, both, (5,))
        states.append([copy.deepcopy(update.state_dict()) for update in both])
    torch.testing.assert_close(states[1], states[0], rtol=1e-10, atol=1e-12)
    both[0].load_state_dict(states[0][0])
    play(gan, both, (5,))
    assert [update.updates for update in both] == [2, 2]


def test_the_time_of_first_calls_is_shown() -> None:
    part = _part()[0]
    assert part.first_call_seconds == 0.0
    layer = nn.Linear(2, 1)
    update = Update(SGD(layer.parameters()), lambda x: {"loss": layer(x).mean()}, gradients=part)
    update(torch.ones(3, 2))
    first = part.first_call_seconds
    assert 0.0 < first < 600.0
    update(torch.ones(3, 2))
    assert part.first_call_seconds == first
    another = Update(SGD(layer.parameters()), lambda x: {"loss": layer(x).sum()}, gradients=part)
    another(torch.ones(3, 2))
    assert part.first_call_seconds > first


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), True, "1"])
def test_a_tolerance_must_be_a_number_above_zero(tolerance: Any) -> None:
    with pytest.raises(ValueError, match=f"tolerance must be a number above 0, got {tolerance!r}"):
        Compiled(tolerance=tolerance)


def test_it_prints_and_is_copied_without_its_graphs() -> None:
    part = Compiled(backend="aot_eager", tolerance=0.5)
    layer = nn.Linear(2, 1)
    part(Loss(lambda x: {"loss": layer(x).mean()}, list(layer.parameters())), (torch.ones(3, 2),))
    again = copy.deepcopy(part)
    assert repr(part) == repr(again) == "Compiled(backend='aot_eager', tolerance=0.5)"
    assert again.first_call_seconds == 0.0


def test_the_name_of_the_module_may_be_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documentation names a class by the module that users import it from."""
    monkeypatch.setattr(Loss, "__module__", "gankit.training")
    critic = nn.Linear(2, 1)
    part, counted = _part()
    update = Update(SGD(critic.parameters()), lambda x: {"loss": critic(x).mean()}, gradients=part)
    update(torch.ones(3, 2))
    assert counted.graphs == 1


@own_warnings
@pytest.mark.parametrize(
    "add",
    [
        lambda layer: layer.register_forward_hook(lambda _layer, _inputs, output: 2 * output),
        lambda layer: layer.register_forward_pre_hook(lambda _layer, inputs: (3 * inputs[0],)),
    ],
)
def test_hooks_of_modules_that_come_later_are_noticed(add: Callable[[nn.Module], Any]) -> None:
    logged = []
    for make in (lambda: None, lambda: Compiled(backend="aot_eager")):
        torch.manual_seed(3)
        critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        update = Update(SGD(critic.parameters()), _penalized(critic), gradients=make())
        torch.manual_seed(4)
        update(_batch(seed=1))
        hook = add(critic[0])
        logged.append([update(_batch(seed=2))["loss"]])
        hook.remove()
        logged[-1].append(update(_batch(seed=3))["loss"])
    torch.testing.assert_close(logged[1], logged[0], rtol=1e-12, atol=1e-14)
