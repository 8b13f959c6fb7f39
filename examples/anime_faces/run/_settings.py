"""The settings of a run: written before the first step, compared when it is resumed."""

import json
import shlex
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from examples.anime_faces.differences import differences_of
from examples.anime_faces.files import written_whole
from examples.anime_faces.systems import Description, Hardware

# A change of one of these makes another run: other shapes, other data, or other draws.
BINDING = ("recipe", "options", "seed", "fingerprint", "description", "pictures", "start")


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
        recipe: Name of the recipe; a dotted one is that of a module outside.
        options: Its options.
        seed: Seed of weights, noise and the order of the data.
        steps: Rounds to train, as planned now; also the length of the plan for what changes over the run.
        minutes: The time that was asked for, if any; turned into `steps` at the start.
        data: The data set's folder.
        fingerprint: SHA-256 of the data set.
        description: Size and attributes of the data.
        pictures: Pictures in use.
        start: The checkpoint that networks were taken from, with its digest.
        grid_every: Steps between two sample grids. None: about 30 over the run.
        hardware: Device, precision, layout and threads.
        versions: Versions of what computed.
        seconds: The time that the first plan was made for: the minutes without what was measured at the start. None: no minutes
            were asked for.
        changes: How the plan has changed since. The numbers of a run depend on them as on the seed.
        keep: Steps whose checkpoints stay, in ascending order.
        timings: Seconds of a step in each way that was timed when the hardware was chosen; empty if nothing was.
        ranks: How many processes trained it together when it was begun or went on last.
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
    def from_dict(cls, plain: dict[str, Any]) -> "Settings":
        """Rebuild what :meth:`to_dict` wrote."""
        return cls(
            **{
                **plain,
                "description": Description.from_dict(plain["description"], pictures=plain["pictures"]),
                "hardware": Hardware(**plain["hardware"]),
                "changes": tuple(PlanChange(**change) for change in plain.get("changes", ())),
                "keep": tuple(plain.get("keep", ())),
            }
        )

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all; a file with the same content is not touched."""
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read what :meth:`save` wrote.

        Raises:
            ValueError: The file does not hold the settings of a run.
        """
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not the settings of a run: {error}") from error


def differences(old: Settings, new: Settings) -> list[str]:
    """List what must not change and has changed, one entry per line."""
    before, after = old.to_dict(), new.to_dict()
    lines: list[str] = []
    for name in BINDING:
        if name in ("options", "description", "pictures") and old.recipe != new.recipe:
            continue  # another recipe has other options, and uses other labels and pictures
        lines += [
            f"  {one.name}: was {one.was}, now {one.now}" for one in differences_of(name, before[name], after[name])
        ]
    return lines


def flags_of_then(old: Settings, now: Settings) -> str:
    """Return what to add to the command to have the options of then, which may have been the defaults of an earlier version."""
    if old.recipe != now.recipe:
        return ""
    other = {name: value for name, value in old.options.items() if now.options.get(name) != value}
    flags = [f"--{'no-' * (value is False)}{name.replace('_', '-')}{_value(value)}" for name, value in other.items()]
    return f" (with {' '.join(flags)})" if flags else ""


def _value(value: object) -> str:
    return "" if isinstance(value, bool) else f" {shlex.quote(str(value))}"
