import ast
import base64
import errno
import hashlib
import os
import pickle
import resource
import warnings
import zlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.forged import Called, forge_state
from torch import nn

import gankit
from gankit.training import CheckpointError, load_checkpoint, save_checkpoint
from gankit.training._saving import _one_file
from gankit.training._saving._sealed import SealingWriter


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
    with pytest.raises(CheckpointError, match=r"a\.pt was refused: .*written by torch\.save, which adds none"):
        load_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "make",
    [
        lambda target: Called(os.system, f"touch {target}"),
        lambda target: Called(eval, f"open({str(target)!r}, 'w')"),
        lambda target: Called(exec, f"open({str(target)!r}, 'w')"),
        lambda target: Called(open, str(target), "w"),
        lambda target: Called(os.mkdir, str(target)),
        lambda target: Called(__import__, "antigravity"),
        lambda target: Called(torch.load, str(target)),
        lambda target: Called(pickle.loads, pickle.dumps(Called(os.mkdir, str(target)))),
    ],
)
def test_code_is_never_run_and_there_is_no_second_try(tmp_path: Path, make: Any) -> None:
    target, path = tmp_path / "ran", tmp_path / "a.pt"
    forge_state(path, {"a": make(target)})
    with (
        mock.patch.object(torch, "load", wraps=torch.load) as load,
        pytest.raises(CheckpointError, match=r"was refused: it holds more than plain data: .* is no part of it"),
    ):
        load_checkpoint(path)
    assert load.call_count == 0
    assert not target.exists()


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


# What save_checkpoint of gankit 0.1.0 wrote with torch 2.13: two tensors share a storage, and equal strings are one object.
OF_VERSION_0_1_0 = (
    "c-"
    "o~^&yU+g6rRM1H#M+7f!!{!1Xv)2ZPq_xJ7EQ>B4i{il_dxiAytv>%*Ix|NnSj=rASCCRjFD|@CShUFK~hj5{MHLmtHt=<A6AUI3"
    "VD%%-"
    "EaM_BKtSGnqK!%=f+T&Aj(!*W_{t6$<E7TSUvq8al3bh_^cyvC4zXzR{RR?<d+(_9H;0)*J;~!Cu!T0c0G~r?_(afOvi&w1?O}@c"
    "d4j;9k%lwhv_ivZV+T(3Msf0~bLA!|z+<o#>?ixmJd*5h35==+hY-"
    "0B`aH=H51unKilVP%t?&a~;mybez8LV~2SCULd?R?BF5pyzV(f0O4E{9wP8?6CP<%M-"
    "lOG2j*QWz~$VWn|DLXg$d<iM7ea+Wyoa$D@}MbMEX`h;IT0>lqSLB6ki~)O7SH#Ln&w{uvRh)be3bk&qhq^1fFQZlOdC9`FrqG#B"
    "}0#BlKL-CcbZk24r}e8sG>NnLus?&zPAJJR4CyM_{uF&xe!&!2@`~<XU+;=~??YfEO>p$u8p$25sxG3+G(gapa6goq6dJyj*&t{#"
    "SI~7jL}z_wn)Z$9y=;g!V1i8o_xSvf}*#xeDdP1}Lyi^&tWx(}zYNF@18RPa#lgf_hNiHRlTb&-T99%p%0b?$nrDrF|T8<-PuJ-"
    "y-cpJPhc$8jY1y=!H#U<X`^w(={fCjp^j;NWVjV5_xUQ_qx4(+#^Oqxf}nird61L`W5(<I)<|M6tINq69M*Bg8M8`jmFOZu{&<QM"
    "~IJ^hS94(pJivq-&4apdM%OF+oI8U<pBgltVebFb%B29IHKd$1*T~AlV3hvqkpW;P_&g)BpHnox_|r3_VmGYeEY|(Ka12-"
    "afXh~qz>6=6ldx<s<Y0l{IGN5yX5|(``Lfx!S;W;KMQDOVrh~?3u#k|z_j1~y!-"
    "C#_}xJAodgQS2YBew4EoSwmACD6j7IrC`XY(CUe#n>uIaT}Rjo*xtcq$?R8&<`s+uCHlBOt<##H|Eb>{mL)lmvnW|-"
    "KC&Uk%UJf%E+kEPM^0<xMwk}R55k<ujbBCwtyxg94tRe91p@kCxq@H9Dex`3qN@vNIqz<=aWD)-"
    "aac%~$=ZZ3tD(%5+XC$Yb$vGN#u_Y8@*_wp&MlC~R<-Gv19n;3S=nZ-"
    "kDBLQCK(Trf<HF<t(oEqHu2~tQsuSKq+ucDikhAz);Wwdi9nn$-*o{um>xSp-"
    "Oh`LtqvPX)6Yssoslxj{@arSC<&9-dWt|&ULV7nt#70szAnxu-7t*aeX>r^z^(G?qumLiKvO|Po9DvJLC69_9!"
)


def test_a_checkpoint_of_the_first_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(zlib.decompress(base64.b85decode(OF_VERSION_0_1_0)))
    weights = torch.arange(6.0).view(2, 3)
    expected = {
        "weights": weights,
        "tied": weights,
        "last": torch.ones(1, 2, 2, 2),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "step": 3,
        "names": ["exp_avg"] * 3,
        "list": [1.5, None, True, -7, 2**40, ("a",)],
        "empty": torch.zeros(0),
    }
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert _same(loaded, expected)
    assert loaded["last"].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("error", [MemoryError("no room"), OSError(5, "Input/output error")])
def test_errors_of_the_system_while_torch_reads_are_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = tmp_path / "a.pt"
    save_checkpoint(path, {"a": 1})
    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(type(error)) as caught:
        load_checkpoint(path)
    if isinstance(caught.value, OSError):
        assert (caught.value.errno, caught.value.filename) == (5, str(path))


SHORT = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 B"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SHORT),
        RuntimeError(SHORT.replace("can't allocate", "not enough")),
        MemoryError(),
        OSError(12, "none"),
    ],
    ids=["linux", "windows", "python", "the system"],
)
@pytest.mark.parametrize("place", ["load", "is_plain_state", "check_sealed"])
def test_too_little_memory_is_said_with_the_file_and_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, place: str
) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, {"a": 1})
    owner = torch if place == "load" else _one_file
    monkeypatch.setattr(owner, place, mock.Mock(side_effect=error))
    with pytest.raises(
        MemoryError, match=rf"a\.pt of {path.stat().st_size} bytes does not fit into the memory that is"
    ):
        load_checkpoint(path)


def test_a_file_for_which_the_allocator_has_no_memory_is_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, torch.ones(1 << 26))

    def load() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + (100 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        with pytest.raises(MemoryError, match=r"a\.pt of 2684\d+ bytes does not fit"):
            load_checkpoint(path)

    assert _in_child(load) == 0


@pytest.mark.parametrize("path", [None, 3, b"x", "", True, "a\0b"])
def test_what_is_no_path_is_refused_by_name(path: Any) -> None:
    for call in (lambda: save_checkpoint(path, {}), lambda: load_checkpoint(path)):
        with pytest.raises(ValueError, match=r"^path must be a path, got "):
            call()


@pytest.mark.parametrize("path", [".", "/", "..", "a/.."])
def test_a_path_without_the_name_of_a_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"^path must name a file, got "):
        save_checkpoint(path, {})
