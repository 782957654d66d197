"""Reports while a network is trained, which training does not notice."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import keras
import numpy as np

from reportgen.config import Config
from reportgen.errors import GateError, UsageError, one_line
from reportgen.files.targets import absolute, check_target
from reportgen.finished.collection import collect_reports
from reportgen.from_python import paths_or_pixels, python_options
from reportgen.models.random_state import kept_random_state
from reportgen.options import told
from reportgen.progress import Silent
from reportgen.report import build_report
from reportgen.standard_streams import tell

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
    same with and without. A report that cannot be made is a warning, as is a gate that it does not pass, and training
    goes on. Where something else than such a site lies in `folder`, `fit` refuses it before the first epoch.

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
        self._every = _epochs(every)
        self._folder = _site_folder(folder)
        refused = [name for name in _OWN if name in options]
        if refused:
            raise UsageError(f"{refused[0]}: expected options of a report alone; the callback settles this one itself")
        paths, self._pixels = paths_or_pixels(images)
        self._config = Config.from_options({**_LIGHT, **python_options(options), "images": paths})
        self._anew = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Refuse before the first epoch what would be refused after each.

        Raises:
            ReportgenError: the folder is none that a site can be put in.
        """
        check_target(self._folder, "collection", force=self._config.force)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Start the site anew with the first epoch."""
        self._anew = self._anew or epoch == 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Make the report of this epoch, where it has one."""
        if (epoch + 1) % self._every:
            return
        try:
            with kept_random_state(), _kept_variables(self.model):
                failed = self._report(epoch + 1)
        except Exception as error:
            self._tell(f"no report of epoch {epoch + 1}, training goes on: {one_line(error)}")
        else:
            if failed is not None:
                self._tell(f"epoch {epoch + 1}, training goes on: {one_line(failed)}")

    def _tell(self, words: str) -> None:
        """Warn, and end no training: also where warnings are made errors."""
        try:
            warnings.warn(words, stacklevel=3)
        except UserWarning:
            tell(words)

    def _report(self, epoch: int) -> GateError | None:
        """Build the report of the network as it is now, and add it to the site; gives the gate that did not pass."""
        tags = {**self._config.tag, "step": str(epoch)}
        with tempfile.TemporaryDirectory(prefix="reportgen-") as place:
            output = Path(place) / f"epoch-{epoch:04d}"
            config = self._config.model_copy(update={"output": output, "tag": tags})
            failed = None
            try:
                build_report(config, model=self.model, pixels=self._pixels, progress=Silent())
            except GateError as error:
                if not output.is_dir():  # too big, which is no report at all
                    raise
                failed = error
            collect_reports([output], self._folder, title=self._config.title, force=self._config.force, anew=self._anew)
        self._anew = False
        return failed


def _epochs(every: Any) -> int:
    """A number of epochs, of any type of whole numbers."""
    if isinstance(every, bool) or not isinstance(every, Integral) or every < 1:
        raise UsageError(f"every: expected a whole number of epochs from 1 on, got {told(every)}")
    return int(every)


def _site_folder(folder: Any) -> Path:
    if not isinstance(folder, str | PathLike) or not fspath(folder):
        raise UsageError(f"folder: expected a path, got {told(folder)}")
    return absolute(Path(folder))  # a training may change the working directory


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
