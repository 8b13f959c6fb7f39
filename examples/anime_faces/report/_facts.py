"""The sections of plain facts: the data and what was skipped of it, all settings, and how to do it again."""

import shlex
from collections import Counter
from collections.abc import Iterable
from html import escape

from examples.anime_faces.recipes import OPTIONS
from examples.anime_faces.report._evidence import Evidence

MOST_SKIPPED = 100
PROGRAM = "python -m examples.anime_faces"


def data_section(evidence: Evidence) -> str:
    """Say what was trained on, and list what was skipped with the reasons."""
    settings = evidence.settings
    description = settings.description
    facts = [
        ("folder", settings.data),
        ("kind", description.kind),
        ("size", f"{description.size} by {description.size}"),
    ]
    facts.append(("pictures in use", f"{settings.pictures:,}"))
    facts += [(attribute.name, ", ".join(attribute.classes)) for attribute in description.attributes]
    if description.text is not None:
        facts.append(("texts", f"{description.text.encoder}, {description.text.features} numbers each"))
        facts.append(("such as", "; ".join(description.text.examples[:3])))
    facts.append(("fingerprint", settings.fingerprint))
    return f'<h2 id="data">Data</h2><div class="card">{definitions(facts)}</div>{_skipped(evidence)}'


def _skipped(evidence: Evidence) -> str:
    dataset = evidence.dataset
    if dataset is None:
        return '<p class="soft">The data set is not in its folder any more, so what it skipped cannot be listed.</p>'
    left_out = len(dataset) - evidence.settings.pictures
    words = f"{len(dataset):,} pictures were prepared"
    wanted = "label" if evidence.settings.description.text is None else "text"
    words += f"; {left_out:,} of them have no {wanted} that this recipe can use. " if left_out > 0 else ". "
    if not dataset.skipped:
        return f"<p>{words}No file was skipped.</p>"
    reasons = Counter(entry["reason"] for entry in dataset.skipped)
    common = "; ".join(f"{escape(reason)} ({count})" for reason, count in reasons.most_common(6))
    rows = "".join(
        f"<tr><td><code>{escape(entry['file'])}</code></td><td>{escape(entry['reason'])}</td></tr>"
        for entry in dataset.skipped[:MOST_SKIPPED]
    )
    more = len(dataset.skipped) - MOST_SKIPPED
    rest = f'<p class="soft">and {more} more, listed in skipped.jsonl</p>' if more > 0 else ""
    count = len(dataset.skipped)
    skipped = "1 file was skipped" if count == 1 else f"{count:,} files were skipped"
    return (
        f"<p>{words}{skipped}: {common}.</p><details><summary>All skipped files</summary>"
        f'<div class="card scroll"><table><thead><tr><th>File</th><th>Reason</th></tr></thead><tbody>{rows}</tbody>'
        f"</table>{rest}</div></details>"
    )


def settings_section(evidence: Evidence) -> str:
    """List every setting."""
    settings = evidence.settings
    facts = [("recipe", f"{settings.recipe}: {evidence.recipe}"), ("steps", f"{settings.steps:,}")]
    if settings.minutes is not None:
        facts.append(("planned minutes", f"{settings.minutes:g}"))
    facts.append(("seed", str(settings.seed)))
    facts.append(("hardware", str(settings.hardware)))
    if settings.start is not None:
        facts.append(("started from", settings.start))
    facts += [(name.replace("_", " "), str(value)) for name, value in settings.options.items() if value != ""]
    facts.append(("versions", ", ".join(f"{name} {version}" for name, version in settings.versions.items())))
    return f'<h2 id="settings">Settings</h2><div class="card">{definitions(facts)}</div>'


def reproduction_section(evidence: Evidence) -> str:
    """Give the commands that repeat the run, bit for bit on the same kind of machine."""
    settings, folder = evidence.settings, evidence.folder.path
    hardware = settings.hardware
    words = [PROGRAM, "train", "--recipe", settings.recipe, "--data", settings.data, "--out", f"{folder}-again"]
    words += ["--steps", str(settings.steps), "--seed", str(settings.seed), "--threads", str(hardware.threads)]
    words += ["--device", hardware.device, "--precision", hardware.precision]
    if settings.start is not None:
        words += ["--from", settings.start.split(" (")[0]]
    words += _changed_options(settings.recipe, settings.options)
    commands = [
        " ".join([PROGRAM, *(shlex.quote(word) for word in words[1:])]),
        f"{PROGRAM} digest {shlex.quote(f'{folder}-again')}",
        f"{PROGRAM} digest {shlex.quote(str(folder))}",
    ]
    return (
        '<h2 id="again">Do it again</h2><p>With the same versions and the same number of threads the two digests, which '
        f"cover all weights and all other state, come out equal.</p><pre>{escape(chr(10).join(commands))}</pre>"
        + _sampling(evidence)
    )


def definitions(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a definition list."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts)}</dl>"


def _changed_options(recipe: str, options: dict[str, object]) -> list[str]:
    usual = OPTIONS[recipe]()
    words: list[str] = []
    for name, value in options.items():
        if value == getattr(usual, name):
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", str(value)]
    return words


def _sampling(evidence: Evidence) -> str:
    attributes = evidence.settings.description.attributes
    folder = shlex.quote(str(evidence.folder.path))
    text = evidence.settings.description.text
    prompt = " ".join(attribute.phrase(0) for attribute in attributes) if text is None else text.examples[0]
    asked = f"{shlex.quote(prompt)} " if prompt else ""
    command = f"{PROGRAM} sample {asked}--n 16 --run {folder}"
    return f"<p>And to draw more pictures:</p><pre>{escape(command)}</pre>"
