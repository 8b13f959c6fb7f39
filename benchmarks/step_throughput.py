"""Time a full GAN iteration of gankit against a plain tutorial loop: ``python -m benchmarks.step_throughput``.

Ratios of medians-in-turn, never bare times, and beside each the difference that the form makes to the trained weights.
"""

import argparse
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import torch

from benchmarks.forms import Form, Iteration, played_round, shared_fake, tutorial
from benchmarks.recipes import RECIPES, Batch, Networks, Recipe, Setting, make_batches, make_networks
from benchmarks.timing import Ratio, compare, fastest_convolutions

FORMS: tuple[tuple[str, Form, bool], ...] = (
    ("tutorial loop", tutorial, False),
    ("gankit, play_round", played_round, False),
    ("gankit, shared fake", shared_fake, False),
    ("tutorial loop", tutorial, True),
    ("gankit, shared fake", shared_fake, True),
)
ERROR_ITERATIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure."""

    warmup: int
    repeats: int
    inner: int


def time_recipe(recipe: Recipe, setting: Setting, effort: Effort) -> list[Ratio]:
    """Return the time of each form over that of the tutorial loop in float32."""
    runs = []
    for _, form, bfloat16 in FORMS:
        own = replace(setting, bfloat16=bfloat16)
        iterate = form(recipe, make_networks(recipe, own), own)
        batches = cycle(make_batches(own, 2 * recipe.critic_steps))
        runs.append(partial(_iterate, iterate, batches, recipe.critic_steps))
    return compare(runs, device=setting.device, warmup=effort.warmup, repeats=effort.repeats, inner=effort.inner)


def measure_error(recipe: Recipe, setting: Setting, form: Form, *, bfloat16: bool) -> float:
    """Return the distance of a form's final weights to those of the tutorial loop in float64, divided by how far those moved.

    Both start from the same weights, batches and draws. The form runs in float64 too, or in bfloat16 if that is timed.
    """
    exact = replace(setting, dtype=torch.float64, width=8, batch=7)
    own = replace(exact, dtype=torch.float32, bfloat16=True) if bfloat16 else exact
    start = make_networks(recipe, exact).weights()
    expected = _train(tutorial, recipe, exact).weights()
    return float(((_train(form, recipe, own).weights() - expected).norm() / (expected - start).norm()).item())


def write_table(setting: Setting, effort: Effort, recipes: tuple[Recipe, ...] = RECIPES) -> str:
    """Measure all recipes and return the page."""
    lines = _introduction(setting, effort)
    for recipe in recipes:
        ratios = time_recipe(recipe, setting, effort)
        for (name, form, bfloat16), ratio in zip(FORMS, ratios, strict=True):
            error = measure_error(recipe, setting, form, bfloat16=bfloat16)
            numbers = "bfloat16, channels last" if bfloat16 else "float32"
            lines.append(
                f"| {recipe.name} | {name} | {numbers} | {ratio.median:.3f} | {ratio.low:.3f} to {ratio.high:.3f} "
                f"| {error:.1e} |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure on the GPU if there is one, else on the CPU, and write the table."""
    arguments = _parse()
    device = torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    on_cuda = device.type == "cuda"
    if not on_cuda:
        torch.set_num_threads(arguments.threads)
    setting = Setting(device=device, width=64 if on_cuda else 32, batch=64 if on_cuda else 32)
    effort = Effort(warmup=20, repeats=15, inner=10) if on_cuda else Effort(warmup=1, repeats=9, inner=1)
    if arguments.repeats is not None:
        effort = replace(effort, repeats=arguments.repeats)
    if arguments.quick:
        setting, effort = replace(setting, width=8, batch=4), Effort(warmup=1, repeats=2, inner=1)
    with fastest_convolutions():
        table = write_table(setting, effort)
    name = f"cuda-{_device_name(device).lower().replace(' ', '-')}" if on_cuda else "cpu"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{name}.md").write_text(table, encoding="utf-8")
    print(table)


def _introduction(setting: Setting, effort: Effort) -> list[str]:
    measured = (
        f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), DCGAN 64x64, width {setting.width}, batch "
        f"{setting.batch}; written by `python -m benchmarks.step_throughput`. When it started, {os.getloadavg()[0]:.1f} "
        f"processes were ready to run on {os.cpu_count()} processors: the more, the wider the quartiles."
    )
    time = (
        "*time* is that of a full iteration (all critic updates and one generator update) over the tutorial loop's in "
        f"float32: the median of {effort.repeats} repeats taken in turn, with quartiles; lower is faster."
    )
    error = (
        f"*error* is how far the weights end from the tutorial loop's in float64 after {ERROR_ITERATIONS} iterations (width "
        "8, batch 7), over how far those moved: the float32 rows are checked in float64, the bfloat16 rows as they run. "
        "Adam's first steps follow little but the sign of each gradient, so that its bfloat16 rows differ most."
    )
    head = ["| recipe | form | numbers | time | quartiles | error |", "|---|---|---|---|---|---|"]
    return [f"# Step throughput on {_device_name(setting.device)}", "", measured, "", time, "", error, "", *head]


def _iterate(iterate: Iteration, batches: Iterator[Batch], count: int) -> None:
    iterate(list(islice(batches, count)))


def _train(form: Form, recipe: Recipe, setting: Setting) -> Networks:
    networks = make_networks(recipe, setting)
    iterate = form(recipe, networks, setting)
    batches: list[Batch] = make_batches(setting, ERROR_ITERATIONS * recipe.critic_steps)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for first in range(0, len(batches), recipe.critic_steps):
            iterate(batches[first : first + recipe.critic_steps])
    return networks


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpu = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in cpu.read_text().splitlines() if "model name" in line]
        if cpu.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny networks and two repeats: does it run at all")
    parser.add_argument("--device", help="cpu or cuda; by default the GPU where there is one")
    parser.add_argument("--repeats", type=int, help="samples of each form; by default 9 on the CPU, 15 on a GPU")
    parser.add_argument("--threads", type=int, default=1, help="threads on the CPU")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder of the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
