"""How a session begins: what is there already, what is planned, where the weights come from, and what is printed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.printing import say
from examples.anime_faces.run._batch import large_batch
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._formats import checked_state, load_any_checkpoint
from examples.anime_faces.run._kept import check_kept_steps, kept_in_words
from examples.anime_faces.run._planning import (
    plan_resumption,
    plan_run,
    versions_here,
)
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._request import TrainRequest, note_change
from examples.anime_faces.run._session import Session
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._state import restore_state, take_networks
from examples.anime_faces.run._together import Together
from examples.anime_faces.systems import Hardware, Selection, System, Training

MOST_NAMED = 12

Found = tuple[int, Mapping[str, Any]]
"""A checkpoint: its step and its state."""


def newest_checkpoint(folder: RunFolder, together: Together) -> Found | None:
    """Return the newest checkpoint of a run; the first rank, which holds the folder, reads it and sends it to the others.

    Raises:
        ValueError: There are checkpoints, but none is whole, or the newest is not one of a run.
    """
    found: Found | None = None
    if together.is_first:
        found = gk.training.Checkpoints(folder.checkpoints).load_latest()
        if found is not None:
            checked_state(found[1], folder.checkpoints)
    if together.is_alone:
        return found
    step = together.of_first(-1 if found is None else found[0])
    if step < 0:
        return None
    data = together.bytes_of_first(lambda: gk.training.Checkpoints(folder.checkpoints).path(step).read_bytes())
    if found is not None:
        return found
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "checkpoint.pt"
        path.write_bytes(data)
        return step, load_any_checkpoint(path)


def plan_together(
    request: TrainRequest,
    dataset: Dataset,
    selection: Selection,
    found: Found | None,
    together: Together,
) -> tuple[Settings, tuple[Hardware, ...]]:
    """Decide everything but what must be measured, and return what hardware there is to choose from.

    The first rank decides for all.

    Raises:
        ValueError: The request does not fit the run, or a rank has other data or other versions.
    """
    if together.is_alone:
        return _plan(request, dataset, selection, found, together)

    def plan() -> str:
        settings, choices = _plan(request, dataset, selection, found, together)
        return json.dumps([settings.to_dict(), [asdict(choice) for choice in choices]])

    settings, choices = json.loads(together.text_of_first(plan))
    together.check_same({"the data set": dataset.fingerprint, "the versions": repr(versions_here())})
    return Settings.from_dict(settings), tuple(Hardware(**choice) for choice in choices)


def _plan(
    request: TrainRequest,
    dataset: Dataset,
    selection: Selection,
    found: Found | None,
    together: Together,
) -> tuple[Settings, tuple[Hardware, ...]]:
    ranks = together.share.ranks
    if found is None:
        settings, choices = plan_run(request, dataset, selection)
        steps = settings.steps if request.minutes is None and request.plan is None else None
        check_kept_steps(request.keep, RunFolder(request.out), trained=0, steps=steps)
    else:
        old = Settings.from_dict(found[1]["settings"])
        settings, choices = plan_resumption(old, request, dataset, selection, trained=found[0]), ()
        if old.ranks != ranks:
            note_change(
                request, f"{old.ranks} rank{'s' * (old.ranks > 1)} trained this run until now, and {ranks} from here on"
            )
    if ranks > 1:
        if settings.hardware.gradients == "graphed":
            raise ValueError(
                "--gradients must be eager or compiled where several ranks train, but it is graphed: a CUDA graph that holds "
                "sums over ranks has not been tried"
            )
        choices = tuple(choice for choice in choices if choice.gradients != "graphed")
    return replace(settings, ranks=ranks), choices


def rehearse(request: TrainRequest, found: Found | None, training: Training, feed: Feed, together: Together) -> None:
    """Try whether what a run continues from, or starts from, fits what was built, before anything is written.

    Raises:
        ValueError: It does not.
    """
    if found is not None:
        lost: list[str] = []
        restore_state(found[1], training, feed, Record(None, every=1), together, on_lost=lost.append)
        if lost and request.strict:
            note_change(request, f"random numbers are lost: {lost[0]}")
    elif request.start is not None and together.is_first:
        take_networks(load_any_checkpoint(request.start), training)


def begin(session: Session, request: TrainRequest) -> int:
    """Start from fresh networks or from those of another run, and save a first checkpoint: it shows that saving works."""
    training, together = session.training, session.together
    if request.start is not None:
        if together.is_first:
            _take(request.start, session)
        averages = [average.network for average in training.averages.values()]
        gk.training.broadcast_state([*training.networks.values(), *averages])
    session.save(0)
    return 0


def _take(start: Path, session: Session) -> None:
    taken, left_out = take_networks(load_any_checkpoint(start), session.training)
    say(
        f"start     {taken} entries of the networks of {start} are taken; {len(left_out)} entries keep their "
        "fresh start"
    )
    for line in left_out[:MOST_NAMED]:
        say(f"            {line}")
    if len(left_out) > MOST_NAMED:
        say(f"            and {len(left_out) - MOST_NAMED} more")


def announce(settings: Settings, pictures: int, system: System, options: Any) -> None:
    """Say what will be trained, by which options of its recipe."""
    names = ", ".join(f"{attribute.name} ({len(attribute.classes)})" for attribute in settings.description.attributes)
    size, unread = settings.description.size, "" if settings.description.reads_labels else " (labels are not read)"
    say(f"data      {settings.pictures} of {pictures} pictures, {size}x{size}, attributes: {names or 'none'}{unread}")
    text = settings.description.text
    if text is not None:
        say(f"texts     {text.encoder}, {text.features} numbers each")
    values = ", ".join(f"{name} {value}" for name, value in settings.options.items() if value != "")
    say(f"recipe    {settings.recipe}: {values}")
    say(f"plan      {settings.steps} steps, seed {settings.seed}")
    if settings.ranks > 1:
        say(f"ranks     {settings.ranks}, which share every batch; this first one writes all files")
    if settings.keep:
        say(f"keep      {kept_in_words(settings.keep, settings.steps)}")
    if system.note:
        say(f"note      {system.note}")
    if (large := large_batch(system, options, settings.pictures)) is not None:
        say(f"warning   {': '.join(large)}")
