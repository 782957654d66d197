"""Run tasks on the workers of a Dask cluster, one that runs already or one of processes on this machine.

A task travels once to each worker, also to those that join or come back later. When a worker dies, the chunks
it had run again, one at a time, since any of them may be the cause; one that kills a worker then is divided
until the culprit is alone, which is set aside.
"""

# mypy: allow-untyped-calls
# Dask has types for a part of its interface only.

from __future__ import annotations

import logging
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin, get_worker, wait
from distributed.comm.core import CommClosedError

from reportgen.engines.chunks import Advance, Chunk, Outcome, Task
from reportgen.engines.versions import PACKAGES, installed_versions
from reportgen.errors import ReportgenError
from reportgen.machine.memory import processor_count
from reportgen.machine.quiet import chatter_held_back

# Seconds in which a scheduler must answer and have a first worker.
ANSWER_SECONDS = 20

# Workers that may die over one image (or channel) alone before it is set aside. One death could be chance.
DEATHS = 2

# Chunks under way for each that is worked on: while one is done the next has arrived.
AHEAD = 2

# Seconds after which it is looked whether there are still workers; a worker that is started anew takes some.
PATIENCE_SECONDS = 60

# Processes on this machine, each with the network loaded; more threads do the rest.
MOST_PROCESSES = 4

_PLUGIN = "reportgen-task"

# Of a cluster on this machine: a killed worker's chunks come back at once, to be run by themselves, and a
# worker that keeps dying keeps being started anew.
_LOCAL_SETTINGS = {"distributed.scheduler.allowed-failures": 0, "distributed.deploy.lost-worker-timeout": "1 day"}


class _TaskPlugin(WorkerPlugin):
    """Keeps the task at each worker, packed until it is needed."""

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    def setup(self, worker: Any) -> None:  # noqa: ARG002 - as Dask calls it
        """Make the task ready to be unpacked; nothing is loaded before the first chunk."""
        self._task: Task | None = None
        self._unpacking, self._running = threading.Lock(), threading.Lock()

    def task(self) -> Task:
        """The task, unpacked once."""
        with self._unpacking:
            if self._task is None:
                with chatter_held_back():
                    self._task = pickle.loads(self.packed)
            return self._task

    def run(self, chunk: Chunk) -> Any:
        """Do the work of `chunk`, together with others or, where it takes all processors, when they are done."""
        task = self.task()
        with self._running if task.uses_all_processors else nullcontext():
            return task.run(chunk, _tell_nobody)


def _run_chunk(chunk: Chunk) -> Any:
    plugin = get_worker().plugins[_PLUGIN]
    assert isinstance(plugin, _TaskPlugin)
    return plugin.run(chunk)


def _tell_nobody(done: int) -> None:
    """Progress within a chunk does not leave the worker."""


