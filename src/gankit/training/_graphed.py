"""Gradients by CUDA graphs: a step is recorded once, and then replayed by one launch."""

import warnings
from collections.abc import Hashable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils import _pytree as pytree

from gankit._core import check_at_least, world_size
from gankit.training._gradients import Eager
from gankit.training._graphs import Cuts, check_differentiable, clear_gradients, memory_of, tensors_in, tensors_within
from gankit.training._loss import Loss, Values
from gankit.training._observer import Observer
from gankit.training._ranks import is_sharded
from gankit.training._recorded import Recorded
from gankit.training._recorders import Recorder, recorder_for


class Graphed:
    """Record the forward and backward pass of an update as a CUDA graph once, and replay it.

    On a GPU small networks spend most of the time on launching operations one by one; a replay launches all of them at once.
    Penalties, spectral norm, batch statistics, autocast inside the terms and draws are part of the graph. The optimizer's step
    stays outside, so that learning rates, steppers and loaded states act as ever, and no optimizer needs ``capturable``.

    The first `warmup` calls run eagerly; they are ordinary updates. The next call records the graph, replays it, runs the same
    step eagerly, and raises if the two differ. There is one graph for each combination of: shapes, dtypes and strides of the
    inputs; Python values among the inputs; autocast around the call; training or evaluation mode of the called networks; and
    addresses and ``requires_grad`` of their parameters and buffers. If one of these changes, such as in the smaller
    last batch of an epoch, another graph is made, after its own warm-up; above `max_graphs` combinations, further ones run
    eagerly, with one warning. So a graph never reads memory that its network has left.

    A replay runs no Python. It does not see what terms read in Python: numbers, attributes that are not parameters, buffers
    or modules, names that are bound to another tensor, forward hooks, draws of ``random`` and NumPy. Tensors that are filled
    in place are seen. The comparison at the start, which is repeated every `compare_every` replays, finds such terms if their
    result has changed.

    Draws inside come from the device's default generator: other numbers in each replay, the same after the same seed, and
    resumed by `gankit.training.load_random_state`. Returned values are copies. ``.grad`` is memory of the graph, which the
    next replay overwrites: copy it to keep it.

    Args:
        warmup: Number of eager calls before a graph is recorded, 1 or more.
        max_graphs: Largest number of combinations that get a graph, 1 or more.
        compare_every: Number of replays of a graph from one comparison with the eager step to the next, 1 or more. A
            comparison takes an eager step and waits for the device. None: only when a graph is made.

    Raises:
        ValueError: An argument is out of its range; or, at a call, parameters are not on a CUDA device; there are several
            ranks, or parameters that FSDP2 shards or that have a hook after accumulation; another update uses it; inputs hold
            tensors in objects, or values without a hash; terms read values on the host, use tensors of other devices or a
            generator, or cannot be recorded; or a replay and the eager step differ.

    Example:
        >>> from gankit.training import Graphed
        >>> Graphed(warmup=3)
        Graphed(warmup=3, max_graphs=8, compare_every=1000)

        A critic and a generator have a graph each::

            train_critic = Update(critic_optimizer, critic_terms, gradients=Graphed())
            train_generator = Update(generator_optimizer, generator_terms, frozen=[critic], gradients=Graphed())
    """

    def __init__(self, warmup: int = 3, *, max_graphs: int = 8, compare_every: int | None = 1000) -> None:
        check_at_least("warmup", warmup, 1)
        check_at_least("max_graphs", max_graphs, 1)
        if compare_every is not None:
            check_at_least("compare_every", compare_every, 1)
        self._warmup = warmup
        self._max_graphs = max_graphs
        self._compare_every = compare_every
        self._loss: Loss | None = None
        self._recorder: Recorder | None = None
        self._forget()

    def __repr__(self) -> str:
        """Return the call that makes an equal one."""
        return f"Graphed(warmup={self._warmup}, max_graphs={self._max_graphs}, compare_every={self._compare_every})"

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        """Run eagerly, record, or replay."""
        if loss is not self._loss:
            self._take(loss)
        key = self._key(loss, inputs)
        found = self._graphs.get(key)
        if found is not None:
            self._calls[key] += 1
            return found(
                inputs, compare=self._compare_every is not None and self._calls[key] % self._compare_every == 0
            )
        if key not in self._calls and len(self._calls) >= self._max_graphs:
            return self._run_beyond_the_limit(loss, inputs)
        assert self._recorder is not None  # since the loss was taken
        if self._calls.get(key, 0) < self._warmup:
            return self._warm_up(self._recorder, loss, inputs, key)
        buffers = [buffer for module in self._modules for buffer in module.buffers(recurse=False)]
        recorded = Recorded(self._recorder, loss, inputs, [*buffers, *self._written])
        values = recorded(inputs, compare=True)
        self._graphs[key] = recorded
        self._calls[key] = 0
        return values

    def _take(self, loss: Loss) -> None:
        """Take over the loss of an update, or the new one of the same update, and forget all graphs."""
        if self._loss is not None and loss.terms is not self._loss.terms:
            raise ValueError("an update must have a Graphed of its own, got terms of another update")
        if not loss.parameters:
            raise ValueError("an update must have parameters to be recorded, got none")
        if world_size() > 1 or isinstance(loss.network, DistributedDataParallel):
            raise ValueError(
                f"Graphed runs on one rank without a data-parallel wrapper, got {world_size()} ranks: use Eager()"
            )
        if any(is_sharded(parameter) for parameter in loss.parameters):
            raise ValueError("Graphed takes no parameters that FSDP2 shards: use Eager()")
        if any(parameter._post_accumulate_grad_hooks for parameter in loss.parameters):  # noqa: SLF001 (no public name)
            raise ValueError(
                "Graphed takes no parameters with a hook after the accumulation of gradients: a replay runs none"
            )
        devices = {parameter.device for parameter in loss.parameters}
        if len(devices) > 1:
            raise ValueError(f"Graphed needs parameters on one device, got {sorted(map(str, devices))}")
        self._recorder = recorder_for(devices.pop())
        self._forget()
        self._loss = loss

    def _forget(self) -> None:
        self._graphs: dict[Hashable, Recorded] = {}
        self._calls: dict[Hashable, int] = {}
        self._modules: list[nn.Module] = []
        self._written: list[torch.Tensor] = []
        self._warned = False

    def _key(self, loss: Loss, inputs: tuple[Any, ...]) -> Hashable:
        """Return all that a recording depends on and that can be seen from outside."""
        device = loss.parameters[0].device
        autocast = torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)
        surroundings = autocast and torch.get_autocast_dtype(device.type), loss.scale() is None
        return _of_inputs(inputs, device), surroundings, tuple(_of_tensors(loss.parameters)), _of_modules(self._modules)

    def _warm_up(self, recorder: Recorder, loss: Loss, inputs: tuple[Any, ...], key: Hashable) -> Values:
        """Take an eager step, and learn which modules it calls and what it writes to."""
        observer = Observer(loss.parameters[0].device)
        clear_gradients(loss.parameters)
        cuts = Cuts.of(inputs)
        with recorder.aside():
            with observer:
                values = loss.evaluate(*cuts.inputs)
                if loss.check is not None:
                    loss.check(values.costs, cuts)
                total = loss.total(values.costs, loss.scale())
                check_differentiable(total, values.costs)
                total.backward()
            cuts.send_back()
        calls = self._calls.pop(key, 0)
        self._modules = list(dict.fromkeys([*self._modules, *observer.modules]))
        given = {memory_of(tensor) for tensor in tensors_in(inputs)}
        written = [*self._written, *(tensor for tensor in observer.written if memory_of(tensor) not in given)]
        self._written = list({memory_of(tensor): tensor for tensor in written}.values())
        self._calls[self._key(loss, inputs)] = calls + 1
        return Values(*({name: value.clone() for name, value in named.items()} for named in values.detached()))

    def _run_beyond_the_limit(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"an update ran with more than {self._max_graphs} combinations of input shapes, Python values, modes and "
                "addresses of parameters: those beyond run eagerly, without a graph",
                stacklevel=6,
            )
        return Eager()(loss, inputs)


