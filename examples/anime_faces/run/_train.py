"""`train`: from a recipe and a data set to a folder with a trained generator; the same call again resumes."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.printing import say
from examples.anime_faces.run._beginning import Found, announce, begin, newest_checkpoint, plan_together, rehearse
from examples.anime_faces.run._console import StopSignals
from examples.anime_faces.run._cure import divergence_in_words
from examples.anime_faces.run._divergence import heavy_networks
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._hold import locked
from examples.anime_faces.run._measuring import (
    choice_in_words,
    choose_by_rounds,
    seconds_per_step,
    speed_in_words,
    steps_within,
)
from examples.anime_faces.run._outlines import in_short, write_outline
from examples.anime_faces.run._pace import AsRecorded, ByTheClock, Pacer, keep_the_plan
from examples.anime_faces.run._planning import read_plan
from examples.anime_faces.run._playing import memory_errors, play_named
from examples.anime_faces.run._preview import Preview
from examples.anime_faces.run._profile_picture import show_profile
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._request import Outcome, TrainRequest
from examples.anime_faces.run._session import Session
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._state import restore_state
from examples.anime_faces.run._stores import Store, choose_store, pictures_of
from examples.anime_faces.run._together import ALONE, Together, ranks_here
from examples.anime_faces.run._watch import Watcher, watch_nothing
from examples.anime_faces.systems import Hardware, Outline, Selection, Training, assemble, wait_for

LOG_EVERY = 20


def train(
    request: TrainRequest,
    watch: Watcher = watch_nothing,
    together: Together = ALONE,
    signals: StopSignals | None = None,
) -> Outcome:
    """Train, or continue a run.

    Nothing is written before it is decided that the request, the run in the folder and the data fit together.

    Args:
        request: What to train.
        watch: Is called after every step, in this thread, and may show the progress; it must be quick and not raise.
        together: The ranks that train it. Each calls this with the same request; the first writes the files.
        signals: Say whether to stop, where the caller listens to them already. Default: they are listened to while this works.

    Raises:
        ValueError: The request does not fit the data, or the run that the folder holds.
        OSError: The folder cannot be written.
        RunLockedError: Another process trains in it, or it was replaced by another folder.
        TrainingDivergedError: A loss or gradient became NaN or infinite; the last checkpoint is good.
        UnsavedError: The state could not be written, several times.
        DeviceError: The device failed.
    """
    dataset, selection = _verified(request)
    second, folder, is_first = selection.second, RunFolder(request.out), together.is_first
    listening = StopSignals(is_announced=together.is_alone) if signals is None else nullcontext(signals)
    with locked(folder) if is_first else nullcontext() as hold, listening as heard:
        found = newest_checkpoint(folder, together)
        settings, choices = plan_together(request, dataset, selection, found, together)
        files = (folder.log, folder.raw_losses) if is_first else (None, None)
        record = Record(files[0], every=LOG_EVERY, losses=files[1], skips=settings.hardware.precision == "float16")
        record.check()
        pictures = None if second is None else second.images
        store = choose_store(dataset.images, settings.hardware, second=pictures, processes=ranks_here())
        parts = _Parts(
            request=request, dataset=dataset, selection=selection, store=store, folder=folder, together=together
        )
        training, feed = parts.build(settings)
        rehearse(request, found, training, feed, together)
        if is_first:
            folder.prepare()
        if choices or request.profile:
            del training, feed  # room for those that are measured
            settings = _chosen(settings, request, choices, parts) if choices else settings
            if request.profile:
                show_profile(settings, folder, partial(parts.build, settings), together)
            training, feed = parts.build(settings)
        if is_first:
            settings.save(folder.settings)
        outline = parts.write_outline(settings)
        announce(settings, len(dataset) + len(second or ()), training.system, request.options)
        if outline is not None:
            say(*in_short(outline, folder))
        session = Session(
            folder=folder,
            settings=settings,
            training=training,
            feed=feed,
            preview=parts.preview(training, settings),
            record=record,
            signals=heard,
            watch=watch,
            pacer=keep_the_plan,
            build=parts.build_all,
            together=together,
            hold=hold,
        )
        last, fingerprint = _play(session, request, found)
        if last >= session.settings.steps:
            heard.finish()
        steps, record.heavy = session.settings.steps, heavy_networks(session.training.networks)
        why = "; ".join(record.signs())
    return Outcome(step=last, steps=steps, exit_code=heard.exit_code, digest=fingerprint, diverged=why)


def _verified(request: TrainRequest) -> tuple[Dataset, Selection]:
    """Open the data set, and the second one of a recipe that has one, and read all of their bytes once."""
    dataset = Dataset.open(request.data)
    dataset.verify()
    selection = request.recipe.conditioning(request.options).select(dataset)
    if selection.second is not None:
        selection.second.verify()
    return dataset, selection


def _play(session: Session, request: TrainRequest, found: Found | None) -> tuple[int, str]:
    """Begin or continue, and train to the end; returns the last step and the digest of the saved state."""
    record, together, settings = session.record, session.together, session.settings
    with together.taking_steps(), divergence_in_words(session.folder, settings.recipe, settings.options):
        if found is None:
            step = begin(session, request)
        else:
            step = restore_state(found[1], session.training, session.feed, record, together)
        record.open(step)
        session.pacer = _pacer(session.settings, request, record.seconds)
        try:
            return session.train(step)
        finally:
            record.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a session is built of, for the settings of the moment.

    Args:
        request: What to train.
        dataset: The data set.
        selection: The pictures in use.
        store: Where they are kept.
        folder: The folder of the run.
        together: The ranks that train it.
    """

    request: TrainRequest
    dataset: Dataset
    selection: Selection
    store: Store
    folder: RunFolder
    together: Together

    def build(
        self, settings: Settings, gradients: Callable[[], gk.training.Gradients] | None = None
    ) -> tuple[Training, Feed]:
        """Build what is trained, and the feed, from the seed: the same each time."""
        request, hardware, share = self.request, settings.hardware, self.together.share
        torch.set_num_threads(hardware.threads)
        torch.manual_seed(settings.seed)
        with memory_errors("building the networks", hardware.device, "lower --width or the options like it"):
            training = assemble(
                request.recipe,
                settings.description,
                request.options,
                steps=settings.steps,
                hardware=hardware,
                gradients=gradients,
                share=share,
            )
        feed = Feed.of_system(
            training.system, self.store, self.selection, seed=settings.seed, hardware=hardware, share=share
        )
        return training, feed

    def build_all(self, settings: Settings) -> tuple[Training, Feed, Preview | None]:
        """Build everything, and describe it, after a change of the plan."""
        training, feed = self.build(settings)
        with suppress(OSError):  # it stays that of the plan before
            self.write_outline(settings)
        return training, feed, self.preview(training, settings)

    def preview(self, training: Training, settings: Settings) -> Preview | None:
        """Return what draws the grids; the first rank does that alone."""
        if not self.together.is_first:
            return None
        drawers = {"average of the weights": training.averaged, "raw generator": training.raw}
        conditioning = self.request.recipe.conditioning(self.request.options)
        return Preview(drawers, conditioning, settings.description, pictures_of(self.dataset.images))

    def write_outline(self, settings: Settings) -> Outline | None:
        """Write the networks, losses and constants, and return them."""
        if not self.together.is_first:
            return None
        return write_outline(self.folder, self.request.recipe, self.request.options, settings, self.selection)


