# ruff: noqa: PLW0108  lambdas around lambdas are what is tested
"""The audit of a critic: compiled critics and fused attention are refused, and each critic is audited once."""

import gc
import math
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import torch
from support.strategies import normal
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gankit.constraints import gradient_norm, gradient_penalty, score_gradient, zero_centered_penalty
from gankit.constraints._audit import _calls
from gankit.constraints._audit._calls import _nodes, _seen_graphs, _verdicts, nearest_parameter, node_names

IMAGES = normal(0, 3, 2, 4, 4, dtype=torch.float32)


def _critic(*layers: nn.Module, channels: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), *layers, nn.Flatten(), nn.Linear(channels * 16, 1))


class Attention(nn.Module):
    """Scaled dot-product attention over the positions of a map."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)[:, None].contiguous()  # as the fused kernel wants it
        return nn.functional.scaled_dot_product_attention(rows, rows, rows)[:, 0]


class MultiHead(nn.Module):
    """Torch's own multi-head attention over the positions of a map."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(3, 1, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)
        return self.attention(rows, rows, rows, need_weights=False)[0]


class PlainAttention(nn.Module):
    """The same by its formula."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)
        return torch.softmax(rows @ rows.transpose(1, 2) / math.sqrt(3), dim=2) @ rows


def _compiled_module() -> Callable[[torch.Tensor], torch.Tensor]:
    return torch.compile(_critic(), backend="aot_eager")


class Wrapped(nn.Module):
    """A module of the user's own: torch does not compile plain containers by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = _critic()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * 2


def _compiled_in_place() -> Callable[[torch.Tensor], torch.Tensor]:
    critic = Wrapped()
    critic.compile(backend="aot_eager")
    return critic


def _compiled_function() -> Callable[[torch.Tensor], torch.Tensor]:
    critic = _critic()
    return torch.compile(lambda x: critic(x) + 1, backend="aot_eager")


def _compiled_block() -> Callable[[torch.Tensor], torch.Tensor]:
    first: Any = torch.compile(nn.Conv2d(2, 3, 3, padding=1), backend="aot_eager")
    return nn.Sequential(first, nn.Flatten(), nn.Linear(48, 1))


def _all_spectral() -> Callable[[torch.Tensor], torch.Tensor]:
    """Every weight parametrized: torch would drop the penalty from gradients that are asked for by name."""
    normed = nn.utils.parametrizations.spectral_norm
    critic = nn.Sequential(normed(nn.Conv2d(2, 3, 3)), nn.LeakyReLU(0.2), nn.Flatten(), normed(nn.Linear(12, 1)))
    for layer in (critic[0], critic[3]):
        layer.register_parameter("bias", None)
    return torch.compile(critic, backend="aot_eager")


@pytest.mark.parametrize(
    "make", [_compiled_module, _compiled_in_place, _compiled_function, _compiled_block, _all_spectral]
)
def test_a_critic_compiled_by_itself_is_refused_every_time(make: Callable[[], Any]) -> None:
    torch.compiler.reset()
    critic = make()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"critic must not be compiled by itself under a penalty.*whole step"):
            gradient_penalty(lambda x: critic(x), IMAGES, IMAGES + 1)
    with pytest.raises(ValueError, match="critic must not be compiled by itself"):
        score_gradient(critic(images := IMAGES.clone().requires_grad_()), images)


def test_a_module_compiled_after_its_audit_is_refused() -> None:
    torch.compiler.reset()
    critic = Wrapped()
    gradient_norm(critic, IMAGES)
    critic.compile(backend="aot_eager")
    with pytest.raises(ValueError, match="critic must not be compiled by itself"):
        gradient_norm(critic, IMAGES)


def test_no_hook_enters_what_is_compiled_in_place(registrations: list[str]) -> None:
    """It would be traced, or compile the module anew."""
    torch.compiler.reset()
    block = Wrapped()
    block.compile(backend="aot_eager")
    gradient_norm(lambda x: block.inner[0](x).flatten(1).sum(1), IMAGES)  # reaches the block and goes around it
    assert registrations == []


def test_the_module_under_a_compiled_one_and_a_compiled_generator_are_fine() -> None:
    torch.compiler.reset()
    critic = _critic()
    generator: Any = torch.compile(nn.Conv2d(2, 2, 1), backend="aot_eager")
    compiled: Any = torch.compile(critic, backend="aot_eager")
    nets: Any = nn.ModuleDict({"critic": compiled, "generator": generator})
    expected = gradient_norm(critic, IMAGES)
    torch.testing.assert_close(gradient_norm(lambda x: nets["critic"]._orig_mod(x), IMAGES), expected)
    disabled: Any = torch.compiler.disable(critic)
    gradient_norm(disabled, IMAGES)
    fake = generator(IMAGES)
    zero_centered_penalty(critic, fake)
    score_gradient(critic(fake), fake)


