"""The progress bar of a training session."""

import sys
import time

from tqdm import tqdm

from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.run._feed import Feed


class Progress:
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
