from __future__ import annotations

import os
import pickle
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from distributed import Client, LocalCluster
from support.images import random_images, write_images
from support.networks import two_convolutions
from support.sources import DeadlySource

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.statistics import measure_task as measuring
from reportgen.analysis.statistics.image_pass import Plan
from reportgen.analysis.statistics.measure_task import MeasureTask, measure_images
from reportgen.analysis.statistics.measurements import Measurements
from reportgen.config import Config
from reportgen.engines import checkpoints, chunks_of
from reportgen.errors import ReportgenError
from reportgen.files.cache import Cache
from reportgen.images import FileSource, Fitting, ImageFile, collect_images
from reportgen.models import Network, load_network
from reportgen.models.travel import pack_network
from reportgen.progress import Silent

CONFIG = Config(preprocess="unit")
COUNT = 20


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(CONFIG, two_convolutions())


@pytest.fixture(scope="module")
def images() -> tuple[ImageFile, ...]:
    return collect_images(random_images(COUNT)).images


def make_task(network: Network, config: Config = CONFIG, count: int = COUNT) -> MeasureTask:
    fitting = Fitting(network.size, config.resize, config.interpolation)
    plan = Plan.make(summarize_network(network), ("conv1", "conv2"), count, fitting)
    return MeasureTask(network, plan, config)


def same(one: Measurements, other: Measurements) -> bool:
    first, second = one.to_arrays(), other.to_arrays()
    return one.skipped == other.skipped and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in first
    )


class Killing(Silent):
    """A progress that ends the run after some images."""

    def __init__(self, after: int | None = None) -> None:
        self.seen = 0
        self.after = after

    def advance(self, steps: int, text: str | None = None) -> None:  # noqa: ARG002
        self.seen += steps
        if self.after is not None and self.seen >= self.after:
            raise KeyboardInterrupt


