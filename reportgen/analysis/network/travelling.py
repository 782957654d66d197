"""Tasks that take their network along to an engine's workers."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from reportgen.engines import Engine
from reportgen.engines.questions import SeesFile
from reportgen.models import Network
from reportgen.models.travel import NetworkParcel, pack_network


class NetworkTask:
    """A task that works with a network; what travels to workers is the network's parcel instead of it.

    Args:
        model: what the network was loaded from, as `Config.model`.
        custom_objects: the module of its custom layers, as `Config.custom_objects`.
    """

    def __init__(self, network: Network, model: str, custom_objects: str | None) -> None:
        self.network = network
        self._source = model, custom_objects

    @cached_property
    def parcel(self) -> NetworkParcel:
        """The network as it travels."""
        return pack_network(self.network, *self._source)

    def lighten_for(self, engine: Engine) -> None:
        """Let the path of the network's file alone travel where all workers see it."""
        if engine.is_remote and self.parcel.path is not None:
            answers = engine.ask(SeesFile(self.parcel.path, self.parcel.sha256))
            if all(answers.values()):
                self.parcel = self.parcel.without_content()

    def __getstate__(self) -> dict[str, Any]:
        return {"parcel": self.parcel}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.parcel = state["parcel"]
        self.network = self.parcel.unpack()