def _chosen(settings: Settings, request: TrainRequest, choices: Sequence[Hardware], parts: _Parts) -> Settings:
    """Choose the hardware and turn minutes into steps, by rounds of trainings that are not kept.

    All ranks play them together, and decide by the clock of the first.
    """
    clock = parts.together.clock
    start = clock()

    def play_on(hardware: Hardware) -> Callable[[int], None]:
        training, feed = parts.build(replace(settings, hardware=hardware))

        def play(step: int) -> None:
            play_named(training, feed, step)
            wait_for(hardware.device)

        return play

    hardware, figures = choose_by_rounds(play_on, choices, steps=settings.steps, minutes=request.minutes, clock=clock)
    say(*f"hardware  {hardware}{choice_in_words(figures, choices)}".split("\n"))
    settings = replace(settings, hardware=hardware, timings={} if figures is None else dict(figures.seconds))
    if request.minutes is None:
        return settings
    each = seconds_per_step(play_on(hardware), steps=settings.steps, minutes=request.minutes, clock=clock)
    left = 60 * request.minutes - (clock() - start)
    steps = steps_within(left, each)
    budget = f"budget    {request.minutes:.3g} minutes are {steps} steps of {each:.3g} s here"
    say(*f"{budget}; fewer or more if its speed changes{speed_in_words(each, figures)}".split("\n"))
    return replace(settings, steps=steps, seconds=max(left, 0.0))


def _pacer(settings: Settings, request: TrainRequest, elapsed: float) -> Pacer:
    """Return what may change the plan: another run's record, the clock where minutes were given, or nothing."""
    if request.plan is not None:
        return AsRecorded(read_plan(request.plan).changes)
    if settings.seconds is None or request.steps is not None:
        return keep_the_plan
    return ByTheClock(seconds=settings.seconds, first=settings.first_steps, elapsed=elapsed)