def test_a_run_that_was_killed_goes_on_and_gives_the_same_bits(
    network: Network, images: tuple[ImageFile, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure_images(make_task(network), images, CONFIG, Silent(), None)
    monkeypatch.setattr(measuring, "MOST_IMAGES", 3)
    monkeypatch.setattr(measuring, "LEAST_IMAGES", 3)
    monkeypatch.setattr(checkpoints, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "WRITING_SHARE", 1e9)
    with pytest.raises(KeyboardInterrupt):
        measure_images(make_task(network), images, CONFIG, Killing(after=14), Cache(tmp_path))
    measured: list[int] = []
    task = make_task(network)
    run = task.run
    monkeypatch.setattr(task, "run", lambda chunk, advance: measured.append(chunk.start) or run(chunk, advance))
    again = measure_images(task, images, CONFIG, Silent(), Cache(tmp_path))
    assert same(again, whole)
    assert measured == [12, 15, 18]


def test_other_weights_images_or_settings_are_another_run(
    network: Network, images: tuple[ImageFile, ...], tmp_path: Path
) -> None:
    cache = Cache(tmp_path)
    measure_images(make_task(network), images, CONFIG, Silent(), cache)
    assert len(list(tmp_path.rglob("*.entry"))) == 1
    other = load_network(CONFIG, two_convolutions(seed=1))
    measure_images(make_task(other), images, CONFIG, Silent(), cache)
    measure_images(make_task(network), images[::-1], CONFIG, Silent(), cache)
    pad = Config(preprocess="unit", resize="pad")
    measure_images(make_task(network, pad), images, pad, Silent(), cache)
    assert len(list(tmp_path.rglob("*.entry"))) == 4


def test_a_task_that_travelled_measures_the_same(network: Network, images: tuple[ImageFile, ...]) -> None:
    task = make_task(network)
    there = pickle.loads(pickle.dumps(task))
    chunk = next(chunks_of(images, 0, COUNT))
    assert same(there.run(chunk, lambda _: None), task.run(chunk, lambda _: None))


def test_a_network_travels_by_its_path_or_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "network.keras"
    two_convolutions().save(path)
    config = Config(model=str(path), preprocess="unit")
    network = load_network(config)
    parcel = pack_network(network, config.model, None)
    by_path, by_bytes = parcel.without_content(), pickle.loads(pickle.dumps(parcel))
    assert by_path.content is None
    pixels = random_images(2).astype(np.float32)
    for unpacked in (by_path.unpack(), by_bytes.unpack()):
        assert unpacked.size == network.size
        assert np.array_equal(unpacked.model(unpacked.prepare(pixels)), network.model(network.prepare(pixels)))
    changed = keras.models.load_model(path)
    changed.layers[-1].bias.assign(np.ones(4))
    changed.save(path)
    with pytest.raises(ReportgenError, match="other weights in a worker"):
        by_path.unpack()


def test_a_network_that_cannot_be_saved_does_not_travel() -> None:
    class Unwritable(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs: object) -> object:
            return self.dense(inputs)

        def get_config(self) -> dict[str, object]:
            raise NotImplementedError("no description")

    model = Unwritable()
    model(np.zeros((1, 8, 8, 3), np.float32))
    network = load_network(Config(preprocess="unit", size=(8, 8)), model)
    with pytest.raises(ReportgenError, match=r"cannot be sent to workers.*use --engine local"):
        pack_network(network, "", None)


@pytest.mark.slow
def test_dask_workers_measure_the_same_and_what_kills_them_is_set_aside(
    network: Network, images: tuple[ImageFile, ...], tmp_path: Path
) -> None:
    deadly = ImageFile("deadly", DeadlySource(), "1" * 64, 8, 8)
    absent = ImageFile("absent", FileSource(str(tmp_path / "absent")), "1" * 64, 8, 8)
    told = Killing()
    by_dask, here = (
        measure_images(make_task(network, count=COUNT + 1), (*images[:7], one, *images[7:]), config, told, None)
        for one, config in ((deadly, Config(engine="dask")), (absent, CONFIG))
    )
    assert by_dask.skipped == {7: "every worker that took it died"}
    assert told.seen == 2 * (COUNT + 1)
    by_dask.skipped = here.skipped
    assert same(by_dask, here)


class KillingWorker(Silent):
    """A progress that kills a worker when half of the images are done."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.seen = 0
        self.killed: int | None = None

    def advance(self, steps: int, text: str | None = None) -> None:  # noqa: ARG002
        self.seen += steps
        if self.killed is None and self.seen >= COUNT:
            self.killed = max(self.client.run(os.getpid).values())
            os.kill(self.killed, signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_killed_midway_changes_nothing_three_times_out_of_three(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 2 * COUNT
    images = collect_images(random_images(count)).images
    here = measure_images(make_task(network, count=count), images, CONFIG, Silent(), None)
    monkeypatch.setattr(measuring, "MOST_IMAGES", 2)
    monkeypatch.setattr(measuring, "LEAST_IMAGES", 2)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        for _ in range(3):
            client.wait_for_workers(2)
            told = KillingWorker(client)
            config = Config(engine="dask", dask_address=cluster.scheduler_address)
            there = measure_images(make_task(network, count=count), images, config, told, None)
            assert told.killed is not None
            assert told.killed not in client.run(os.getpid).values()
            assert told.seen == count
            assert there.skipped == {}
            assert same(there, here)


def test_workers_that_see_no_images_are_one_clear_line(network: Network, tmp_path: Path) -> None:
    images = collect_images(write_images(tmp_path, 2)).images

    class Blind:
        """An engine whose worker is asked on another machine."""

        workers = 1
        is_remote = True

        def ask(self, question: object) -> dict[str, object]:  # noqa: ARG002
            return {"tcp://far": "cannot be read: No such file or directory"}

    with pytest.raises(ReportgenError, match=r"worker tcp://far cannot use image-0\.png: it cannot be read"):
        measuring._check_workers(Blind(), make_task(network), images)
