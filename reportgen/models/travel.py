"""A network on its way to other processes: by its path where they see the file, else by its bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.errors import ReportgenError
from reportgen.machine.memory import keep_freed_memory
from reportgen.models.files import load_file
from reportgen.models.network import Network, weights_digest
from reportgen.models.preprocessing import choose_preprocessing
from reportgen.models.sources import custom_objects

# What Keras raises on a network it cannot write down.
_SAVING_ERRORS = (ValueError, TypeError, NotImplementedError, AttributeError, RuntimeError, OSError)


@dataclass(frozen=True, eq=False)
class NetworkParcel:
    """All it takes to have the same network in another process.

    `facts` is the network without its model, the traces of it and its preprocessing, `weights` a digest of its
    weights. `path` and `sha256` are of its file, None if it came from none; `content` is the file, None where
    all processes see it.
    """

    facts: dict[str, Any]
    preprocess: str
    custom_objects: str | None
    weights: str
    path: str | None
    sha256: str
    suffix: str
    content: bytes | None

    def without_content(self) -> NetworkParcel:
        """The parcel for processes that see the file."""
        return dataclasses.replace(self, content=None)

    def unpack(self) -> Network:
        """The network, loaded anew.

        Raises:
            ReportgenError: it cannot be loaded here, or came out different.
        """
        keep_freed_memory()
        objects = custom_objects(self.custom_objects)
        if self.content is None:
            model = load_file(Path(self.path or ""), objects)
        else:
            with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
                file = Path(folder) / f"network{self.suffix}"
                file.write_bytes(self.content)
                model = load_file(file, objects)
        if weights_digest(model) != self.weights:
            raise ReportgenError(
                f"{self.facts['name']}: the network has other weights in a worker than here; "
                "give it as a .keras file that was saved whole"
            )
        preprocessing = choose_preprocessing(self.preprocess, self.facts["channels"])
        return Network(model=model, preprocessing=preprocessing, **self.facts)


def pack_network(network: Network, source: str, objects: str | None) -> NetworkParcel:
    """Make `network` ready to travel.

    Args:
        source: what it was loaded from, as `Config.model`.
        objects: the module of its custom layers, as `Config.custom_objects`.

    Raises:
        ReportgenError: it came from no file and cannot be written to one.
    """
    path = Path(source)
    from_file = bool(source) and ":" not in source[2:] and path.is_file()
    content, suffix = (path.read_bytes(), path.suffix) if from_file else (_saved(network), ".keras")
    stays = ("model", "preprocessing", "traces")
    names = [field.name for field in dataclasses.fields(Network) if field.name not in stays]
    return NetworkParcel(
        facts={name: getattr(network, name) for name in names},
        preprocess=network.preprocessing.mode,
        custom_objects=objects,
        weights=weights_digest(network.model),
        path=str(path.resolve()) if from_file else None,
        sha256=hashlib.sha256(content).hexdigest(),
        suffix=suffix,
        content=content,
    )


def _saved(network: Network) -> bytes:
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        file = Path(folder) / "network.keras"
        try:
            network.model.save(file)
        except _SAVING_ERRORS as error:
            raise ReportgenError(
                f"{network.name} cannot be sent to workers: Keras cannot save it ({error}); "
                "use --engine local, or save it as a .keras file"
            ) from error
        return file.read_bytes()