class DaskEngine:
    """Runs tasks on the workers that `client` knows."""

    is_remote = True

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def workers(self) -> int:
        """How many chunks are worked on at the same time."""
        threads: dict[str, int] = self.client.nthreads()
        return max(1, sum(threads.values()))

    @property
    def processes(self) -> int:
        """In how many processes they are."""
        return max(1, len(self.client.nthreads()))

    def ask(self, question: Callable[[], Any]) -> dict[str, Any]:
        """The answer of each worker, by its address."""
        return dict(sorted(self.client.run(question).items()))

    def run(self, task: Task, chunks: Iterable[Chunk], advance: Advance) -> Iterator[Outcome]:
        """Run `task` on all `chunks`, and give each outcome as it comes.

        Raises:
            ReportgenError: the cluster has gone, or all of its workers.
        """
        packed = pickle.dumps(task)
        running: dict[Future[Any], Chunk] = {}
        waiting, suspects = iter(chunks), list[Chunk]()
        try:
            self.client.register_plugin(_TaskPlugin(packed), name=_PLUGIN)
            while True:
                room = AHEAD * (self.processes if task.uses_all_processors else self.workers) - len(running)
                running |= {self._submit(chunk): chunk for chunk in islice(waiting, max(0, room))}
                if not running:
                    break
                for future in self._finished(running):
                    chunk = running.pop(future)
                    if _was_killed(future):
                        suspects.append(chunk)
                    else:
                        yield Outcome(chunk, future.result())
                        advance(chunk.size)
            for outcome in self._run_alone(suspects):
                yield outcome
                advance(outcome.chunk.size)
        except (CommClosedError, CancelledError) as error:
            raise ReportgenError(
                "--engine dask: the scheduler went away; start it and repeat the run, which goes on where it was"
            ) from error
        finally:
            self._forget(running)

    def _forget(self, futures: Iterable[Future[Any]]) -> None:
        """Take back what is under way, and the task, unless the scheduler has gone with both."""
        with suppress(OSError):
            if self.client.status == "running":
                self.client.cancel(list(futures))
                self.client.unregister_worker_plugin(_PLUGIN)

    def _run_alone(self, suspects: Sequence[Chunk]) -> Iterator[Outcome]:
        """Run chunks whose workers died one at a time, so that the next death tells which of them is the cause."""
        stack = list(reversed(suspects))
        deaths = 0
        while stack:
            chunk = stack.pop()
            future = self._submit(chunk)
            self._finished([future])
            parts = chunk.divide()
            if not _was_killed(future):
                deaths = 0
                yield Outcome(chunk, future.result())
            elif parts:
                stack.extend(reversed(parts))
            elif deaths + 1 < DEATHS:
                deaths += 1
                stack.append(chunk)
            else:
                deaths = 0
                yield Outcome(chunk, set_aside="every worker that took it died")

    def _submit(self, chunk: Chunk) -> Future[Any]:
        return self.client.submit(_run_chunk, chunk, pure=False)

    def _finished(self, futures: Iterable[Future[Any]]) -> list[Future[Any]]:
        """Wait for some of `futures` and give those that are done."""
        without_workers = 0
        while True:
            try:
                return list(wait(list(futures), timeout=PATIENCE_SECONDS, return_when="FIRST_COMPLETED").done)
            except TimeoutError:
                without_workers = 0 if self.client.nthreads() else without_workers + 1
            if without_workers > 1:
                raise ReportgenError(
                    f"--engine dask: for {2 * PATIENCE_SECONDS} s there has been no worker; "
                    "start some and repeat the run, which goes on where it was"
                )


def _was_killed(future: Future[Any]) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)


@contextmanager
def open_dask(address: str | None) -> Iterator[DaskEngine]:
    """An engine on the cluster at `address`, or (None) on one of processes on this machine.

    Raises:
        ReportgenError: nobody answers there, or its workers have other versions than this process.
    """
    with _quiet(), dask.config.set(_LOCAL_SETTINGS):
        if address is None:
            with _local_cluster() as cluster, Client(cluster) as client:
                yield DaskEngine(client)
        else:
            with _connected(address) as client:
                engine = DaskEngine(client)
                _check_workers(engine, address)
                yield engine


@contextmanager
def _local_cluster() -> Iterator[LocalCluster]:
    processors = processor_count()
    processes = min(processors, MOST_PROCESSES)
    with (
        tempfile.TemporaryDirectory(prefix="reportgen-dask-") as folder,
        LocalCluster(
            n_workers=processes,
            threads_per_worker=max(1, processors // processes),
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            local_directory=folder,
            memory_limit=0,
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise ReportgenError(
            f"--dask-address {address}: expected a Dask scheduler, none answers ({error}); "
            "start one with `dask scheduler`, or leave the address out to use this machine"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            raise ReportgenError(
                f"--dask-address {address}: the scheduler has no workers; start some with `dask worker {address}`"
            ) from error
        yield client


def _check_workers(engine: DaskEngine, address: str) -> None:
    """Raise ReportgenError where a worker has other versions than this process."""
    here = installed_versions()
    try:
        answers = engine.ask(installed_versions)
    except ImportError as error:
        raise ReportgenError(
            f"--dask-address {address}: its workers cannot import reportgen ({error}); "
            "install the same reportgen where they run"
        ) from error
    for worker, there in answers.items():
        different = [
            f"{package} {there[package] or 'missing'} (here {here[package]})"
            for package in PACKAGES
            if there[package] != here[package]
        ]
        if different:
            raise ReportgenError(
                f"--dask-address {address}: expected the same versions everywhere, worker {worker} has "
                f"{', '.join(different)}; install the same there"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own log off standard error: what matters comes back as an outcome or an exception."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
