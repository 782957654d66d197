"""Settings of a run: one frozen, validated model, its defaults beside its fields."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from reportgen.errors import UsageError

SectionSlug = Literal[
    "overview",
    "layers",
    "filters",
    "feature-maps",
    "features",
    "activation-maximization",
    "deep-dream",
    "predictions",
    "units",
]
SECTION_SLUGS: tuple[SectionSlug, ...] = get_args(SectionSlug)

MapScale = Literal["shared", "each", "standardised"]

# Options whose name on the command line and in reportgen.toml is not the field's: those that switch
# something off are the field's opposite.
SWITCHED_OFF = {"no_top": "top", "no_script": "script", "no_cache": "use_cache"}
RENAMED = {"input": "inputs"}

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "": 1}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


def option_name(field: str) -> str:
    """The option of a settings field, without the leading `--`."""
    names = {field: option for option, field in (SWITCHED_OFF | RENAMED).items()}
    return names.get(field, field).replace("_", "-")


def parse_size(value: Any) -> Any:
    """Turn `"224x192"` into `(224, 192)`, height first; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+)\s*[xX]\s*(\d+)\s*", value)
        if match is None:
            raise ValueError(f"expected HEIGHTxWIDTH such as 224x224, got {value!r}")
        return int(match[1]), int(match[2])
    return value


def parse_bytes(value: Any) -> Any:
    """Turn `"25MB"` into a number of bytes; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?[bB]?)\s*", value)
        if match is None or match[2].upper() not in _UNITS:
            raise ValueError(f"expected a size such as 25MB or 800kB, got {value!r}")
        return int(float(match[1]) * _UNITS[match[2].upper()])
    return value


def parse_duration(value: Any) -> Any:
    """Turn `"5m"`, `"90s"` or `"1h"` into seconds; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", value)
        if match is None:
            raise ValueError(f"expected a time such as 5m, 90s or 1h, got {value!r}")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def parse_list(value: Any) -> Any:
    """Turn `"a,b_c"` into `("a", "b-c")`; other values pass through."""
    if isinstance(value, str):
        return tuple(part.strip().replace("_", "-") for part in value.split(",") if part.strip())
    return value


def parse_sections(value: Any) -> Any:
    """Like `parse_list`; `all` stands for every section."""
    names = parse_list(value)
    return SECTION_SLUGS if names in (("all",), ["all"]) else names


def parse_numbers(value: Any) -> Any:
    """Turn `"0,10000"` into `("0", "10000")`; other values pass through."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def parse_assignments(value: Any) -> Any:
    """Turn `("name=value", ...)` into a dictionary; other values pass through."""
    if isinstance(value, list | tuple):
        pairs = {}
        for item in value:
            name, equals, text = str(item).partition("=")
            if not equals and name.endswith(".npy"):
                name, equals, text = "", "=", name  # vectors for a generator, which has but one input
            elif not equals or not name:
                raise ValueError(f"expected NAME=VALUE, got {item!r}")
            pairs[name] = text
        return pairs
    return value


Interval = tuple[float, float]
NaturalNumber = Annotated[int, Field(ge=0)]


class AscentSettings(BaseModel):
    """Parameters of activation maximisation that replace the preset's: `ascent` in the configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameterization: Literal["pixels", "fourier"] | None = Field(
        default=None, description="how the image is held: its pixels, or its spectrum with decorrelated colours"
    )
    before_activation: bool | None = Field(
        default=None, description="maximise what goes into the layer's nonlinearity instead of what comes out"
    )
    spread: float | None = Field(
        default=None, ge=0, description="the weight of a map's mean absolute deviation beside its mean"
    )
    optimizer: Literal["adam", "normalized"] | None = Field(
        default=None, description="Adam, or steps along the gradient over its root mean square"
    )
    step_size: float | None = Field(default=None, gt=0, description="the learning rate")
    noise_mean: float | None = Field(default=None, description="of the pixels at the start, in units of 0..255")
    noise_std: float | None = Field(default=None, ge=0, description="of the pixels at the start, in units of 0..255")
    spectrum_std: float | None = Field(default=None, ge=0, description="of the spectrum at the start")
    spectrum_decay: float | None = Field(default=None, ge=0, description="the power of frequency the spectrum falls by")
    pad: int | None = Field(default=None, ge=0, le=112, description="border of the random transforms, on 224 pixels")
    jitter: int | None = Field(default=None, ge=0, le=112, description="first random shift, on 224 pixels")
    scale: Interval | None = Field(default=None, description="random enlargement, lowest and highest factor")
    rotate: Interval | None = Field(default=None, description="random rotation, lowest and highest angle in degrees")
    final_jitter: int | None = Field(default=None, ge=0, le=112, description="last random shift, on 224 pixels")
    relief_steps: int | None = Field(
        default=None,
        ge=0,
        description="first steps in which gradients pass rectifiers that are dead for the whole image",
    )
    check_every: int | None = Field(
        default=None,
        ge=0,
        description="steps between measurements of the picture; the best is kept; 0: only at the end",
    )
    patience: int | None = Field(
        default=None, ge=0, description="measurements without gain after which an ascent ends; 0: never"
    )
    least_gain: float | None = Field(default=None, ge=0, description="the share by which a measurement must be higher")
    least_canvas: int | None = Field(default=None, ge=1, description="the smallest side of a canvas, in pixels")
    canvas_margin: float | None = Field(
        default=None, ge=0, description="how much wider than the receptive field a canvas is, in receptive fields"
    )
    restarts: int | None = Field(default=None, ge=0, description="new seeds tried where an ascent has no gradient")
    rival_steps: int | None = Field(
        default=None, ge=0, description="further steps with the other channels held down, where these answer more"
    )
    rival_weight: float | None = Field(default=None, ge=0, description="how strongly they are held down")
    second_seeds: int | None = Field(default=None, ge=0, description="channels of each layer made from two seeds")
    display: Literal["as-is", "standardized"] | None = Field(
        default=None, description="how the picture is shown: as it is, or with its contrast evened out"
    )

    @field_validator("scale", "rotate")
    @classmethod
    def _ordered(cls, value: Interval | None, info: ValidationInfo) -> Interval | None:
        if value is not None and value[0] > value[1]:
            raise ValueError("expected the lower value first")
        if value is not None and info.field_name == "scale" and value[0] <= 0:
            raise ValueError("expected factors above 0")
        return value


