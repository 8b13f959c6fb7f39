import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

import benchmarks.cuda.__main__ as command
from benchmarks.cuda import checks, steps
from benchmarks.cuda.checks import Check, check_tests, check_training, check_waits
from benchmarks.cuda.device import CudaDevice
from benchmarks.cuda.page import HEAD, page, unmeasured_page
from benchmarks.cuda.roofline import Ceilings, Work, measure_ceilings
from benchmarks.cuda.steps import COMPILED, Effort, Step, forms, measure_step, steps_of

TINY = Effort(warmup=0, repeats=2, inner=1, size=(2, 2))
CEILINGS = Ceilings(products={"bfloat16": 4e12, "float32": 1e12}, copies=2e9)


class Rehearsal:
    """A device for rehearsals without a GPU: the CPU, which counts no launches and no memory."""

    torch_device = torch.device("cpu")

    def __init__(self, *, waits: bool = False) -> None:
        self.waits = waits
        self.entered = 0

    def facts(self) -> dict[str, str]:
        return {"device": "A Rehearsal (0)", "driver": "none", "torch": torch.__version__, "settings": "tiny"}

    def seconds(self, run: Callable[[], object], *, warmup: int, repeats: int, inner: int) -> list[float]:
        found = []
        for _ in range(repeats):
            start = time.perf_counter()
            for _ in range(warmup + inner):
                run()
            found.append(time.perf_counter() - start)
        return found

    def peak_megabytes(self, run: Callable[[], object]) -> None:
        run()

    def launches(self, run: Callable[[], object]) -> None:
        run()

    @contextmanager
    def refuse_waiting(self) -> Iterator[None]:
        self.entered += 1
        if self.waits:
            raise RuntimeError("called a synchronizing CUDA operation\nmore")
        yield


