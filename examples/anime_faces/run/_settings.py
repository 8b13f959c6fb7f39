"""The settings of a run: written before the first step, compared when it is resumed."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from examples.anime_faces.asked import MOST_STEPS
from examples.anime_faces.differences import differences_of
from examples.anime_faces.files import write_text
from examples.anime_faces.recipes import address_of
from examples.anime_faces.records import ANY, RecordError, check_form, read_record
from examples.anime_faces.systems import Description, Hardware

# A change of one of these makes another run: other shapes, other data, or other draws.
BINDING = ("recipe", "options", "seed", "fingerprint", "description", "pictures", "start")
PLAIN = (str, bool, int, float, None)
FORM = {
    "recipe": str,
    "options": {ANY: PLAIN},
    "seed": int,
    "steps": int,
    "minutes": (float, None),
    "data": str,
    "fingerprint": str,
    "description": {
        "size": int,
        "kind": str,
        "attributes": [{"name": str, "classes": [str]}],
        "incomplete": [bool],
        "text?": {"encoder": str, "features": int, "pictures": int, "examples": [str]},
        "reads_labels?": bool,
        "second?": str,
    },
    "pictures": int,
    "start": (str, None),
    "grid_every": (int, None),
    "hardware": {"device?": str, "precision?": str, "channels_last?": bool, "threads?": int, "gradients?": str},
    "versions": {ANY: str},
    "seconds?": (float, None),
    "changes?": [{"step": int, "before": int, "after": int}],
    "keep?": [int],
    "timings?": {ANY: float},
    "ranks?": int,
}
"""Settings as plain data. Those with a question mark are not in runs of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """One change of the number of planned steps.

    Args:
        step: The steps that were done.
        before: The steps that were planned until then.
        after: The steps that are planned from then on.
    """

    step: int
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that determines what a run computes.

    Args:
        recipe: Name of the recipe; of one outside its address, ``package.module:NAME``.
        options: Its options.
        seed: Seed of weights, noise and the order of the data.
        steps: Rounds to train, as planned now; also the length of the plan for what changes over the run.
        minutes: The time that was requested, if any; turned into `steps` at the start.
        data: The data set's folder.
        fingerprint: SHA-256 of the data set.
        description: Size and attributes of the data.
        pictures: Pictures in use.
        start: The checkpoint that networks were taken from, with its digest.
        grid_every: Steps between two sample grids. None: about 30 over the run.
        hardware: Device, precision, layout and threads.
        versions: Versions of what computed.
        seconds: The time that the first plan was made for: the minutes without what was measured at the start. None: no minutes
            were requested.
        changes: How the plan has changed since. The numbers of a run depend on them as on the seed.
        keep: Steps whose checkpoints stay, in ascending order.
        timings: Seconds of a step in each way that was timed when the hardware was chosen; empty if nothing was.
        ranks: How many processes trained it together when it was started or resumed last.
    """

    recipe: str
    options: dict[str, Any]
    seed: int
    steps: int
    minutes: float | None
    data: str
    fingerprint: str
    description: Description
    pictures: int
    start: str | None
    grid_every: int | None
    hardware: Hardware
    versions: dict[str, str]
    seconds: float | None = None
    changes: tuple[PlanChange, ...] = ()
    keep: tuple[int, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    ranks: int = 1

    @property
    def first_steps(self) -> int:
        """The steps of the first plan."""
        return self.changes[0].before if self.changes else self.steps

    def changed(self, step: int, steps: int) -> "Settings":
        """Return the settings with another number of planned steps, after `step` steps."""
        change = PlanChange(step=step, before=self.steps, after=steps)
        return replace(self, steps=steps, changes=(*self.changes, change))

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts, numbers and strings."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain["description"] = self.description.to_dict()
        plain["hardware"] = asdict(self.hardware)
        plain["changes"] = [asdict(change) for change in self.changes]
        plain["keep"] = list(self.keep)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Settings":
        """Rebuild what :meth:`to_dict` returned.

        Raises:
            ValueError: It is something else, or has entries that this version does not know.
        """
        check_form(plain, FORM)
        if not 0 < plain["steps"] <= MOST_STEPS:
            raise RecordError(f"steps must be above 0, and at most {MOST_STEPS:,}, but it is {plain['steps']}")
        unknown = plain.keys() - {name.removesuffix("?") for name in FORM}
        if unknown:
            raise RecordError(f"{min(unknown)} is not known: a newer version has written it")
        try:
            return cls(
                **{
                    **plain,
                    "recipe": address_of(plain["recipe"]),  # earlier versions wrote the module alone
                    "description": Description.from_dict(plain["description"], pictures=plain["pictures"]),
                    "hardware": Hardware(**plain["hardware"]),
                    "changes": tuple(PlanChange(**change) for change in plain.get("changes", ())),
                    "keep": tuple(plain.get("keep", ())),
                }
            )
        except TypeError as error:  # an entry of a newer version
            raise RecordError(str(error).rpartition("() ")[2]) from error
        except ValueError as error:  # such as the name of an attribute that no data set has
            raise RecordError(str(error)) from error

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all; a file with the same content is not touched."""
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        write_text(path, text, only_changed=True)

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read what :meth:`save` wrote.

        Raises:
            ValueError: The file does not hold the settings of a run.
            OSError: It cannot be read.
        """
        try:
            return cls.from_dict(read_record(path, FORM))
        except RecordError as error:
            raise ValueError(f"{path} is not the settings of a run: {error}") from error


def differences(old: Settings, new: Settings) -> list[str]:
    """List what must not change and has changed, one entry per line."""
    before, after = old.to_dict(), new.to_dict()
    lines: list[str] = []
    for name in BINDING:
        if name in ("options", "description", "pictures") and old.recipe != new.recipe:
            continue  # another recipe has other options, and uses other labels and pictures
        found = differences_of(name, before[name], after[name])
        if found and name == "fingerprint":
            lines.append(f"  {_other_data(old, new)}")
        else:
            lines += [f"  {one.name}: was {one.was}, now {one.now}" for one in found]
    return lines


def _other_data(old: Settings, new: Settings) -> str:
    was, now = (one.fingerprint[:12] for one in (old, new))
    if old.data == new.data:
        return f"data set: {new.data} has other contents now (fingerprint: was {was}, now {now})"
    return f"data set: was {old.data} (fingerprint {was}), now {new.data} (fingerprint {now})"


def flags_of_then(old: Settings, now: Settings) -> str:
    """Return what to add to the command to have the options of then, which may have been the defaults of an earlier version."""
    if old.recipe != now.recipe:
        return ""
    folder = {"data": old.data} if old.fingerprint != now.fingerprint and old.data != now.data else {}
    other = {name: value for name, value in old.options.items() if now.options.get(name) != value} | folder
    flags = [f"--{'no-' * (value is False)}{name.replace('_', '-')}{_value(value)}" for name, value in other.items()]
    return f" (with {' '.join(flags)})" if flags else ""


def _value(value: object) -> str:
    return "" if isinstance(value, bool) else f" {shlex.quote(str(value))}"
