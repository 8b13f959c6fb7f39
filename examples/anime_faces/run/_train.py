"""`train`: from a recipe and a data set to a folder with a trained generator; the same call again resumes."""

from dataclasses import replace

import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import check_counts
from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.recipes._selection import Selection
from examples.anime_faces.run._budget import steps_within
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._fine_tune import load_any_checkpoint, take_networks
from examples.anime_faces.run._folder import RunFolder, locked
from examples.anime_faces.run._planning import plan_resumption, plan_run
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._request import Outcome, TrainRequest
from examples.anime_faces.run._session import Session, play_step
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._signals import StopSignals
from examples.anime_faces.run._state import restore_state
from examples.anime_faces.run._stores import Store, choose_store

LOG_EVERY = 20
MOST_NAMED = 12


def train(request: TrainRequest) -> Outcome:
    """Train, or go on training.

    Raises:
        ValueError: The request does not fit the data, or the run that the folder holds.
        OSError: The folder cannot be written.
        RunLockedError: Another process trains in it.
        NotFiniteError: A loss or gradient became NaN or infinite; the last checkpoint is good.
    """
    check_counts(request.options)
    dataset = Dataset.open(request.data)
    conditioning = request.recipe.conditioning(request.options)
    selection = conditioning.select(dataset)
    folder = RunFolder(request.out)
    with locked(folder), StopSignals() as signals:
        folder.prepare()
        found = gk.training.Checkpoints(folder.checkpoints).load_latest()
        if found is not None:
            old = Settings.from_dict(found[1]["settings"])
            settings = plan_resumption(old, request, dataset, selection)
        else:
            settings = plan_run(request, dataset, selection)
        store = choose_store(dataset.images, settings.hardware)
        if found is None and request.minutes is not None:
            settings = _measured(settings, request, selection, store)
        settings.save(folder.settings)
        _announce(settings, len(dataset))
        system, feed = _build(settings, request, selection, store)
        session = Session(
            folder=folder,
            settings=settings,
            conditioning=conditioning,
            system=system,
            feed=feed,
            record=Record(folder.log, every=LOG_EVERY),
            signals=signals,
        )
        step = _begin(session, request) if found is None else restore_state(found[1], system, feed, session.record)
        session.record.open(step)
        try:
            last, fingerprint = session.train(step)
        finally:
            session.record.close()
    return Outcome(step=last, steps=settings.steps, exit_code=signals.exit_code, digest=fingerprint)


def _build(settings: Settings, request: TrainRequest, selection: Selection, store: Store) -> tuple[System, Feed]:
    """Build networks and feed from the seed, the same each time."""
    torch.set_num_threads(settings.hardware.threads)
    torch.manual_seed(settings.seed)
    system = request.recipe.build(settings.description, request.options, settings.hardware, settings.steps)
    feed = Feed(
        store,
        selection,
        batch_size=system.batch_size,
        seed=settings.seed,
        hardware=settings.hardware,
        repeat=system.repeat,
        group=system.group,
    )
    return system, feed


def _measured(settings: Settings, request: TrainRequest, selection: Selection, store: Store) -> Settings:
    """Turn minutes into steps, by rounds of a system that is then thrown away."""
    assert request.minutes is not None
    system, feed = _build(settings, request, selection, store)

    def play(step: int) -> None:
        play_step(system, feed, step)
        if torch.device(settings.hardware.device).type == "cuda":
            torch.cuda.synchronize()  # or the clock would measure how fast work is handed over, not done

    steps = steps_within(request.minutes, play)
    print(f"budget    {request.minutes:g} minutes are {steps} steps here; the plan is fixed now")
    return replace(settings, steps=steps)


def _begin(session: Session, request: TrainRequest) -> int:
    """Start from fresh networks or from another run's, and prove by a first checkpoint that saving works."""
    if request.start is not None:
        left_out = take_networks(load_any_checkpoint(request.start), session.system)
        print(f"start     networks of {request.start}; {len(left_out)} entries keep their fresh start")
        for line in left_out[:MOST_NAMED]:
            print(f"            {line}")
        if len(left_out) > MOST_NAMED:
            print(f"            and {len(left_out) - MOST_NAMED} more")
    session.save(0)
    return 0


def _announce(settings: Settings, pictures: int) -> None:
    names = ", ".join(f"{attribute.name} ({len(attribute.classes)})" for attribute in settings.description.attributes)
    size = settings.description.size
    print(f"data      {settings.pictures} of {pictures} pictures, {size}x{size}, attributes: {names or 'none'}")
    text = settings.description.text
    if text is not None:
        print(f"texts     {text.encoder}, {text.features} numbers each")
    options = ", ".join(f"{name} {value}" for name, value in settings.options.items() if value != "")
    print(f"recipe    {settings.recipe}: {options}")
    print(f"plan      {settings.steps} steps, seed {settings.seed}")
