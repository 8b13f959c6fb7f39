import ast
import errno
import hashlib
import io
import os
import pickle
import resource
import warnings
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch._utils import _rebuild_tensor_v2

import gankit
from gankit.training import CheckpointError, load_checkpoint, save_checkpoint
from gankit.training._saving._files import SealingWriter


def _state(seed: int = 0, size: int = 20) -> dict[str, Any]:
    rng = torch.Generator().manual_seed(seed)
    return {
        "weights": torch.randn(size, 7, generator=rng),
        "step": seed,
        "rng": torch.get_rng_state(),
        "list": [1, "a"],
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.integers(0, 2**31 - 1).map(lambda seed: torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))),
    st.sampled_from([torch.tensor(3), torch.ones(2, dtype=torch.bfloat16), torch.zeros(0), torch.ones(1, 3, 2, 2)]),
)
states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=8,
)


@given(state=states)
def test_any_plain_state_comes_back_and_saves_as_the_same_bytes(tmp_path_factory, state: Any) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    save_checkpoint(folder / "one.pt", state)
    loaded = load_checkpoint(folder / "one.pt")
    assert _same(loaded, state)
    save_checkpoint(folder / "another name.pt", loaded)
    assert (folder / "one.pt").read_bytes() == (folder / "another name.pt").read_bytes()


def test_equal_states_of_other_objects_save_as_the_same_bytes(tmp_path: Path) -> None:
    key = "weights"
    one = {"weights": torch.ones(3), "name": "weights", "pair": ([1], [1])}
    shared = [1]
    other = OrderedDict({key: nn.Parameter(torch.ones(6)[:3]), "name": "weights", "pair": (shared, shared)})
    save_checkpoint(tmp_path / "one.pt", one)
    save_checkpoint(tmp_path / "other.pt", other)
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "other.pt").read_bytes()


def test_optimizers_networks_and_python_random_states_are_plain(tmp_path: Path) -> None:
    import random

    network = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "random": random.getstate()}
    save_checkpoint(tmp_path / "a.pt", state)
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert _same(loaded["optimizer"], optimizer.state_dict())
    assert random.getstate() == loaded["random"]


def test_the_state_is_not_changed_by_saving(tmp_path: Path) -> None:
    parameter = nn.Parameter(torch.ones(2))
    state = {"a": [parameter]}
    save_checkpoint(tmp_path / "a.pt", state)
    assert state["a"][0] is parameter
    assert parameter.requires_grad


@pytest.mark.parametrize("flips", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_any_flipped_bit_is_refused(tmp_path: Path, flips: int) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    data = path.read_bytes()
    rng = np.random.default_rng(7)
    for position in rng.choice(len(data) * 8, size=flips, replace=False):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << (position % 8)
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match="was refused"):
            load_checkpoint(path)


def test_any_cut_and_any_extra_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    data = path.read_bytes()
    cuts = [*range(40), *range(len(data) - 200, len(data)), *range(0, len(data), 97)]
    for changed in [data[:cut] for cut in cuts] + [data[1:], data + b"\0", b"\0" + data, data + data]:
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match="was refused"):
            load_checkpoint(path)


def test_a_file_of_plain_torch_save_is_refused(tmp_path: Path) -> None:
    torch.save(_state(), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"a\.pt was refused: .*not written by save_checkpoint"):
        load_checkpoint(tmp_path / "a.pt")


class _Evil:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def _sealed_pickle(path: Path, state: Any) -> None:
    """Write what a forger would: any pickle, with a right seal."""
    archive = io.BytesIO()
    torch.save(state, archive)
    with path.open("wb") as file:
        writer = SealingWriter(file)
        writer.write(archive.getvalue())
        writer.seal()


@pytest.mark.parametrize(
    "make",
    [
        lambda target: _Evil(os.system, f"touch {target}"),
        lambda target: _Evil(eval, f"open({str(target)!r}, 'w')"),
        lambda target: _Evil(exec, f"open({str(target)!r}, 'w')"),
        lambda target: _Evil(open, str(target), "w"),
        lambda target: _Evil(os.mkdir, str(target)),
        lambda target: _Evil(__import__, "antigravity"),
        lambda target: _Evil(torch.load, str(target)),
        lambda target: _Evil(pickle.loads, pickle.dumps(_Evil(os.mkdir, str(target)))),
    ],
)
def test_code_is_never_run_and_there_is_no_second_try(tmp_path: Path, make: Any) -> None:
    target, path = tmp_path / "ran", tmp_path / "a.pt"
    _sealed_pickle(path, {"a": make(target)})
    with (
        mock.patch.object(torch, "load", wraps=torch.load) as load,
        pytest.raises(CheckpointError, match="was refused: it holds more than plain data"),
    ):
        load_checkpoint(path)
    assert load.call_count == 1
    assert load.call_args.kwargs["weights_only"] is True
    assert not target.exists()