class Config(BaseModel):
    """Everything a run depends on, besides the model and the images themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="", description="the network: a file, keras:NAME or python:module:callable")
    images: tuple[str, ...] = Field(default=(), description="files, folders or globs")
    output: Path | None = Field(default=None, description="the folder of the report")

    weights: str = Field(default="imagenet", description="for keras:NAME: imagenet, none or a weights file")
    top: bool = Field(default=True, description="for keras:NAME: with the classification head")
    custom_objects: str | None = Field(default=None, description="python:module with custom layers")
    inputs: Annotated[dict[str, str], BeforeValidator(parse_assignments)] = Field(
        default={}, description="values of the network's other inputs, NAME=VALUE"
    )

    preprocess: str = Field(
        default="auto",
        description="auto, none (0..255), unit (0..1), tf (-1..1), torch, caffe or python:module:function",
    )
    resize: Literal["crop", "squash", "pad"] = Field(default="squash", description="how a photograph is made to fit")
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = Field(
        default="bilinear", description="the resampling filter"
    )
    value_range: Annotated[Interval | None, BeforeValidator(parse_numbers)] = Field(
        default=None,
        description="LOW,HIGH: what black and white are in images that are not 8 bits (else the type's range for "
        "16 bits, 0..1 for floats that lie there)",
    )
    bands: Annotated[tuple[NaturalNumber, NaturalNumber, NaturalNumber] | None, BeforeValidator(parse_numbers)] = Field(
        default=None,
        description="R,G,B: which channels of images of many are shown as red, green and blue, the first is 0 "
        "(else the first three)",
    )
    size: Annotated[tuple[int, int] | None, BeforeValidator(parse_size)] = Field(
        default=None, description="HEIGHTxWIDTH, where the network leaves it open (else 224x224)"
    )
    labels: Path | None = Field(default=None, description="class names: text, one a line, or JSON")
    truth: str | None = Field(default=None, description="the right classes: FILE.csv or folders")

    sections: Annotated[tuple[SectionSlug, ...], BeforeValidator(parse_sections)] = Field(
        default=SECTION_SLUGS, description="which sections to make, or all"
    )
    layers: tuple[str, ...] = Field(default=(), description="blocks, convs, all, a name or a glob")
    map_scales: Annotated[tuple[MapScale, ...], BeforeValidator(parse_list)] = Field(
        default=("shared", "each"), min_length=1, description="scales of feature maps: shared, each, standardised"
    )
    max_channels: int = Field(default=64, ge=1, description="the most maps in one figure")
    channels: str = Field(
        default="strongest:8",
        pattern=r"^(first:\d+|strongest:\d+|all|\d+(\s*,\s*\d+)*)$",
        description="first:N, strongest:N, all or a list 0,3,7",
    )
    activation_max: Literal["classic", "crisp", "reference", "off"] = Field(
        default="crisp", description="the preset of activation maximisation"
    )
    steps: int | None = Field(default=None, ge=1, description="steps of the ascent (else the preset's)")
    canvas: Annotated[tuple[int, int] | None, BeforeValidator(parse_size)] = Field(
        default=None, description="HEIGHTxWIDTH of a maximised image (else the preset's)"
    )
    ascent: AscentSettings = Field(default=AscentSettings(), description="further parameters of the preset")
    dream_image: str | None = Field(default=None, description="the image of the deep dream (else the first)")
    dream_layer: str | None = Field(default=None, description="the layer of the deep dream (else the last of --layers)")
    dream_channel: int | None = Field(default=None, ge=0, description="one channel of it (else all; classic: 0)")
    seed: int = Field(default=0, ge=0, description="seed of all randomness")
    budget: Annotated[float | None, BeforeValidator(parse_duration)] = Field(
        default=None, gt=0, description="a time limit for activation maximisation, such as 5m"
    )

    engine: Literal["local", "dask"] = Field(
        default="local", description="where image statistics and activation maximisation run"
    )
    dask_address: str | None = Field(default=None, description="tcp://host:8786 of a running scheduler")
    image_pages: int = Field(default=50, ge=0, description="how many images get a page of their own")

    title: str | None = Field(default=None, description="title of the report")
    logo: Path | None = Field(default=None, description="a picture beside the title")
    css: Path | None = Field(default=None, description="a style sheet after the report's own")
    templates: Path | None = Field(default=None, description="a folder whose templates go before the report's own")
    script: bool = Field(default=True, description="pages carry the script")
    format: Literal["site", "single", "both"] = Field(default="site", description="a folder, one file, or both")
    max_size: Annotated[int | None, BeforeValidator(parse_bytes)] = Field(
        default=None, gt=0, description="the most bytes of the whole report, such as 25MB"
    )

    fail_on: Literal["error", "warning"] | None = Field(
        default=None, description="exit 3 when a finding of this severity or worse stands"
    )
    strict: bool = Field(default=False, description="an unreadable image is an error")
    force: bool = Field(default=False, description="replace a folder this program did not make")
    cache: Path | None = Field(default=None, description="where results are kept between runs")
    use_cache: bool = Field(default=True, description="keep results between runs")

    @field_validator("value_range")
    @classmethod
    def _range_is_one(cls, value: Interval | None) -> Interval | None:
        if value is not None and not (math.isfinite(value[0]) and math.isfinite(value[1]) and value[0] < value[1]):
            raise ValueError("expected LOW,HIGH, two numbers, the lower one first")
        return value

    @field_validator("dask_address")
    @classmethod
    def _address_needs_its_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("engine") == "local":
            raise ValueError("expected --engine dask beside it, or no address")
        return value

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Validate `values`.

        Raises:
            UsageError: with one line that names the setting, what came and what it takes.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "settings"
            if first["type"] == "extra_forbidden":
                inside = AscentSettings if first["loc"][0] == "ascent" else cls
                known = ", ".join(sorted(inside.model_fields))
                raise UsageError(f"unknown setting {name!r}; known are {known}") from None
            message = first["msg"].removeprefix("Value error, ")
            shown = name if first["loc"][:1] == ("ascent",) else f"--{name.replace('_', '-')}"
            raise UsageError(f"{shown}: {message} (got {first['input']!r})") from None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Settings from options by the names they have on the command line, `-` or `_` alike.

        Raises:
            UsageError: with one line that names the option, what came and what it takes.
        """
        values: dict[str, Any] = {}
        for option, value in options.items():
            name = option.replace("-", "_")
            if name in SWITCHED_OFF:
                if not isinstance(value, bool):
                    raise UsageError(f"{option}: expected true or false, got {value!r}")
                values[SWITCHED_OFF[name]] = not value
            else:
                values[RENAMED.get(name, name)] = value
        return cls.checked(**values)

    def draws(self, section: str) -> bool:
        """Whether `section` was asked for."""
        return section in self.sections


def read_config_file(path: Path) -> dict[str, Any]:
    """Read the options of a `reportgen.toml`.

    Raises:
        UsageError: the file is missing or is not TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageError(f"--config: cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config: {path} is not TOML: {error}") from error
