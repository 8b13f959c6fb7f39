"""The whole step as one compiled graph: terms, penalties with their second derivatives, and the backward pass."""

import itertools
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import torch
from torch.utils import _pytree as pytree

from gankit._core import world_size
from gankit.training._bare_ranks import Ballot, raising_together, refuse_wrapper
from gankit.training._gradients import Eager
from gankit.training._loss import Loss, Values
from gankit.training._ranks import is_sharded
from gankit.training._rehearsal import Rehearsal, rehearse

Differentiated = tuple[Values, list[torch.Tensor | None]]
_numbers = itertools.count()
EXACT = {"fallback_random": True}
"""Options of inductor, whose own random numbers are not those of eager calls."""
_refuse = partial(refuse_wrapper, part="Compiled")

COMPARED = 8
"""How many graphs of a loss are compared with eager calls. Torch itself allows eight, unless its limit is raised."""


class Compiled:
    """Compile terms, penalties and the backward pass into one graph, with ``torch.compile``.

    Gradients, values and random numbers are those of `Eager`. The optimizer's step stays outside of the graph.

    The first call runs the loss eagerly, puts back what that changed, compiles, and compares: values, gradients and buffers
    must agree. It takes seconds to minutes, see `first_call_seconds`. If the terms cannot be compiled, a warning gives the
    reason, and they run eagerly from then on. Errors of later calls are raised.

    A loss is compiled again when the batch size changes for the first time, when a network changes between training and
    evaluation mode, when ``requires_grad`` of a parameter changes, and when a Python value that the terms read changes. The
    call that does so compares too, by one more eager and one more compiled evaluation, for the first eight graphs of a loss.
    Pass numbers that change as 0-d tensors that are filled in place.

    With several ranks the terms call bare networks, and `AveragedOverRanks` averages the gradients:
    ``AveragedOverRanks(Compiled())``. Each rank compiles. If the terms cannot be compiled on one of them, they run eagerly on
    all, and an error of the first call is raised on all.

    Args:
        backend: The backend of ``torch.compile``, a name or a callable. ``"inductor"`` generates fused kernels and needs a C++
            compiler; ``"aot_eager"`` runs the graph by torch's own kernels, and is meant for tests.
        tolerance: The largest difference from eager gradients that a comparison accepts, as a share of their length; infinity
            accepts all. None: 1e-6 if the terms compute in float64, 0.01 in float32, 0.2 if a lower precision occurs.

    Attributes:
        first_call_seconds: What first calls took in all.

    Raises:
        ValueError: `tolerance` is not a number above 0, or `backend` neither a name nor a callable; or, at a call that
            compiles, torch does not know `backend`, compiled and eager results differ, the terms call a data-parallel wrapper
            or a network that FSDP shards, a parameter has a hook after accumulation, or the terms are refused as by `Eager`.

    Warns:
        UserWarning: The terms cannot be compiled, and run eagerly.

    Example:
        >>> import torch
        >>> from gankit.training import Compiled, Update
        >>> def terms_of(critic):
        ...     return lambda x, y: {"loss": (critic(x) * y).mean()}
        >>> critic = torch.nn.Linear(1, 1, bias=False)
        >>> optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
        >>> compiled = Compiled(backend="aot_eager")
        >>> update = Update(optimizer, terms_of(critic), gradients=compiled)
        >>> logged = update(torch.tensor([[2.0]]), torch.tensor([[3.0]]))
        >>> list(logged), critic.weight.grad, compiled.first_call_seconds > 0
        (['loss'], tensor([[6.]]), True)
    """

    def __init__(self, *, backend: str | Callable[..., Any] = "inductor", tolerance: float | None = None) -> None:
        if not isinstance(backend, str) and not callable(backend):
            raise ValueError(f"backend must be the name of a backend of torch.compile, or a callable, got {backend!r}")
        is_number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
        if tolerance is not None and not (is_number and tolerance > 0):
            raise ValueError(f"tolerance must be a number above 0, got {tolerance!r}")
        self.first_call_seconds = 0.0
        self._backend = backend
        self._tolerance = tolerance
        self._forms: dict[Loss, _Form | Eager] = {}

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Compute the gradients by the compiled form of the loss, which the first call makes."""
        form = self._forms.get(loss)
        return self._first_call(loss, inputs) if form is None else form(loss, inputs)

    def __repr__(self) -> str:
        """Show the arguments."""
        return f"Compiled(backend={self._backend!r}, tolerance={self._tolerance!r})"

    def __reduce__(self) -> Any:
        """Copy and pickle the arguments; graphs belong to the networks of the original."""
        return partial(Compiled, backend=self._backend, tolerance=self._tolerance), ()

    def _first_call(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        started, device = time.perf_counter(), loss.parameters[0].device
        try:
            with raising_together(device):
                _check_parameters(loss)
                rehearsal = rehearse(loss, loss.scale(), inputs, _refuse)
            with raising_together(device):
                form = self._made(loss, inputs, rehearsal)
        finally:
            self.first_call_seconds += time.perf_counter() - started
        values = form(loss, inputs)
        self._forms[loss] = form
        return values

    def _made(self, loss: Loss, inputs: tuple[Any, ...], rehearsal: Rehearsal) -> "_Form | Eager":
        """Compile the loss, run it on the inputs, compare, and put back what that changed."""
        ballot = Ballot(partial(_compiled_by, self._backend), loss.parameters[0].device)
        backend = self._backend if world_size() == 1 else ballot.compile
        try:
            form = _Form(loss, backend, self._tolerance, tuple(rehearsal.values.costs))
        except RuntimeError as error:
            if type(error).__name__ != "InvalidBackend":
                raise
            raise ValueError(f"backend must be one that torch.compile knows, got {self._backend!r}") from error
        # Imported by torch.compile; an import at the top would take a second of everybody's time.
        errors: Any = sys.modules["torch._dynamo.exc"]
        try:
            form.compare(loss, inputs, rehearsal)
        except errors.TorchDynamoException as error:
            warnings.warn(f"the terms run eagerly, since they cannot be compiled: {_reason(error)}", stacklevel=7)
            return Eager()
        finally:
            ballot.cast(compiled=False)
        return form


class _Form:
    """The compiled form of one loss."""

    def __init__(
        self, loss: Loss, backend: str | Callable[..., Any], tolerance: float | None, names: tuple[str, ...]
    ) -> None:
        self._names = {names}
        self._tolerance = tolerance
        self._compared = 0
        self._distrusted = False
        # Dynamo keeps graphs, their limit of 8, and which numbers have changed, by code object and its name: each loss has a
        # copy of its own.
        code = Loss.differentiated.__code__.replace(co_name=f"differentiated_{next(_numbers)}")
        function: Any = MethodType(FunctionType(code, Loss.differentiated.__globals__), loss)
        options: Any = EXACT if backend == "inductor" else None
        self._compiled = torch.compile(function, backend=backend, fullgraph=True, dynamic=None, options=options)

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Return values, and put the gradients in place."""
        distrusted, made = self._distrusted, _graphs_made()
        try:
            values, gradients = self.run(loss, inputs)
        finally:
            self._distrusted |= _graphs_made() != made and self._compared < COMPARED
        if self._distrusted or tuple(values.costs) not in self._names:
            values, gradients = pytree.tree_map_only(torch.Tensor, torch.clone, (values, gradients))
            rehearsal = rehearse(loss, loss.scale(), inputs, _refuse)  # it also checks what costs of other names reach
            if self._distrusted:
                self.compare(loss, inputs, rehearsal)
            self._names.add(tuple(values.costs))
            self._distrusted = distrusted  # after an error above all later calls are compared: graphs have no names
        loss.assign(gradients, inputs)
        return values

    def compare(self, loss: Loss, inputs: tuple[Any, ...], rehearsal: Rehearsal) -> None:
        """Run as the rehearsal did, compare, and put back what that changed.

        Raises:
            ValueError: Values, gradients or buffers differ.
        """
        self._compared += 1
        try:
            values, gradients = self.run(loss, inputs)
            rehearsal.refuse_other(values, gradients, self._tolerance)
        finally:
            rehearsal.observer.restore()

    def run(self, loss: Loss, inputs: tuple[Any, ...]) -> Differentiated:
        """Return what `Loss.differentiated` returns."""
        with _tracing_autograd():
            return self._compiled(loss.scale(), *loss.cut(inputs))


