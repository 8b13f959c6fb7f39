"""`train`: from a recipe and a data set to a folder with a trained generator; the same call again resumes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.run._console import StopSignals
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._folder import RunFolder, locked
from examples.anime_faces.run._kept import check_kept_steps, kept_in_words
from examples.anime_faces.run._measuring import choose_by_rounds, seconds_per_step, steps_within
from examples.anime_faces.run._outlines import in_short, write_outline
from examples.anime_faces.run._pace import AsRecorded, ByTheClock, Pacer, keep_the_plan
from examples.anime_faces.run._planning import Outcome, TrainRequest, plan_resumption, plan_run, read_plan
from examples.anime_faces.run._preview import Preview
from examples.anime_faces.run._profile_picture import show_profile
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._session import Session, memory_errors, play_named
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._state import load_any_checkpoint, restore_state, take_networks
from examples.anime_faces.run._stores import Store, choose_store, pictures_of
from examples.anime_faces.run._watch import Watcher, watch_nothing
from examples.anime_faces.systems import Conditioning, Hardware, Selection, Training, assemble, wait_for

LOG_EVERY = 20
MOST_NAMED = 12

Builder: TypeAlias = Callable[..., tuple[Training, Feed]]


def train(request: TrainRequest, watch: Watcher = watch_nothing) -> Outcome:
    """Train, or continue a run.

    Args:
        request: What to train.
        watch: Is called after every step, in this thread, and may show what goes on; it must be quick and not raise.

    Raises:
        ValueError: The request does not fit the data, or the run that the folder holds.
        OSError: The folder cannot be written.
        RunLockedError: Another process trains in it.
        TrainingDivergedError: A loss or gradient became NaN or infinite; the last checkpoint is good.
    """
    dataset, conditioning, selection = _verified(request)
    second = selection.second
    folder = RunFolder(request.out)
    with locked(folder), StopSignals() as signals:
        begun = folder.checkpoints.is_dir()
        found = gk.training.Checkpoints(folder.checkpoints).load_latest() if begun else None
        if found is not None:
            old = Settings.from_dict(found[1]["settings"])
            settings, choices = plan_resumption(old, request, dataset, selection, trained=found[0]), ()
            new_to_keep, trained = set(request.keep) - set(old.keep), found[0]
        else:
            settings, choices = plan_run(request, dataset, selection)
            new_to_keep, trained = set(request.keep), 0
        is_fixed = request.minutes is None and request.plan is None and settings.seconds is None
        check_kept_steps(new_to_keep, folder, trained=trained, steps=settings.steps if is_fixed else None)
        store = choose_store(dataset.images, settings.hardware, second=None if second is None else second.images)
        build = partial(_build, request=request, selection=selection, store=store)
        # Built before anything is written, so that a mistake in the request leaves no folder behind.
        training, feed = build(settings)
        folder.prepare()
        if choices or request.profile:
            del training, feed  # room for those that are measured
            settings = _chosen(settings, request, choices, build) if choices else settings
            if request.profile:
                show_profile(settings, folder, partial(build, settings))
            training, feed = build(settings)
        settings.save(folder.settings)
        outline = write_outline(folder, request.recipe, request.options, settings, selection)
        pictures = len(dataset) + (0 if second is None else len(second))
        _announce(settings, pictures, training.system.note)
        if outline is not None:
            print(in_short(outline, folder))

        def preview(training: Training) -> Preview:
            drawers = {"average of the weights": training.averaged, "raw generator": training.raw}
            return Preview(drawers, conditioning, settings.description, pictures_of(dataset.images))

        def build_all(settings: Settings) -> tuple[Training, Feed, Preview]:
            training, feed = build(settings)
            write_outline(folder, request.recipe, request.options, settings, selection)
            return training, feed, preview(training)

        record = Record(folder.log, every=LOG_EVERY, losses=folder.raw_losses)
        session = Session(
            folder=folder,
            settings=settings,
            training=training,
            feed=feed,
            preview=preview(training),
            record=record,
            signals=signals,
            watch=watch,
            pacer=keep_the_plan,
            build=build_all,
        )
        step = _begin(session, request) if found is None else restore_state(found[1], training, feed, record)
        record.open(step)
        session.pacer = _pacer(settings, request, record.seconds)
        try:
            last, fingerprint = session.train(step)
        finally:
            record.close()
    return Outcome(step=last, steps=session.settings.steps, exit_code=signals.exit_code, digest=fingerprint)


def _verified(request: TrainRequest) -> tuple[Dataset, Conditioning, Selection]:
    """Open the data set, and the second one of a recipe that has one, and read all of their bytes once."""
    dataset = Dataset.open(request.data)
    dataset.verify()
    conditioning = request.recipe.conditioning(request.options)
    selection = conditioning.select(dataset)
    if selection.second is not None:
        selection.second.verify()
    return dataset, conditioning, selection


def _build(
    settings: Settings,
    gradients: Callable[[], gk.training.Gradients] = gk.training.Eager,
    *,
    request: TrainRequest,
    selection: Selection,
    store: Store,
) -> tuple[Training, Feed]:
    """Build what is trained, and the feed, from the seed: the same each time."""
    torch.set_num_threads(settings.hardware.threads)
    torch.manual_seed(settings.seed)
    with memory_errors("building the networks", settings.hardware.device, "lower --width or the options like it"):
        training = assemble(
            request.recipe,
            settings.description,
            request.options,
            steps=settings.steps,
            hardware=settings.hardware,
            gradients=gradients,
        )
    feed = Feed.of_system(training.system, store, selection, seed=settings.seed, hardware=settings.hardware)
    return training, feed


def _chosen(settings: Settings, request: TrainRequest, choices: Sequence[Hardware], build: Builder) -> Settings:
    """Choose the hardware and turn minutes into steps, by rounds of trainings that are not kept."""
    start = time.monotonic()

    def play_on(hardware: Hardware) -> Callable[[int], None]:
        training, feed = build(replace(settings, hardware=hardware))

        def play(step: int) -> None:
            play_named(training, feed, step)
            wait_for(hardware.device)

        return play

    hardware, figures = choose_by_rounds(play_on, choices, steps=settings.steps, minutes=request.minutes)
    print(f"hardware  {hardware}" + ("" if figures is None else f"\n          seconds of a step: {figures}"))
    settings = replace(settings, hardware=hardware, timings={} if figures is None else dict(figures.seconds))
    if request.minutes is None:
        return settings
    each = seconds_per_step(play_on(hardware), steps=settings.steps, minutes=request.minutes)
    left = 60 * request.minutes - (time.monotonic() - start)
    steps = steps_within(left, each)
    print(
        f"budget    {request.minutes:.3g} minutes are {steps} steps of {each:.3g} s here; fewer or more if its speed changes"
    )
    return replace(settings, steps=steps, seconds=max(left, 0.0))


def _pacer(settings: Settings, request: TrainRequest, elapsed: float) -> Pacer:
    """Return what may change the plan: another run's record, the clock where minutes were given, or nothing."""
    if request.plan is not None:
        return AsRecorded(read_plan(request.plan).changes)
    if settings.seconds is None or request.steps is not None:
        return keep_the_plan
    return ByTheClock(seconds=settings.seconds, first=settings.first_steps, elapsed=elapsed)