@pytest.fixture
def no_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave graphs, which need a GPU, out of the rounds that are checked."""
    monkeypatch.setattr(checks, "forms", lambda: {name: one for name, one in forms().items() if "graphed" not in name})


def test_without_a_gpu_the_command_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command.main(["--out", str(tmp_path)]) == 2
    assert "torch finds none here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_graphs")
def test_the_whole_path_at_tiny_sizes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "check_training", lambda work, minutes: Check(name="training", passed=True, detail=""))
    monkeypatch.setattr(command, "check_tests", lambda seconds: Check(name="tests", passed=None, detail="none"))
    monkeypatch.setattr(command, "check_waits", lambda device, effort: check_waits(device, effort, slug="ns"))
    compiled = [step for step in steps_of(["ns"]) if step.compiles]
    monkeypatch.setattr(command, "COMPILATION", 1e9)
    plan = command.Plan(slugs=["ns"], effort=TINY, side=8, megabytes=1)
    assert command.measure(Rehearsal(), plan, tmp_path / "deep", tmp_path) == 0
    text = (tmp_path / "deep" / "cuda.md").read_text(encoding="utf-8")
    figures = json.loads((tmp_path / "deep" / "cuda" / "a-rehearsal-0.json").read_text(encoding="utf-8"))
    rows = [line for line in text.splitlines() if line.startswith("| non-saturating")]
    assert len(rows) == len(figures["steps"]) == len(steps_of(["ns"]))
    assert sum("Graphed needs parameters on a CUDA device" in row for row in rows) == 2
    timed = [row for row in figures["steps"] if row["seconds"] is not None]
    assert {row["step"]["form"] for row in timed} >= {"tutorial loop", "gankit, eager"}
    assert all(row["images"] == pytest.approx(2 / row["seconds"]) for row in timed)
    assert all(row["launches"] is None and row["megabytes"] is None for row in timed)
    assert sum("| unmeasured | unmeasured |" in row for row in rows) == len(timed)
    assert sum("no time was left" in row for row in rows) == len(compiled)
    assert "| device | A Rehearsal (0) |" in text
    assert "| tests | unmeasured | none |" in text


def test_a_failed_check_gives_another_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "check_waits", lambda device, effort: [Check(name="x", passed=False, detail="y | z")])
    monkeypatch.setattr(command, "steps_of", lambda slugs: [])
    plan = command.Plan(training_minutes=0.0, tests=False, side=8, megabytes=1)
    assert command.measure(Rehearsal(), plan, tmp_path, tmp_path) == 1
    assert "| x | **failed** | y / z |" in (tmp_path / "cuda.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_graphs")
def test_rounds_are_played_where_waits_raise() -> None:
    device = Rehearsal()
    found = check_waits(device, TINY, slug="ns")
    assert device.entered == len(found) > 0
    assert all(check.passed for check in found if "eager" in check.name)
    waiting = check_waits(Rehearsal(waits=True), TINY, slug="ns")
    assert [(check.passed, check.detail) for check in waiting if "eager" in check.name] == [
        (False, "called a synchronizing CUDA operation")
    ]


def test_what_compiles_is_last_and_only_where_it_tells_most() -> None:
    found = steps_of()
    places = [step.compiles for step in found]
    assert places == sorted(places)
    assert {step.case for step in found if step.compiles} == set(COMPILED)
    assert {step.case for step in found} == {case.slug for case in steps.CASES}
    assert {step.numbers for step in found if step.case != "ns"} == {"bfloat16"}


def test_what_torch_refuses_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Callable[[], None]:
        def run() -> None:
            raise RuntimeError("no double backward\nat line 3")

        return run

    monkeypatch.setattr(steps, "prepared", refuse)
    found = measure_step(Step(case="gp", form="tutorial loop", numbers="bfloat16"), Rehearsal(), CEILINGS, TINY)
    assert (found.reason, found.seconds) == ("RuntimeError: no double backward", None)
    assert "| RuntimeError: no double backward | | | | | |" in page({"device": "x"}, CEILINGS, [found], [])


def test_the_work_of_products_by_hand() -> None:
    left, right = torch.ones(5, 7), torch.ones(7, 3)
    image, kernel = torch.ones(2, 3, 8, 8), torch.ones(5, 3, 3, 3)
    with Work() as work:
        (left @ right).relu()
        torch.nn.functional.conv2d(image, kernel)
    product = 2.0 * 5 * 7 * 3, 4.0 * (5 * 7 + 7 * 3 + 5 * 3)
    convolution = 2.0 * 2 * 5 * 36 * 27, 4.0 * (2 * 3 * 64 + 5 * 27 + 2 * 5 * 36)
    assert work.parts == [product, convolution]
    assert work.operations() == product[0] + convolution[0]
    slow_copies = Ceilings(products={"float32": 1e3}, copies=1e2)
    expected = sum(max(operations / 1e3, moved / 1e2) for operations, moved in (product, convolution))
    assert work.seconds(slow_copies, "float32") == pytest.approx(expected)


def test_ceilings_are_work_over_the_fastest_repeat() -> None:
    class Clocked(Rehearsal):
        def seconds(self, run: Callable[[], object], *, warmup: int, repeats: int, inner: int) -> list[float]:
            run()
            return [0.5, 0.25, 1.0]

    found = measure_ceilings(Clocked(), side=8, megabytes=2)
    assert found.products == {"bfloat16": 2 * 8**3 / 0.25, "float32": 2 * 8**3 / 0.25}
    assert found.copies == 2 * 2 * 2**20 / 0.25


def test_nothing_measured_says_so() -> None:
    text = unmeasured_page()
    assert HEAD in text
    assert "| products | unmeasured |" in text
    assert "| non-saturating 1:1, DCGAN-64, BatchNorm | tutorial loop | bfloat16 | unmeasured | | | | | |" in text


@pytest.mark.parametrize(
    ("status", "printed", "passed", "detail"),
    [
        (0, "..\n== 12 passed in 3 s ==\n", True, "12 passed in 3 s"),
        (1, "F\n1 failed, 11 passed\n", False, "1 failed, 11 passed"),
        (None, "half\n", False, "not done after 60 s; last: half"),
        (1, "python: No module named pytest\n", None, "pytest is not installed"),
    ],
)
def test_the_marked_tests_are_run(
    monkeypatch: pytest.MonkeyPatch, status: int | None, printed: str, passed: bool | None, detail: str
) -> None:
    monkeypatch.setattr(checks, "run", lambda words, seconds: (status, printed))
    assert check_tests(seconds=60.0) == Check(name="tests that are marked for CUDA", passed=passed, detail=detail)


def test_without_time_the_marked_tests_are_left_out() -> None:
    assert check_tests(seconds=5.0).passed is None


def test_the_training_makes_its_data_set_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[str] = []

    def fake(words: list[str], *, seconds: float) -> tuple[int, str]:
        given.append(words[3])
        assert seconds > 60
        return 0, "step 1\ndone      34 steps; grids are in x\ndigest    1\n"

    monkeypatch.setattr(checks, "run", fake)
    found = check_training(tmp_path, minutes=2.0)
    assert (found.passed, found.detail) == (True, "done      34 steps")
    (tmp_path / "faces").mkdir()
    check_training(tmp_path, minutes=2.0)
    assert given == ["prepare", "train", "train"]


def test_every_form_is_built_by_its_part() -> None:
    assert list(forms())[:3] == ["tutorial loop", "tutorial loop, compiled", "gankit, eager"]


@pytest.mark.slow
def test_the_training_really_trains(tmp_path: Path) -> None:
    found = check_training(tmp_path, minutes=0.1, size=32, pictures=300)
    assert found.passed, found.detail


@pytest.mark.cuda
def test_the_device_counts() -> None:
    device = CudaDevice()
    ones = torch.ones(1024, 1024, device=device.torch_device)
    assert device.launches(lambda: ones + 1) >= 1
    assert device.peak_megabytes(lambda: ones + 1) == pytest.approx(4.0, abs=0.1)
    assert min(device.seconds(lambda: ones + 1, warmup=1, repeats=2, inner=2)) > 0
    with device.refuse_waiting(), pytest.raises(RuntimeError):
        ones.sum().item()
