"""The plain facts: the tiles, the data and what was skipped of it, all settings, and the commands that repeat the run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from examples.anime_faces.data import command_line, example_of
from examples.anime_faces.recipes import find_options, is_outside, recipe_names
from examples.anime_faces.report._evidence import Evidence
from examples.anime_faces.report._figures import Fact, passed_of
from examples.anime_faces.run import Settings
from examples.anime_faces.systems import Description

MOST_SKIPPED = 100


class Data(NamedTuple):
    """What the section of the data shows; `found` is False where the data set is not in its folder any more."""

    facts: list[Fact]
    found: bool
    prepared: str
    skipped: Sequence[Mapping[str, str]]
    more: int


class Commands(NamedTuple):
    """The commands that repeat the run and compare it with this one, train it longer, draw more pictures, and measure it."""

    again: str
    longer: str
    sample: str
    evaluate: str


def tiles_of(evidence: Evidence) -> list[Fact]:
    """Return the main numbers of the run."""
    settings = evidence.settings
    tiles = [Fact(f"of {settings.steps:,} steps trained", f"{evidence.step:,}")] if evidence.log else []
    if evidence.log:
        last = evidence.log[-1]
        tiles.append(Fact("of training", _duration(last["seconds"])))
        if last["seconds"] > 0:
            tiles.append(Fact("pictures a second", f"{last['images'] / last['seconds']:,.0f}"))
    tiles.append(Fact("pictures to learn from", f"{settings.pictures:,}"))
    passed = passed_of(evidence.metrics)
    if passed is not None and passed[1]:
        earlier = evidence.measured_earlier
        at = "" if earlier is None else f" at step {earlier:,}: measured before the last training"
        tiles.append(Fact(f"of {passed[1]} targets reached{at}", str(passed[0])))
    return tiles


def data_of(evidence: Evidence) -> Data:
    """Return what was trained on, and what was skipped with the reasons."""
    settings, dataset = evidence.settings, evidence.dataset
    description = settings.description
    facts = [
        Fact("folder", settings.data),
        Fact("kind", description.kind),
        Fact("size", f"{description.size} by {description.size}"),
        Fact("pictures in use", f"{settings.pictures:,}"),
        *(Fact(attribute.name, ", ".join(attribute.classes)) for attribute in description.attributes),
    ]
    if not description.reads_labels:
        facts.append(Fact("labels", "not read by the recipe"))
    if description.text is not None:
        facts.append(Fact("texts", f"{description.text.encoder}, {description.text.features} numbers each"))
        facts.append(Fact("such as", "; ".join(description.text.examples[:3])))
    facts.append(Fact("fingerprint", settings.fingerprint))
    if dataset is None:
        missing = "The data set is not in its folder any more, so what it skipped cannot be listed."
        return Data(facts, found=False, prepared=missing, skipped=(), more=0)
    skipped = dataset.skipped
    return Data(
        facts,
        found=True,
        prepared=_prepared(evidence),
        skipped=skipped[:MOST_SKIPPED],
        more=len(skipped) - MOST_SKIPPED,
    )


def _prepared(evidence: Evidence) -> str:
    """Return how many pictures were prepared, how many of them this recipe cannot use, and what was skipped."""
    dataset = evidence.dataset
    assert dataset is not None
    left_out = len(dataset) - evidence.settings.pictures
    wanted = "label" if evidence.settings.description.text is None else "text"
    words = f"{len(dataset):,} pictures were prepared"
    words += f"; {left_out:,} of them have no {wanted} that this recipe can use. " if left_out > 0 else ". "
    count = len(dataset.skipped)
    if not count:
        return f"{words}No file was skipped."
    reasons = Counter(entry["reason"] for entry in dataset.skipped)
    common = "; ".join(f"{reason} ({times})" for reason, times in reasons.most_common(6))
    return f"{words}{'1 file was skipped' if count == 1 else f'{count:,} files were skipped'}: {common}."


def settings_of(evidence: Evidence) -> list[Fact]:
    """Return every setting."""
    settings = evidence.settings
    facts = [Fact("recipe", f"{settings.recipe}: {evidence.recipe}"), Fact("steps", f"{settings.steps:,}")]
    if settings.minutes is not None:
        facts.append(Fact("planned minutes", f"{settings.minutes:g}"))
    facts += [Fact("changed plan", change) for change in changes_of(settings)]
    facts.append(Fact("seed", str(settings.seed)))
    facts.append(Fact("hardware", str(settings.hardware)))
    facts += [Fact(f"timed: {name}", f"{seconds:.3g} s for a step") for name, seconds in settings.timings.items()]
    if settings.start is not None:
        facts.append(Fact("started from", settings.start))
    facts += [Fact(name.replace("_", " "), str(value)) for name, value in settings.options.items() if value != ""]
    facts.append(Fact("versions", ", ".join(f"{name} {version}" for name, version in settings.versions.items())))
    return facts


def changes_of(settings: Settings) -> list[str]:
    """Return how the number of planned steps changed during the training, a sentence each."""
    return [
        f"After step {change.step:,}, the plan of {change.before:,} steps became one of {change.after:,}."
        for change in settings.changes
    ]


def changes_in_short(settings: Settings) -> str:
    """Return in one sentence that the plan has changed; empty where it has not. The settings list every change."""
    if not settings.changes:
        return ""
    first, last = settings.changes[0], settings.changes[-1]
    if len(settings.changes) == 1:
        return changes_of(settings)[0]
    return (
        f"The plan of {first.before:,} steps changed {len(settings.changes)} times, the last time after step {last.step:,} to "
        f"{last.after:,}; the settings below list all changes."
    )


def commands_of(evidence: Evidence) -> Commands:
    """Return the commands that repeat the run, bit for bit on the same kind of machine, and those that draw and measure."""
    settings, description, folder = evidence.settings, evidence.settings.description, evidence.folder.path
    hardware = settings.hardware
    words = ["--recipe", settings.recipe, "--data", settings.data]
    words += ["--seed", str(settings.seed), "--threads", str(hardware.threads)]
    words += ["--device", hardware.device, "--precision", hardware.precision]
    if hardware.gradients != "eager":
        words += ["--gradients", hardware.gradients]
    if settings.start is not None:
        words += ["--from", settings.start.split(" (")[0]]
    words += _changed_options(settings.recipe, settings.options)
    prompt = _prompt(description)
    plan = ["--plan", str(folder)] if changes_of(settings) else ["--steps", str(settings.steps)]
    again = [
        ["train", "--out", f"{folder}-again", *plan, *words],
        ["digest", f"{folder}-again"],
        ["digest", str(folder)],
    ]
    asked = [prompt] if prompt else []
    named = ["--recipe", settings.recipe] if is_outside(settings.recipe) else []
    return Commands(
        again="\n".join(command_line(each) for each in again),
        longer=command_line(["train", "--out", str(folder), "--steps", str(2 * settings.steps), *words]),
        sample=command_line(["sample", *asked, "--n", "16", "--run", str(folder), *named]),
        evaluate="\n".join(command_line([name, str(folder), *named]) for name in ("evaluate", "report")),
    )


def _prompt(description: Description) -> str:
    """Return something that pictures can be requested; empty if nothing can be."""
    if description.text is not None:
        return description.text.examples[0]
    return example_of(description.attributes) if description.reads_labels else ""


def _changed_options(recipe: str, options: dict[str, object]) -> list[str]:
    usual = find_options(recipe)() if recipe in recipe_names() else None
    words: list[str] = []
    for name, value in options.items():
        if value == getattr(usual, name, None):
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", str(value)]
    return words


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