def _graphs_made() -> int:
    """Return how many graphs dynamo has made in this process."""
    utils: Any = sys.modules["torch._dynamo.utils"]
    return utils.counters["stats"]["unique_graphs"]


def _compiled_by(backend: str | Callable[..., Any], graph: Any, inputs: Any) -> Callable[..., Any]:
    """Compile a graph as ``torch.compile`` does with this backend."""
    registry: Any = sys.modules["torch._dynamo.backends.registry"]
    options = {"config_patches": EXACT} if backend == "inductor" else {}
    return registry.lookup_backend(backend)(graph, inputs, **options)


def _reason(error: Exception) -> str:
    """Return the first paragraph of dynamo's message without hints, and the last line of the user's code that it names."""
    lines = str(error).splitlines()
    said = itertools.takewhile(lambda line: line.strip() and not line.strip().startswith("Hint"), lines)
    first = " ".join(" ".join(said).split())
    places = [line.strip() for line in lines if line.lstrip().startswith('File "')]
    return f"{first} {places[-1]}" if places else first


@contextmanager
def _tracing_autograd() -> Iterator[None]:
    """Let dynamo trace ``torch.autograd.grad``, and notice hooks of modules. Any call may trace again.

    The flags are set and restored one by one, since ``config.patch`` takes longer than the rest of a call.
    """
    config: Any = sys.modules["torch._dynamo.config"]
    before = config.trace_autograd_ops, config.skip_nnmodule_hook_guards
    config.trace_autograd_ops, config.skip_nnmodule_hook_guards = True, False
    try:
        yield
    finally:
        config.trace_autograd_ops, config.skip_nnmodule_hook_guards = before


def _check_parameters(loss: Loss) -> None:
    if loss.network is not None:
        for module in loss.network.modules():
            refuse_wrapper(module, "Compiled")
    for position, parameter in enumerate(loss.parameters):
        if is_sharded(parameter):
            raise ValueError("Compiled cannot train a network that FSDP shards, got parameters in pieces: use Eager()")
        if parameter._post_accumulate_grad_hooks:  # noqa: SLF001 (no public name)
            raise ValueError(
                f"parameters must have no hook after the accumulation of gradients, got one at parameter {position}: a "
                "compiled backward pass returns gradients and accumulates none, so that it would never be called"
            )
