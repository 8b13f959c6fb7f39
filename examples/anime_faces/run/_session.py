"""One training session: plays rounds, records them, draws grids, saves checkpoints, stops on a signal."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gankit as gk
from examples.anime_faces.errors import TrainingDivergedError, UnsavedError, in_words
from examples.anime_faces.printing import say
from examples.anime_faces.run._console import Progress, StopSignals
from examples.anime_faces.run._cure import cure_of
from examples.anime_faces.run._curves import draw_curves
from examples.anime_faces.run._divergence import heavy_networks
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._hold import Hold
from examples.anime_faces.run._kept import keep_checkpoint, kept_steps, saved_steps
from examples.anime_faces.run._losses import read_losses
from examples.anime_faces.run._pace import Pacer
from examples.anime_faces.run._playing import play_named
from examples.anime_faces.run._preview import Preview, is_preview_step
from examples.anime_faces.run._record import NO_GRID, Record, read_log
from examples.anime_faces.run._settings import PlanChange, Settings
from examples.anime_faces.run._state import check_finite_weights, collect_state, digest, digests, restore_state
from examples.anime_faces.run._together import ALONE, Together
from examples.anime_faces.run._watch import Moment, Watcher, watch_nothing
from examples.anime_faces.systems import Training

SAVE_SECONDS = 90.0
MOST_REFUSALS = 3
"""Of checkpoints by the disk, one after the other: then the training ends."""


@dataclass(slots=True, kw_only=True)
class Session:
    """Everything that the training loop uses.

    Args:
        folder: Where results go.
        settings: What the run is.
        training: What is trained.
        feed: Where batches come from.
        preview: Draws the grids; None for ranks that are not the first.
        record: What happened.
        signals: Say whether to stop.
        watch: Is called after every step, and may show the progress.
        pacer: Says after each step how many steps are planned.
        build: Builds what is trained, the feed and the preview for settings; used where the plan changes.
        together: The ranks that train this run.
        hold: That this process holds the folder; None for ranks that are not the first.
        refusals: How often in a row the disk has refused a checkpoint.
        has_complained: Whether it was said that a picture cannot be written.
    """

    folder: RunFolder
    settings: Settings
    training: Training
    feed: Feed
    preview: Preview | None
    record: Record
    signals: StopSignals
    watch: Watcher = watch_nothing
    pacer: Pacer
    build: Callable[[Settings], tuple[Training, Feed, Preview | None]]
    together: Together = ALONE
    hold: Hold | None = None
    refusals: int = 0
    has_complained: bool = False

    def save(self, step: int) -> str:
        """Write a checkpoint and return the digest of its state; nothing is written where an error is raised.

        Raises:
            TrainingDivergedError: A loss, a weight or a moment is not finite.
            ValueError: The ranks, or the folder (RunReplacedError), have become different.
        """
        self._check_hold()
        self.record.read()
        self.record.sync()
        check_finite_weights(self.training, step)
        state = self._state(step)
        if not self.together.is_alone:
            self.together.check_same(digests(state))
        if not self.together.is_first:
            return digest(state)
        self._check_hold()
        try:
            if step in self.settings.keep:  # before the newest: a run that is stopped in between does this step again
                keep_checkpoint(self.folder, step, state)
            gk.training.Checkpoints(self.folder.checkpoints).save(step, state)
        except gk.training.NonFiniteError as error:
            raise TrainingDivergedError(f"step {step}: {error}") from error
        return digest(state)

    def train(self, step: int) -> tuple[int, str]:
        """Train from `step` to the end or to a signal; returns the last step and the digest of the saved state."""
        self._keep_if_named_late(step)
        if step >= self.settings.steps:
            return step, digest(self._state(step))
        if step == 0:
            self._draw_grid(0)
        progress = Progress(self.training.system, self.feed, self.settings.steps, step)
        self.watch(Moment(done=step, total=self.settings.steps, has_new_grid=True))
        saved_at = time.monotonic()
        with progress.bar:
            while step < self.settings.steps and not self._is_stopped():
                step = self._play(step, progress)
                self._check_hold()
                progress.advance()
                planned = self.together.of_first(self.pacer(step, self.settings.steps, self.record.seconds))
                if planned != self.settings.steps:
                    self._change_the_plan(step, planned, progress)
                    saved_at = time.monotonic()
                named = step in self.settings.keep
                draws = named or is_preview_step(step, self.settings.steps, self.settings.grid_every)
                grid = self._draw_grid(step) if draws else {}
                if draws or (step % self.record.every == 0 and self.record.logged != step):
                    self._log(step, progress, grid=grid)
                left = progress.seconds_left()
                self.watch(Moment(done=step, total=self.settings.steps, seconds_left=left, has_new_grid=draws))
                # Saving and drawing do not change the training, so they may depend on the clock.
                if named or self.together.of_first(int(time.monotonic() - saved_at > SAVE_SECONDS)):
                    if self.record.logged != step:
                        self._log(step, progress)  # the seconds up to here, with which a killed run goes on
                    self._try_to_save(step, progress)
                    self._draw_curves()
                    saved_at = time.monotonic()
        if self.record.logged != step:
            self._log(step, progress)
        fingerprint = self._save_last(step)
        self._draw_curves()
        return step, fingerprint

    def _check_hold(self) -> None:
        if self.hold is not None:
            self.hold.check()

    def _try_to_save(self, step: int, progress: Progress) -> None:
        """Save; where the disk refuses, continue and try again later, a few times."""
        try:
            self.save(step)
        except OSError as error:
            self.refusals += 1
            if error.errno is None:  # another process writes there
                raise
            if self.refusals == MOST_REFUSALS:
                raise self._unsaved(step, error) from error
            words = f"step {step} is not saved: {in_words(error)}"
            progress.say(f"note: {words}; the training continues, and saves again in {SAVE_SECONDS:.0f} s")
        else:
            self.refusals = 0

    def _save_last(self, step: int) -> str:
        try:
            return self.save(step)
        except OSError as error:
            raise self._unsaved(step, error) from error

    def _unsaved(self, step: int, error: OSError) -> UnsavedError:
        there = saved_steps(self.folder.checkpoints)
        last = f"the last checkpoint, of step {there[-1]}, is whole" if there else "there is no checkpoint"
        return UnsavedError(
            f"step {step} cannot be saved: {in_words(error)}; {last}: make room, and repeat the command"
        )

    def _is_stopped(self) -> bool:
        """Whether a signal stops this process, or another rank: all of them after the same step."""
        caught = self.together.largest(self.signals.caught or 0)
        if caught and not self.together.is_alone:
            say("finishing this step, then saving", error=True)
        self.signals.caught = caught or None
        return bool(caught)

    def _draw_grid(self, step: int) -> dict[str, float]:
        self.record.heavy = heavy_networks(self.training.networks)  # the device is waited for anyway
        figures: dict[str, float] = {}
        if self.preview is not None:
            with self._noting_refusals():
                figures = self.preview.draw(self.folder.grid(step))
        return figures

    @contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        """Continue where a picture cannot be written; the first time, say why."""
        try:
            yield
        except OSError as error:
            if not self.has_complained:
                say(f"note: {in_words(error)}; the training continues")
            self.has_complained = True

    def _keep_if_named_late(self, step: int) -> None:
        """Keep the checkpoint that the run continues from, if its step was named only now; all ranks save together."""
        if step in self.settings.keep and self.together.of_first(int(step not in kept_steps(self.folder))):
            self.save(step)

    def _draw_curves(self) -> None:
        if not self.together.is_first:
            return
        with self._noting_refusals():
            draw_curves(read_log(self.folder.log), self.folder.losses, read_losses(self.folder.raw_losses))

    def _state(self, step: int) -> dict[str, Any]:
        return collect_state(
            self.training, self.feed, self.record, step=step, settings=self.settings.to_dict(), together=self.together
        )

    def _play(self, step: int, progress: Progress) -> int:
        before = self.training.compile_seconds
        self.record.add(step + 1, play_named(self.training, self.feed, step))
        seconds = self.training.compile_seconds - before
        if seconds:
            progress.say(f"compiled  updates of step {step + 1} for the first time: {seconds:.0f} s")
        return step + 1

    def _change_the_plan(self, step: int, steps: int, progress: Progress) -> None:
        """Continue as a run that was stopped after this step and resumed with another plan: bit for bit the same."""
        self.settings = self.settings.changed(step, steps)
        change = self.settings.changes[-1]
        self._log(step, progress, change)
        self._try_to_save(step, progress)  # so that no checkpoint is older than a change of the plan
        if self.together.is_first:
            with self._noting_refusals():
                self.settings.save(self.folder.settings)
        if steps > step:
            state = self._state(step)
            self.training, self.feed, self.preview = self.build(self.settings)
            restore_state(state, self.training, self.feed, self.record, self.together)
        why = "would take too long" if steps < change.before else "would leave time"
        message = f"plan      {change.before} steps {why}, now {steps}; {step} are done"
        lost = [str(one) for one in self.settings.keep if steps < one <= change.before]
        if lost:
            message += f"; not reached and kept: {', '.join(lost)}"
        progress.follow(self.training.system, self.feed, steps, message)

    def _log(
        self,
        step: int,
        progress: Progress,
        change: PlanChange | None = None,
        grid: Mapping[str, float] = NO_GRID,
    ) -> None:
        averages = self.record.read()
        rate = progress.images_per_second()
        self.record.write(step, images=progress.images, images_per_second=rate, change=change, grid=grid)
        if alarm := self.record.alarm(step):
            progress.say(f"note: {alarm}; Ctrl-C stops it; {cure_of(self.settings.recipe, self.settings.options)}")
        progress.show(averages)