def _of_inputs(inputs: tuple[Any, ...], device: torch.device) -> Hashable:
    leaves, form = pytree.tree_flatten(inputs)
    return str(form), *(_of_leaf(leaf, device) for leaf in leaves)


def _of_leaf(leaf: Any, device: torch.device) -> Hashable:
    if isinstance(leaf, torch.Tensor):
        if leaf.device != device:
            raise ValueError(f"inputs must be on {device}, where the parameters are, got a tensor on {leaf.device}")
        if leaf.layout is not torch.strided:
            raise ValueError(f"inputs must be dense tensors to be recorded, got one of layout {leaf.layout}")
        return leaf.shape, leaf.stride(), leaf.dtype, leaf.requires_grad
    if not isinstance(leaf, Hashable) or next(tensors_within(leaf), None) is not None:
        raise ValueError(
            f"inputs must be tensors and plain values in tuples, lists and dicts to be recorded, got {type(leaf).__name__}"
        )
    return type(leaf), leaf


def _of_tensors(tensors: Iterable[torch.Tensor | None]) -> list[Hashable]:
    """Return where tensors are; the recording holds those that it uses, so that no other one comes to be at their address."""
    return [part for tensor in tensors if tensor is not None for part in (tensor.data_ptr(), tensor.requires_grad)]


def _of_modules(modules: Iterable[nn.Module]) -> Hashable:
    parts: list[Hashable] = []
    for module in modules:
        parts.append(module.training)
        # These attributes have been the same in all versions of torch, and the public methods take three times as long.
        parts += map(id, module._modules.values())  # noqa: SLF001
        parts += _of_tensors(module._parameters.values())  # noqa: SLF001
        parts += _of_tensors(module._buffers.values())  # noqa: SLF001
    return tuple(parts)