def test_a_tensor_larger_than_its_storage_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    storage = torch.storage.TypedStorage(wrap_storage=torch.UntypedStorage(16), dtype=torch.float32, _internal=True)
    huge = _Evil(_rebuild_tensor_v2, storage, 0, (10**13,), (1,), False, OrderedDict())
    _sealed_pickle(path, {"a": huge})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="was refused"):
        load_checkpoint(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_only_safe_loading_is_used_in_the_package() -> None:
    for path in Path(gankit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "marshal", "shelve", "yaml"}, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert {"weights_only": "True"}.items() <= {
                    k.arg: ast.unparse(k.value) for k in node.keywords
                }.items(), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                allowed = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "allow_pickle"]
                assert set(allowed) <= {"False"}, path


def test_a_state_that_is_not_plain_fails_at_save_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"state\['losses'\]\[0\] must be .* got numpy.ndarray"):
        save_checkpoint(path, {"losses": [np.ones(1)]})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _in_child(function: Any) -> int:
    """Run in a forked child and return its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("size", [1 << 18, 1 << 22])
def test_a_full_disk_says_so_and_leaves_the_old_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    before = path.read_bytes()
    state = {"a": torch.from_numpy(np.ones(size, dtype=np.uint8)), "b": torch.from_numpy(np.ones(size, dtype=np.uint8))}

    def save() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))
        with pytest.raises(OSError, match=f"about {2 * size} bytes") as caught:
            save_checkpoint(path, state)
        assert caught.value.filename == str(path)

    assert _in_child(save) == 0
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing") as caught:
        save_checkpoint(tmp_path / "missing" / "a.pt", {})
    assert caught.value.filename == str(tmp_path / "missing" / "a.pt")
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "missing.pt")


def test_a_signal_that_becomes_an_exception_during_the_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    before = path.read_bytes()

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, _state(1))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_tensors_land_on_the_cpu(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.pt", {"a": torch.ones(2)})
    with mock.patch.object(torch, "load", wraps=torch.load) as load:
        load_checkpoint(tmp_path / "a.pt")
    assert load.call_args.kwargs["map_location"] == "cpu"


@pytest.mark.cuda
def test_a_state_from_cuda_loads_on_the_cpu(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.pt", {"a": torch.ones(2, device="cuda")})
    assert load_checkpoint(tmp_path / "a.pt")["a"].device.type == "cpu"


def test_the_seal_is_the_sha256_of_what_stands_before_it(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.pt", _state())
    data = (tmp_path / "a.pt").read_bytes()
    assert data[-64:].decode() == hashlib.sha256(data[:-64]).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.load(tmp_path / "a.pt", weights_only=True)["step"] == 0


def test_an_error_of_torch_that_is_no_failed_write_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise RuntimeError("a tensor of another kind")

    monkeypatch.setattr(torch, "save", refused)
    with pytest.raises(RuntimeError, match="a tensor of another kind"):
        save_checkpoint(tmp_path / "a.pt", {})
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_read_is_no_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path / "a.pt", {})

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(torch, "load", broken)
    with pytest.raises(OSError, match="input/output error"):
        load_checkpoint(tmp_path / "a.pt")


class _Interrupted:
    """A file whose write is interrupted by Ctrl-C at some call."""

    def __init__(self, file: Any, call: int) -> None:
        self.file = file
        self.left = call

    def write(self, data: Any) -> int:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("call", [1, 2, 7, 12, 20])
def test_an_interrupt_in_any_write_stays_one_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, _state())
    before = path.read_bytes()
    initialize = SealingWriter.__init__

    def interrupted(self: SealingWriter, file: Any) -> None:
        initialize(self, cast("IO[bytes]", _Interrupted(file, call)))

    monkeypatch.setattr(SealingWriter, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, _state(1))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [MemoryError, OSError])
def test_a_lack_of_memory_or_disk_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    save_checkpoint(tmp_path / "a.pt", _state())
    monkeypatch.setattr(torch, "load", mock.Mock(side_effect=error("none left")))
    with pytest.raises(error, match="none left"):
        load_checkpoint(tmp_path / "a.pt")


def test_what_is_no_ordinary_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"a\.pt was refused: it is not an ordinary file"):
        load_checkpoint(tmp_path / "a.pt")
    with pytest.raises(IsADirectoryError):
        load_checkpoint(tmp_path)


def test_threads_may_save_one_file_at_the_same_time(tmp_path: Path) -> None:
    def save(value: int) -> None:
        for _ in range(10):
            save_checkpoint(tmp_path / "a.pt", {"a": torch.full((5003,), value)})

    with ThreadPoolExecutor(3) as threads:
        for result in [threads.submit(save, value) for value in range(3)]:
            result.result()
    assert len(load_checkpoint(tmp_path / "a.pt")["a"].unique()) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "a.pt"]
