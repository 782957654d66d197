"""Settings of attribution: which methods explain the answers, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reportgen.options import FrozenSettings

AttributionMethod = Literal["grad-cam", "layer-cam", "integrated-gradients", "occlusion", "attention-rollout"]
MethodWord = Literal["auto", "off"] | AttributionMethod

METHOD_TITLES: Mapping[str, str] = {
    "grad-cam": "Grad-CAM",
    "layer-cam": "LayerCAM",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "attention-rollout": "Attention rollout",
}

# More than any run needs: a value beyond is a slip.
MOST_POINTS = 100_000
MOST_BLOCKS = 1000
MOST_IMAGES = 1_000_000


class AttributionSettings(FrozenSettings):
    """Parameters of attribution: `attribution` in the configuration file, beside `methods`."""

    blocks: int = Field(
        default=1, ge=1, le=MOST_BLOCKS, description="class activation maps of so many blocks, the last one first"
    )
    points: int = Field(
        default=10, ge=2, le=MOST_POINTS, description="of the quadrature of integrated gradients, at the start"
    )
    most_points: int = Field(
        default=400,
        ge=2,
        le=MOST_POINTS,
        description="more points, up to so many, where the maps do not add up to what they explain",
    )
    baseline: float = Field(
        default=127.5, ge=0, le=255, description="the grey integrated gradients begin with, of 0..255; 0: black"
    )
    window: float = Field(
        default=1 / 8, gt=0, le=1, description="side of the window of occlusion, as a share of the image's"
    )
    grey: float = Field(default=127.5, ge=0, le=255, description="what occlusion covers with, of 0..255")
    # Each goes through the network and back as often as there are points, and for its checks a hundred times more.
    costly_images: int = Field(
        default=1,
        ge=0,
        le=MOST_IMAGES,
        description="images that get integrated gradients where methods are chosen by themselves, mistakes first",
    )
    checked_images: int = Field(default=2, ge=0, le=MOST_IMAGES, description="images whose maps are checked")
    masks: Path | None = Field(
        default=None,
        description="folder of masks that show the object in each image: same name, above zero where it is",
    )
    close: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="the share of the best class's probability from which the runner-up is explained too",
    )


def parse_methods(value: Any) -> Any:
    """Turn `"grad-cam,occlusion"` into a tuple without repetitions; `auto` and `off` stand alone."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("no list of methods")
    words = tuple(dict.fromkeys(part.strip() for part in parts))
    if not words or (len(words) > 1 and any(word in ("auto", "off") for word in words)):
        raise ValueError("no list of methods")
    return words


def split_table(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which a table under `attribution` stands apart from the methods the option of that name chooses."""
    table = values.get("attribution")
    if not isinstance(table, Mapping):
        return dict(values)
    others = {name: value for name, value in values.items() if name != "attribution"}
    parameters = {name.replace("-", "_"): value for name, value in table.items()}
    methods = {"attribution": parameters.pop("methods")} if "methods" in parameters else {}
    return others | methods | {"attribution_parameters": parameters}