def _begin(session: Session, request: TrainRequest) -> int:
    """Start from fresh networks or from those of another run, and save a first checkpoint: it shows that saving works."""
    if request.start is not None:
        taken, left_out = take_networks(load_any_checkpoint(request.start), session.training)
        print(
            f"start     {taken} entries of the networks of {request.start} are taken; {len(left_out)} entries keep their "
            "fresh start"
        )
        for line in left_out[:MOST_NAMED]:
            print(f"            {line}")
        if len(left_out) > MOST_NAMED:
            print(f"            and {len(left_out) - MOST_NAMED} more")
    session.save(0)
    return 0


def _announce(settings: Settings, pictures: int, note: str) -> None:
    names = ", ".join(f"{attribute.name} ({len(attribute.classes)})" for attribute in settings.description.attributes)
    size, unread = settings.description.size, "" if settings.description.reads_labels else " (labels are not read)"
    print(f"data      {settings.pictures} of {pictures} pictures, {size}x{size}, attributes: {names or 'none'}{unread}")
    text = settings.description.text
    if text is not None:
        print(f"texts     {text.encoder}, {text.features} numbers each")
    options = ", ".join(f"{name} {value}" for name, value in settings.options.items() if value != "")
    print(f"recipe    {settings.recipe}: {options}")
    print(f"plan      {settings.steps} steps, seed {settings.seed}")
    if settings.keep:
        print(f"keep      {kept_in_words(settings.keep, settings.steps)}")
    if note:
        print(f"note      {note}")
