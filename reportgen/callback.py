"""Reports while a network is trained, which training does not notice."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from reportgen.config import Config
from reportgen.errors import UsageError
from reportgen.finished.collection import collect_reports
from reportgen.models.random_state import kept_random_state
from reportgen.progress import Silent
from reportgen.report import build_report

# What is quick: no picture is made by ascent. Kept results would never be asked for again, since weights change.
_LIGHT: dict[str, Any] = {
    "activation_max": "off",
    "sections": ("overview", "layers", "filters", "feature-maps", "predictions"),
    "channels": "first:1",
    "image_pages": 24,
    "no_cache": True,
}
_OWN = ("model", "images", "output", "format")


class ReportCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Make a report every `every` epochs of `model.fit`, and of all of them a site in `folder`.

    The site, as `reportgen collect` makes it, is whole after each report; a training that begins with epoch 0 starts
    it anew, one that goes on (`initial_epoch`) adds to it. Weights, optimizer, metrics and all random states are the
    same with and without. A report that cannot be made is a warning, and training goes on.

    Args:
        images: files, folders or globs, or an array `(N, height, width, channels)`, as `reportgen.build` takes them.
        folder: the site.
        every: epochs between reports.
        **options: those of `reportgen.build`; by default nothing is maximised and nothing dreamt.

    Raises:
        UsageError: an option that does not exist, or a value it does not take.
    """

    def __init__(self, images: Any, folder: str | Path, every: int = 1, **options: Any) -> None:
        super().__init__()
        if every < 1:
            raise UsageError(f"every: expected a number of epochs from 1 on, got {every}")
        refused = [name for name in _OWN if name in options]
        if refused:
            raise UsageError(f"{refused[0]}: expected options of a report alone; the callback settles this one itself")
        listed = [images] if isinstance(images, str | Path) else images
        paths = tuple(str(image) for image in listed) if isinstance(listed, list | tuple) else ()
        self._pixels = None if paths else images
        self._config = Config.from_options({**_LIGHT, **options, "images": paths})
        self._folder = Path(folder)
        self._every = every
        self._anew = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Start the site anew with the first epoch."""
        self._anew = self._anew or epoch == 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Make the report of this epoch, where it has one."""
        if (epoch + 1) % self._every:
            return
        try:
            with kept_random_state(), _kept_variables(self.model):
                self._report(epoch + 1)
        except Exception as error:
            warnings.warn(f"no report of epoch {epoch + 1}, training goes on: {error}", stacklevel=2)

    def _report(self, epoch: int) -> None:
        """Build the report of the network as it is now, and add it to the site."""
        tags = {**self._config.tag, "step": str(epoch)}
        with tempfile.TemporaryDirectory(prefix="reportgen-") as place:
            output = Path(place) / f"epoch-{epoch:04d}"
            config = self._config.model_copy(update={"output": output, "tag": tags, "fail_on": None})
            build_report(config, model=self.model, pixels=self._pixels, progress=Silent())
            collect_reports([output], self._folder, title=self._config.title, anew=self._anew)
        self._anew = False


@contextmanager
def _kept_variables(model: keras.Model) -> Iterator[None]:
    """Put back what a layer changes when it runs, be it not in training: counters, states of its own generators."""
    kept = [(variable, np.array(keras.ops.convert_to_numpy(variable))) for variable in model.variables]
    try:
        yield
    finally:
        for variable, value in kept:
            now = keras.ops.convert_to_numpy(variable)
            if now.tobytes() != value.tobytes():
                variable.assign(value)
