"""What must hold on the device beside speed: no waits in a round, the marked tests, and a training of the default recipe."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cuda.device import Device
from benchmarks.cuda.processes import run
from benchmarks.cuda.steps import Effort, Step, forms, prepared
from benchmarks.step_throughput.cases import CASES

PICTURES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check and what came out.

    Args:
        name: What was checked.
        passed: Whether it holds; None if it was not made.
        detail: What was seen, or why it was not made.
    """

    name: str
    passed: bool | None
    detail: str


def check_waits(device: Device, effort: Effort, *, slug: str = "gp") -> list[Check]:
    """Play rounds of gankit's forms while every wait of the host raises."""
    case = next(case for case in CASES if case.slug == slug)
    checks = []
    for form in forms():
        if not form.startswith("gankit") or form == "gankit, compiled":
            continue
        name = f"no wait in a round: {case.name}, {form}"
        play = prepared(case, Step(case=slug, form=form, numbers="bfloat16"), device, effort)
        try:
            for _ in range(6):  # what is checked or recorded once is done then
                play()
            with device.refuse_waiting():
                play()
                play()
        except (RuntimeError, ValueError) as error:
            checks.append(Check(name=name, passed=False, detail=str(error).strip().splitlines()[0]))
        else:
            checks.append(Check(name=name, passed=True, detail="2 rounds"))
    return checks


def check_tests(*, seconds: float) -> Check:
    """Run the tests that are marked for CUDA."""
    name = "tests that are marked for CUDA"
    if seconds < 20:
        return Check(name=name, passed=None, detail="no time was left")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda", "tests"]
    status, text = run(words, seconds=seconds)
    lines = text.strip().splitlines() or ["nothing was printed"]
    if status is None:
        return Check(name=name, passed=False, detail=f"not done after {seconds:.0f} s; last: {lines[-1]}")
    if "No module named pytest" in text:
        return Check(name=name, passed=None, detail="pytest is not installed")
    return Check(name=name, passed=status == 0, detail=lines[-1].strip("= "))


def check_training(folder: Path, *, minutes: float, size: int = 64, pictures: int = PICTURES) -> Check:
    """Train the default recipe on rendered faces for some minutes."""
    name = f"training of the recipe default, {minutes:g} minutes"
    example = [sys.executable, "-m", "examples.anime_faces"]
    data, out = folder / "faces", folder / "run"
    if not data.exists():
        words = ["prepare", "--count", str(pictures), "--size", str(size), "--out", str(data)]
        status, text = run([*example, *words], seconds=240)
        if status != 0:
            return Check(name=name, passed=False, detail=f"no data set: {_last(text)}")
    words = ["train", "--data", str(data), "--out", str(out), "--minutes", str(minutes)]
    status, text = run([*example, *words], seconds=60 * minutes + 180)
    steps = [line for line in text.splitlines() if line.startswith("done")]
    return Check(name=name, passed=status == 0 and bool(steps), detail=steps[0].split(";")[0] if steps else _last(text))


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["nothing was printed"])[-1]
