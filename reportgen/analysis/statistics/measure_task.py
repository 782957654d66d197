"""Measure a set of images with an engine, chunk by chunk, and keep what is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from reportgen.analysis.network.running import run_traced
from reportgen.analysis.network.travelling import NetworkTask
from reportgen.analysis.statistics.image_pass import ImagePass, Plan
from reportgen.analysis.statistics.kept_beside import Onlooker
from reportgen.analysis.statistics.measurements import Measurements
from reportgen.config import Config
from reportgen.engines import Advance, Engine, ImageChunk, Outcome, chunks_of, open_engine
from reportgen.engines.checkpoints import Checkpoint, Done
from reportgen.engines.questions import CannotRead
from reportgen.engines.versions import installed_versions
from reportgen.errors import ReportgenError
from reportgen.files.cache import Cache, content_key
from reportgen.images import ImageFile, UnreadableImageError, load_image
from reportgen.models import Network
from reportgen.progress import Progress, stage

# To be raised when what is measured changes, so that results of earlier versions are not taken for it.
FORMAT = 8

# Images in a chunk: few enough for several chunks per worker, so that all end at about the same time; not
# so few that results, which grow with the channels and not with the images, are most of the traffic.
LEAST_IMAGES, MOST_IMAGES = 16, 512
CHUNKS_PER_WORKER = 8


class MeasureTask(NetworkTask):
    """Measures chunks of images."""

    uses_all_processors = False

    def __init__(self, network: Network, plan: Plan, config: Config, onlooker: Onlooker | None = None) -> None:
        super().__init__(network, config.model, config.custom_objects)
        self.plan = plan
        self._pass = ImagePass(network, plan, onlooker=onlooker)

    def run(self, chunk: ImageChunk, advance: Advance) -> Measurements:
        """What is measured on the images of `chunk`."""
        return self._pass.measure(chunk, advance)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "plan": self.plan}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.plan = state["plan"]
        # A worker has as many chunks under way as it has threads, each on one processor.
        self._pass = ImagePass(self.network, self.plan, processors=1)


def measure_images(
    task: MeasureTask, images: Sequence[ImageFile], config: Config, progress: Progress, cache: Cache | None
) -> Measurements:
    """Measure `images` where `--engine` says, going on from what `cache` keeps of the same run.

    Raises:
        ReportgenError: the network cannot run, or workers do not see the images.
    """
    checkpoint = Checkpoint(cache, _run_key(task, images)) if cache is not None and cache.folder is not None else None
    measured, done = _kept(checkpoint, task.plan)
    with stage(progress, "Statistics", len(images), "images") as told:
        told.advance(done.count)
        if done.count == len(images):
            return measured
        with open_engine(config) as engine:
            _check_workers(engine, task, images)
            for outcome in engine.run(task, _chunks(images, done, engine), told.advance):
                _take_in(measured, outcome)
                done.add(outcome.chunk.start, outcome.chunk.start + outcome.chunk.size)
                del outcome  # a result is large, and the next is on its way
                if checkpoint is not None and (checkpoint.is_due or done.count == len(images)):
                    checkpoint.save(measured, {"skipped": measured.skipped}, done)
    return measured


def _take_in(measured: Measurements, outcome: Outcome) -> None:
    if outcome.set_aside is None:
        measured.merge(outcome.value)
        return
    chunk: ImageChunk = outcome.chunk
    lost = dict.fromkeys(range(chunk.start, chunk.start + chunk.size), outcome.set_aside)
    measured.skipped = dict(sorted((measured.skipped | lost).items()))


def _kept(checkpoint: Checkpoint | None, plan: Plan) -> tuple[Measurements, Done]:
    """What was measured before, and on which images."""
    kept = checkpoint.load() if checkpoint is not None else None
    if kept is None:
        return Measurements(plan.layout.channels, plan.keeping), Done()
    arrays, facts, done = kept
    skipped = {int(place): reason for place, reason in facts["skipped"].items()}
    return Measurements.from_arrays(arrays, skipped, plan.keeping), done


def _chunks(images: Sequence[ImageFile], done: Done, engine: Engine) -> list[ImageChunk]:
    """The images that are left, in chunks."""
    size = min(MOST_IMAGES, max(LEAST_IMAGES, len(images) // (engine.workers * CHUNKS_PER_WORKER)))
    return [chunk for start, stop in done.missing(len(images)) for chunk in chunks_of(images[start:stop], start, size)]


def _check_workers(engine: Engine, task: MeasureTask, images: Sequence[ImageFile]) -> None:
    """See that workers read the images; send the network's path alone where they see its file."""
    for worker, reason in engine.ask(CannotRead(images[0], task.network.channels)).items():
        if reason is not None:
            raise ReportgenError(
                f"--engine dask: worker {worker} cannot use {images[0].file}: it {reason}; "
                "give the images by a path that all workers see"
            )
    task.lighten_for(engine)


def _run_key(task: MeasureTask, images: Sequence[ImageFile]) -> str:
    """What the measurements depend on."""
    network, plan = task.network, task.plan
    return content_key(
        "statistics",
        FORMAT,
        installed_versions(),
        network.digest,
        network.preprocessing.mode,
        network.other_content(),
        _first_answer(network, plan, images),
        plan.fitting.content(),
        [vars(layer) for layer in plan.layout.layers],
        None if plan.keeping is None else plan.keeping.key,
        plan.answers.facts(),
        [image.sha256 for image in images],
    )


def _first_answer(network: Network, plan: Plan, images: Sequence[ImageFile]) -> list[Any]:
    """The network's answer to one image: it tells of changes in custom layers or a function of the user's."""
    for image in images:
        try:
            pixels = load_image(image, network.channels)
        except UnreadableImageError:
            continue
        fitted, _ = plan.fitting.apply(pixels)
        answer = run_traced(network, fitted[np.newaxis], network.others_of([image.file]))
        return [np.asarray(leaf) for leaf in tf.nest.flatten(answer)]
    return []
