"""Static HTML reports on image networks."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen._version import __version__
from reportgen.config import Config
from reportgen.costs import Costs
from reportgen.errors import GateError, ReportgenError, UsageError
from reportgen.from_python import paths_or_pixels, python_options
from reportgen.machine.memory import loading
from reportgen.machine.quiet import quiet_tensorflow
from reportgen.progress import Progress, Silent, stage

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from reportgen.callback import ReportCallback
    from reportgen.finished.finished_report import Report
    from reportgen.record import Finding, Record

__all__ = [
    "build",
    "build_from",
    "explain",
    "Config",
    "Report",
    "ReportCallback",
    "Record",
    "Finding",
    "ReportgenError",
    "UsageError",
    "GateError",
    "__version__",
]


# Where names lie that the commands can do without: each is loaded when it is asked for.
_ELSEWHERE = {
    "Finding": "reportgen.record",
    "Record": "reportgen.record",
    "Report": "reportgen.finished.finished_report",
    "ReportCallback": "reportgen.callback",
}


def __getattr__(name: str) -> Any:
    """What is not needed to start, such as `ReportCallback`, for which Keras is loaded."""
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build(
    model: str | Path | keras.Model,
    images: str | Path | list[str | Path] | NDArray[Any] | None = None,
    output: str | Path | None = None,
    **options: Any,
) -> Report:
    """Make a report of `model` on `images`.

    Args:
        model: a Keras model (never modified), or what the command line takes as MODEL.
        images: files, folders or globs, or an array `(N, height, width, channels)` of values of any type (see
            `value_range`); a network that makes pictures of vectors needs none.
        output: the report's folder; without it one is made in the system's place for temporary files.
        **options: the command line's options, with `_` for `-`.

    Raises:
        UsageError: an option that does not exist, or a value it does not take.
        ReportgenError: the model or the images cannot be used; the text says why and what to do.
        GateError: `fail_on` or `max_size` did not pass; the report is there all the same for `fail_on`.
    """
    named = isinstance(model, str | Path)
    paths, pixels = paths_or_pixels(images)
    given = {"model": str(model) if named else "", "images": paths, "output": output}
    config = Config.from_options(python_options(options) | given)
    return build_from(config, model=None if named else model, pixels=pixels)


def build_from(
    config: Config,
    *,
    model: keras.Model | None = None,
    pixels: Any = None,
    progress: Progress | None = None,
    lean: bool = False,
) -> Report:
    """Make the report `config` describes; `model` and `pixels` stand in for those it would name.

    Where TensorFlow is not loaded yet, `lean` loads it without what no report uses, see `quiet_tensorflow`: for a
    process that does nothing else.
    """
    # Loading TensorFlow takes seconds, which `--help`, `render` and the settings have no use for.
    costs = Costs(progress or Silent())
    with stage(costs, "Starting TensorFlow"), loading(for_good=lean):
        quiet_tensorflow(lean=lean)
        from reportgen.report import build_report

    return build_report(config, model=model, pixels=pixels, progress=costs)


def explain(
    model: str | Path | keras.Model,
    images: str | Path | list[str | Path] | NDArray[Any],
    *,
    method: str = "grad-cam",
    target: int | str = "predicted",
    **options: Any,
) -> NDArray[np.float32]:
    """Maps of what in `images` speaks for an answer of `model`, as arrays.

    Args:
        model: a Keras model (never modified), or what the command line takes as MODEL.
        images: files, folders or globs, or an array `(N, height, width, channels)`.
        method: `grad-cam`, `layer-cam`, `integrated-gradients`, `occlusion` or `attention-rollout`.
        target: `predicted`, or a class by its number or name.
        **options: the command line's options, with `_` for `-`; `attribution={"points": 100}` sets parameters.

    Returns:
        `(N, rows, columns)` float32, in the order in which the images are given, those of a folder sorted; a file
        that is named twice counts once. Of `grad-cam` and `layer-cam` at the resolution of the last block's maps, zero
        and above; of `attention-rollout` on the grid of tokens, whatever the target; of `integrated-gradients` and
        `occlusion` at that of the network's input, negative where an image speaks against the target.

    Raises:
        UsageError: an option, method or target that does not exist.
        ReportgenError: the model or the images cannot be used; the text says why and what to do.
    """
    quiet_tensorflow()
    from reportgen.sections.explaining import explain_images

    named = isinstance(model, str | Path)
    config = Config.from_options(python_options(options) | {"model": str(model) if named else ""})
    paths, pixels = paths_or_pixels(images)
    given = paths if pixels is None else pixels
    return explain_images(config, model=None if named else model, given=given, method=method, target=target)
