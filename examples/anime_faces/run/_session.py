"""One training session: plays rounds, records them, draws previews, saves checkpoints, stops when asked."""

import sys
import time
from dataclasses import dataclass

from tqdm import tqdm

import gankit as gk
from examples.anime_faces.recipes._recipe import Recipe, System
from examples.anime_faces.run._curves import draw_curves
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._preview import Preview, is_preview_step
from examples.anime_faces.run._record import NotFiniteError, Record, read_log
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._signals import StopSignals
from examples.anime_faces.run._state import check_finite_weights, collect_state, digest

SAVE_SECONDS = 120.0
CURVES_SECONDS = 30.0


def play_step(system: System, feed: Feed, step: int) -> dict[str, "gk.training.Terms"]:
    """Play the round of one step and update the average; returns the losses and mean scores of the round."""
    system.plan(step)
    logged = gk.training.play_round(
        system.schedule(step), feed, critic=system.critic_updates, generator=system.generator_updates
    )
    system.average.update()
    return {**logged, **{f"scores/{name}": value for name, value in system.scores.items()}}


@dataclass(slots=True, kw_only=True)
class Session:
    """All that the loop touches.

    Args:
        folder: Where results go.
        settings: What the run is.
        recipe: Whose system it is.
        system: What is trained.
        feed: Where batches come from.
        record: What happened.
        signals: Whether to stop.
    """

    folder: RunFolder
    settings: Settings
    recipe: Recipe
    system: System
    feed: Feed
    record: Record
    signals: StopSignals

    def save(self, step: int) -> str:
        """Write a checkpoint and return the digest of its state.

        Raises:
            NotFiniteError: A loss or a weight is not finite; nothing is written then.
        """
        self.record.read()
        check_finite_weights(self.system, step)
        state = collect_state(self.system, self.feed, self.record, step=step, settings=self.settings.to_dict())
        gk.training.Checkpoints(self.folder.checkpoints).save(step, state)
        return digest(state)

    def train(self, step: int) -> tuple[int, str]:
        """Train from `step` to the end or to a signal; returns the last step and the digest of the saved state."""
        description, device = self.settings.description, self.settings.hardware.device
        preview = Preview(self.recipe, self.system, description, device)
        if step == 0:
            preview.draw(self.folder.grid(0))
        progress = _Progress(self.system, self.feed, self.settings.steps, step)
        saved_at = drawn_at = time.monotonic()
        with progress.bar:
            while step < self.settings.steps and self.signals.caught is None:
                step = self._play(step)
                progress.advance()
                if step % self.record.every == 0:
                    self._log(step, progress)
                if is_preview_step(step, self.settings.steps, self.settings.grid_every):
                    preview.draw(self.folder.grid(step))
                    if time.monotonic() - drawn_at > CURVES_SECONDS:
                        draw_curves(read_log(self.folder.log), self.folder.losses)
                        drawn_at = time.monotonic()
                if time.monotonic() - saved_at > SAVE_SECONDS:
                    self.save(step)
                    saved_at = time.monotonic()
        fingerprint = self.save(step)
        draw_curves(read_log(self.folder.log), self.folder.losses)
        return step, fingerprint

    def _play(self, step: int) -> int:
        try:
            values = play_step(self.system, self.feed, step)
        except gk.training.NonFiniteError as error:
            raise NotFiniteError(f"step {step + 1}: {error}; the last checkpoint is as it was") from error
        self.record.add(step + 1, values)
        return step + 1

    def _log(self, step: int, progress: "_Progress") -> None:
        averages = self.record.read()
        self.record.write(step, images=progress.images, images_per_second=progress.images_per_second())
        progress.show(averages)


class _Progress:
    """The progress bar: steps with the time left, pictures a second, updates of each network, the losses."""

    def __init__(self, system: System, feed: Feed, steps: int, step: int) -> None:
        self._system, self._feed, self._step = system, feed, step
        rounds = [system.schedule(t) for t in range(step)]
        self._critic = sum(one.critic for one in rounds)
        self._generator = sum(one.generator for one in rounds)
        self._since, self._images_before = time.monotonic(), self.images
        # Where nobody watches, a line now and then is enough.
        pace = 0.2 if sys.stderr.isatty() else 30.0
        self.bar = tqdm(total=steps, initial=step, unit="step", mininterval=pace, dynamic_ncols=True, smoothing=0.1)

    @property
    def images(self) -> int:
        """Real pictures handed out so far."""
        return self._feed.draws * self._feed.batch_size

    def advance(self) -> None:
        """Count one more step."""
        one = self._system.schedule(self._step)
        self._step += 1
        self._critic += one.critic
        self._generator += one.generator
        self.bar.update()

    def images_per_second(self) -> float:
        """Return pictures a second since the last call."""
        now = time.monotonic()
        rate = (self.images - self._images_before) / max(now - self._since, 1e-9)
        self._since, self._images_before = now, self.images
        self._rate = rate
        return rate

    def show(self, averages: dict[str, float]) -> None:
        """Put the figures behind the bar."""
        gap = f", gap {averages['critic gap']:.2f}" if "critic gap" in averages else ""
        text = f"{self._rate:.0f} images/s, {self._critic} critic and {self._generator} generator updates{gap}"
        self.bar.set_postfix_str(text, refresh=False)