@pytest.mark.parametrize("layer", [Attention(), MultiHead()], ids=["function", "module"])
def test_attention_is_differentiated_twice(layer: nn.Module) -> None:
    critic = _critic(nn.Tanh(), layer).double()
    images = IMAGES.double()
    names, values = zip(*((n, p.detach().requires_grad_()) for n, p in critic.named_parameters()), strict=True)

    def penalty(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return zero_centered_penalty(lambda x: torch.func.functional_call(critic, state, (x,)), images[:1])

    assert torch.autograd.gradcheck(penalty, values)
    flags = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()
    for _ in range(2):  # audited, then not
        zero_centered_penalty(critic, images).backward()
    assert (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()) == flags
    assert all(flags)


def test_attention_has_the_penalty_of_its_formula() -> None:
    torch.manual_seed(1)
    fused, plain = _critic(Attention()), _critic(PlainAttention())
    plain.load_state_dict(fused.state_dict())
    torch.testing.assert_close(gradient_norm(fused, IMAGES), gradient_norm(plain, IMAGES))


def test_the_gradient_of_fused_attention_names_the_remedy() -> None:
    critic, images = _critic(Attention()), IMAGES.clone().requires_grad_()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"got fused attention \(ScaledDotProduct.*SDPBackend\.MATH"):
            score_gradient(critic(images), images)
    with sdpa_kernel(SDPBackend.MATH):
        scores = critic(images)
    score_gradient(scores, images).square().sum().backward()


def test_the_graph_of_scores_is_looked_at_once_for_each_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    plain = _calls.node_names
    monkeypatch.setattr(_calls, "node_names", lambda *given: looks.append(1) or plain(*given))
    images, critics = IMAGES.clone().requires_grad_(), [_critic(), _critic()]
    for critic in critics * 2:
        score_gradient(critic(images), images)
    assert len(looks) == 2
    frozen = _critic().requires_grad_(requires_grad=False)
    for _ in range(2):  # nothing tells it from another one
        score_gradient(frozen(images), images)
    assert len(looks) == 4


def test_attention_that_insists_on_a_fused_form_is_refused() -> None:
    class Insisting(Attention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
                return super().forward(x)

    with pytest.raises(ValueError, match="got fused attention"):
        gradient_norm(_critic(Insisting()), IMAGES)


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_on_a_cuda_device(dtype: torch.dtype) -> None:
    critic = _critic(Attention()).cuda()
    images = IMAGES.cuda().requires_grad_()
    with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
        zero_centered_penalty(critic, images).backward()
        with (
            pytest.raises(ValueError, match="got fused attention"),
            sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]),
        ):
            score_gradient(critic(images), images)


def test_attention_compiles_with_its_penalty() -> None:
    torch.compiler.reset()
    critic = _critic(Attention()).double()
    images = IMAGES.double()

    def step(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(zero_centered_penalty(critic, x), list(critic.parameters()), allow_unused=True)

    with mock.patch.object(torch._dynamo.config, "trace_autograd_ops", True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(images)
    torch.testing.assert_close(compiled, step(images))


def test_what_made_the_inputs_is_not_looked_at() -> None:
    generator = nn.Sequential(nn.Conv2d(2, 3, 1), Attention(), nn.Flatten(), nn.Linear(48, 2))
    fake = generator(IMAGES)
    score_gradient(fake.square().sum(1), fake)


def test_a_critic_is_not_kept_alive_and_its_verdict_goes_with_it() -> None:
    gc.collect()
    before = len(_verdicts)
    critic = nn.Linear(2, 1)
    gradient_norm(lambda x: critic(x), torch.zeros(3, 2))
    assert len(_verdicts) == before + 1
    images = torch.zeros(3, 2, requires_grad=True)
    score_gradient(critic(images), images)
    seen = len(_seen_graphs)
    alive, critic = weakref.ref(critic), nn.Identity()
    gc.collect()
    assert alive() is None
    assert len(_seen_graphs) == seen - 1
    assert len(_verdicts) == before


def test_the_memory_of_verdicts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_calls, "_MOST_REMEMBERED", 2)
    critics = [nn.Linear(2, 1) for _ in range(7)]
    for critic in critics:
        gradient_norm(critic, torch.zeros(3, 2))
        assert len(_verdicts) <= 2


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
    monkeypatch.setattr(_calls, "_MOST_REMEMBERED", 2)
    critics, images = [nn.Linear(2, 1) for _ in range(7)], torch.zeros(3, 2, requires_grad=True)
    for critic in critics:
        score_gradient(critic(images), images)
        assert len(_calls._seen_graphs) <= 2


def test_only_critics_with_attention_change_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[object] = []
    plain = _calls.sdpa_kernel
    monkeypatch.setattr(_calls, "sdpa_kernel", lambda backend: entered.append(backend) or plain(backend))
    critic = nn.Linear(2, 1)
    for _ in range(3):
        gradient_norm(critic, torch.zeros(3, 2))
    assert len(entered) == 1  # the audit's


def test_a_gradient_of_scores_compiles_without_the_audit() -> None:
    torch.compiler.reset()
    critic = nn.Linear(2, 1).double()

    def step(x: torch.Tensor) -> torch.Tensor:
        images = x.detach().requires_grad_()
        return score_gradient(critic(images).tanh(), images).detach()

    with torch._dynamo.config.patch(trace_autograd_ops=True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(torch.ones(3, 2).double()), step(torch.ones(3, 2).double()))
