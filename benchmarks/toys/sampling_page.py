"""The parts of the page that compare samples: ring, grid and digits."""

from collections.abc import Sequence

from benchmarks.toys.coverage import Bar
from benchmarks.toys.digits import CHANNELS, COMPARED, DigitToy, judge
from benchmarks.toys.plane import PlaneToy
from benchmarks.toys.runs import Record
from benchmarks.toys.tables import Row, percent, short, table
from benchmarks.toys.training import PAIRS, PLAIN_DCGAN, Course


def plane_section(toy: PlaneToy, records: Sequence[Record]) -> list[str]:
    """Return protocol, results, verdict and published rows of a mixture."""
    mixture = toy.mixture()
    protocol = (
        f"{len(mixture.centers)} Gaussians of standard deviation {mixture.deviation:g}, {toy.points:,} real points. Both "
        f"networks are perceptrons of {toy.layers} x {toy.width} units (ReLU in the generator, leaky ReLU in the critic), "
        f"latents standard normal in {toy.latent_features} dimensions. {_course(toy.course)} gamma = {toy.gamma:g}. "
        f"Measured on {toy.samples:,} samples: a sample is good within 3 standard deviations of the "
        "nearest center, a mode counts with one good sample, and reverse KL compares the good samples' shares of the modes "
        "with even ones."
    )
    rows = [
        [
            record.arm,
            str(record.seed),
            f"{record.figures['modes']} of {len(mixture.centers)}",
            percent(record.figures["high_quality"]),
            f"{record.figures['reverse_divergence']:.4f}",
            _missed(toy.bar, record),
            f"{record.seconds:.0f} s",
        ]
        for record in records
    ]
    return [
        f"## {toy.name.capitalize()} of {len(mixture.centers)} Gaussians",
        "",
        protocol,
        "",
        *table(["arm", "seed", "modes", "good samples", "reverse KL", "misses", "processor time"], rows),
        *_verdict(toy.bar, records),
        *_published(toy.published, "their networks, steps and optimizers are others"),
    ]


def digit_section(toy: DigitToy, records: Sequence[Record]) -> list[str]:
    """Return protocol, results, references, verdict and published rows of the stacked digits."""
    protocol = (
        "Three of the 1,797 real 8x8 digits of scikit-learn, drawn independently, are the three channels of an image: 1,000 "
        f"modes. Both networks are two strided convolutions of {toy.width} and {2 * toy.width} channels and a linear layer, "
        f"latents standard normal in {toy.latent_features} dimensions. {_course(toy.course)} gamma = {toy.gamma:g}. Measured "
        f"on {toy.samples:,} samples, each channel named by a support vector machine that was fitted to half of the digits "
        f"({percent(judge().accuracy)} right on the other half). A perfect sampler of N stacks from even modes would have a "
        f"reverse KL of about (1000 - 1) / 2N = {999 / (2 * toy.samples):.4f}. The judge assigns a digit to every "
        f"image, also to noise: *distance* is the mean over {CHANNELS * COMPARED:,} channels of the distance to the nearest "
        "real digit other than themselves."
    )
    rows = [
        [
            record.arm,
            str(record.seed),
            str(record.figures["modes"]),
            f"{record.figures['reverse_divergence']:.4f}",
            f"{record.figures['distance']:.2f}",
            _missed(toy.bar, record),
            f"{record.seconds:.0f} s",
        ]
        for record in records
    ]
    rows += [
        [
            name,
            "-",
            str(figures["modes"]),
            f"{figures['reverse_divergence']:.4f}",
            f"{figures['distance']:.2f}",
            "-",
            "-",
        ]
        for name, figures in toy.references().items()
    ]
    return [
        "## Stacked digits",
        "",
        protocol,
        "",
        *table(["arm", "seed", "modes", "reverse KL", "distance", "misses", "processor time"], rows),
        *_verdict(toy.bar, records),
        *_published(toy.published, "on stacked MNIST digits of 28x28, with DCGANs and 26,000 samples"),
    ]


def _course(course: Course) -> str:
    other = course.of(PLAIN_DCGAN)
    return (
        f"All arms train alike: {course.steps:,} rounds of one critic and one generator step that share a batch of "
        f"{course.batch}, Adam with betas {course.betas} and a rate that falls linearly from {course.learning_rate:g} to 0, "
        f"and samples of the generator's average (decay {course.decay:g}). One arm differs in its betas, {other.betas}, and "
        f"its first rate, {other.learning_rate:g}, which DCGAN made customary."
    )


def _missed(bar: Bar, record: Record) -> str:
    return ", ".join(bar.misses(record.figures)) or "nothing"


def _verdict(bar: Bar, records: Sequence[Record]) -> list[str]:
    asked = [f"{bar.modes} modes" + (f" ({bar.modes - bar.spared} with one of the seeds)" if bar.spared else "")]
    if bar.high_quality is not None:
        asked.append(f"{percent(bar.high_quality)} good samples")
    if bar.reverse_divergence is not None:
        asked.append(f"reverse KL {bar.reverse_divergence:g} or less")
    lines = [f"The bar, for every seed: {', '.join(asked)}.", ""]
    for arm in sorted({record.arm for record in records}, key=lambda arm: arm != PAIRS):
        seeds = [record.figures for record in records if record.arm == arm]
        count = sum(not bar.misses(figures) for figures in seeds)
        outcome = "reaches it" if bar.reached(seeds) else "misses it"
        lines.append(f"- **{arm}** {outcome}: {count} of {len(seeds)} seeds miss nothing.")
    return [*lines, ""]


def _published(rows: Sequence[Row], difference: str) -> list[str]:
    quality = any(row.high_quality is not None for row in rows)
    head = ["published", "method", "modes", *(["good samples"] if quality else []), "reverse KL"]
    lines = [
        [
            row.source,
            row.method,
            short(row.modes),
            *(["-" if row.high_quality is None else f"{row.high_quality:g} %"] if quality else []),
            short(row.reverse_divergence),
        ]
        for row in rows
    ]
    return [f"For comparison, means of published trials ({difference}):", "", *table(head, lines)]
