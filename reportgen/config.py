"""Settings of a run: one frozen, validated model, its defaults and the facts of its options beside its fields."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from reportgen.ascent_settings import MOST_SIDE, MOST_STEPS, AscentSettings, Interval
from reportgen.attribution_settings import AttributionSettings, MethodWord, parse_methods, split_table
from reportgen.errors import UsageError, one_line
from reportgen.gates import Gate, parse_gates, write_gates
from reportgen.opening import read_regular
from reportgen.option_values import (
    ANSWERS_EXPECTED,
    CHANNELS_EXPECTED,
    MOST_CHANNELS,
    AnswerChoice,
    ChannelChoice,
    parse_answers,
    parse_assignments,
    parse_by_output,
    parse_bytes,
    parse_channels,
    parse_duration,
    parse_list,
    parse_numbers,
    parse_repeated,
    parse_sections,
    parse_size,
    parse_tags,
)
from reportgen.options import FrozenSettings, OptionFacts, expected_value, facts_of, told

MapScale = Literal["shared", "each", "standardised"]

ALL_SECTIONS = ("all",)

# What stands for the images' own folders, as names of classes and as the right class of each image, and what stands
# for the image itself as the right picture.
FOLDERS, INPUT = "folders", "input"

# More than any run needs: a value beyond is a slip, and the run would end late, after hours or for want of memory.
MOST_PAGES = 100_000
MOST_JUDGED = 1_000_000
MOST_BYTES = 10**15
MOST_SECONDS = 365 * 86_400
MOST_SEED = 2**32 - 1

Side = Annotated[int, Field(ge=1, le=MOST_SIDE)]
FurtherPicture = Literal["negative", "diversity"]
Size = Annotated[tuple[Side, Side] | None, BeforeValidator(parse_size)]
SIZE_FACTS = OptionFacts("HxW", f"HEIGHTxWIDTH such as 224x224, sides from 1 to {MOST_SIDE:,}", joint="x")

Band = Annotated[int, Field(ge=0, lt=MOST_CHANNELS)]


class Config(FrozenSettings):
    """Everything a run depends on, besides the model and the images themselves."""

    model: Annotated[str, OptionFacts(place="argument", is_path=True)] = Field(
        default="", description="the network: a file, keras:NAME, hf://owner/name or python:module:callable"
    )
    images: Annotated[tuple[str, ...], BeforeValidator(parse_repeated), OptionFacts(place="argument", is_path=True)] = (
        Field(default=(), description="files, folders or globs")
    )
    output: Annotated[Path | None, OptionFacts(place="argument", of_machine=True)] = Field(
        default=None, description="the folder of the report"
    )

    weights: Annotated[str, OptionFacts("imagenet|none|PATH", group="network", is_path=True)] = Field(
        default="imagenet", description="for keras:NAME: imagenet, none or a weights file"
    )
    top: Annotated[
        bool,
        OptionFacts(name="no_top", off_help="for keras:NAME: without the classification head", group="network"),
    ] = Field(default=True, description="for keras:NAME: with the classification head")
    custom_objects: Annotated[str | None, OptionFacts("MODULE", group="network")] = Field(
        default=None, description="python:module with custom layers"
    )
    inputs: Annotated[
        dict[str, str],
        BeforeValidator(parse_assignments),
        OptionFacts("NAME=VALUE", "NAME=VALUE", name="input", group="network", repeats=True, is_path=True),
    ] = Field(default={}, description="values of the network's other inputs, NAME=VALUE")

    preprocess: Annotated[str, OptionFacts("MODE", group="feeding")] = Field(
        default="auto",
        description="auto, none (0..255), unit (0..1), tf (-1..1), torch, caffe or python:module:function",
    )
    resize: Annotated[Literal["crop", "squash", "pad"], OptionFacts(group="feeding")] = Field(
        default="squash", description="how a photograph is made to fit"
    )
    interpolation: Annotated[Literal["nearest", "bilinear", "bicubic", "lanczos"], OptionFacts(group="feeding")] = (
        Field(default="bilinear", description="the resampling filter")
    )
    value_range: Annotated[
        Interval | None,
        BeforeValidator(parse_numbers),
        OptionFacts("LOW,HIGH", "LOW,HIGH, two numbers such as 0,10000, the lower one first", group="feeding"),
    ] = Field(
        default=None,
        description="what black and white are in images that are not 8 bits (else the type's range for 16 bits, 0..1 "
        "for floats that lie there)",
    )
    bands: Annotated[
        tuple[Band, Band, Band] | None,
        BeforeValidator(parse_numbers),
        OptionFacts("R,G,B", "R,G,B, three channels such as 3,2,1, the first of an image is 0"),
    ] = Field(
        default=None,
        description="which channels of images of many are shown as red, green and blue (else the first three)",
    )
    size: Annotated[Size, replace(SIZE_FACTS, group="network")] = Field(
        default=None, description="HEIGHTxWIDTH, where the network leaves it open (else 224x224)"
    )
    answers: Annotated[
        dict[str, Annotated[AnswerChoice, PlainSerializer(str)]],
        BeforeValidator(parse_answers),
        OptionFacts("NAME=KIND", ANSWERS_EXPECTED, name="answer", group="answers", repeats=True),
    ] = Field(default={}, description="what an output is: classes, values, map, picture, points:xxyy:unit, ...")
    labels: Annotated[
        dict[str, str | tuple[str, ...]],
        BeforeValidator(parse_by_output),
        OptionFacts(
            "FILE|folders",
            "a file of names, folders, a list, or NAME=FILE for one of several outputs",
            group="answers",
            repeats=True,
            is_path=True,
        ),
    ] = Field(default={}, description="class names: text, one a line, or JSON; folders; NAME=FILE for output NAME")
    truth: Annotated[
        dict[str, str | tuple[str, ...]],
        BeforeValidator(parse_by_output),
        OptionFacts(
            "FILE.csv|folders",
            "folders, FILE.csv, a folder of masks or pictures, input, a list, or NAME=... for one of several outputs",
            group="answers",
            repeats=True,
            is_path=True,
        ),
    ] = Field(default={}, description="the right answers: folders, FILE.csv, a folder, input; NAME=... for output NAME")

    sections: Annotated[
        tuple[str, ...], BeforeValidator(parse_sections), OptionFacts("A,B", "names of sections such as filters,layers")
    ] = Field(default=ALL_SECTIONS, min_length=1, description="which sections to make, or all")
    layers: Annotated[tuple[str, ...], BeforeValidator(parse_repeated), OptionFacts("PATTERN", repeats=True)] = Field(
        default=(), description="blocks, convs, all, a name or a glob"
    )
    map_scales: Annotated[
        tuple[MapScale, ...],
        BeforeValidator(parse_list),
        OptionFacts("A,B", "some of shared, each, standardised, such as shared,each"),
    ] = Field(
        default=("shared", "each"), min_length=1, description="scales of feature maps: shared, each, standardised"
    )
    max_channels: int = Field(default=64, ge=1, le=MOST_CHANNELS, description="the most maps in one figure")
    channels: Annotated[
        ChannelChoice,
        BeforeValidator(parse_channels),
        PlainSerializer(str, return_type=str),
        OptionFacts("WHICH", CHANNELS_EXPECTED),
    ] = Field(default=ChannelChoice("strongest", count=8), description="first:N, strongest:N, all or a list 0,3,7")
    activation_max: Literal["classic", "crisp", "reference", "off"] = Field(
        default="crisp", description="the preset of activation maximisation"
    )
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS, description="steps of the ascent (else the preset's)")
    canvas: Annotated[Size, SIZE_FACTS] = Field(
        default=None, description="HEIGHTxWIDTH of a maximised image (else the preset's)"
    )
    ascent: Annotated[AscentSettings, OptionFacts(expects="a table [ascent]", place="file")] = Field(
        default=AscentSettings(), description="further parameters of the preset"
    )
    also: Annotated[
        tuple[FurtherPicture, ...],
        BeforeValidator(parse_list),
        OptionFacts("LIST", "some of negative, diversity, such as negative,diversity"),
    ] = Field(
        default=(),
        description="further pictures of channels: negative (what they like least), diversity (three that differ)",
    )
    attribution: Annotated[
        tuple[MethodWord, ...],
        BeforeValidator(parse_methods),
        OptionFacts(
            "METHODS",
            "auto, off, or some of grad-cam, layer-cam, integrated-gradients, occlusion, attention-rollout",
        ),
    ] = Field(default=("auto",), description="why it answered so: auto, off, or methods such as grad-cam,occlusion")
    attribution_parameters: Annotated[
        AttributionSettings, OptionFacts(expects="a table [attribution]", place="file")
    ] = Field(default=AttributionSettings(), description="parameters of attribution")
    dream_image: str | None = Field(default=None, description="the image of the deep dream (else the first)")
    dream_layer: str | None = Field(default=None, description="the layer of the deep dream (else the last of --layers)")
    dream_channel: int | None = Field(
        default=None, ge=0, lt=MOST_CHANNELS, description="one channel of it (else all; classic: 0)"
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description="seed of all randomness")
    budget: Annotated[
        float | None,
        BeforeValidator(parse_duration),
        OptionFacts("TIME", "a time such as 5m, 90s or 1h, of at most a year"),
    ] = Field(default=None, gt=0, le=MOST_SECONDS, description="a time limit for activation maximisation, such as 5m")

    engine: Annotated[Literal["local", "dask"], OptionFacts(of_machine=True)] = Field(
        default="local", description="where image statistics and activation maximisation run"
    )
    dask_address: Annotated[
        str | None,
        OptionFacts("ADDRESS", "an address such as tcp://host:8786 with --engine dask beside it", of_machine=True),
    ] = Field(default=None, description="tcp://host:8786 of a running scheduler")
    image_pages: int = Field(default=50, ge=0, le=MOST_PAGES, description="how many images get a page of their own")

    title: Annotated[str | None, OptionFacts(group="look")] = Field(default=None, description="title of the report")
    logo: Annotated[Path | None, OptionFacts(group="look")] = Field(
        default=None, description="a picture beside the title"
    )
    css: Annotated[Path | None, OptionFacts(group="look")] = Field(
        default=None, description="a style sheet after the report's own"
    )
    templates: Annotated[Path | None, OptionFacts("DIR", group="look")] = Field(
        default=None, description="a folder whose templates go before the report's own"
    )
    script: Annotated[bool, OptionFacts(name="no_script", off_help="pages without the script", group="look")] = Field(
        default=True, description="pages carry the script"
    )
    format: Literal["site", "single", "both"] = Field(default="site", description="a folder, one file, or both")
    max_size: Annotated[
        int | None, BeforeValidator(parse_bytes), OptionFacts("SIZE", "a size such as 25MB or 800kB, of at least 1B")
    ] = Field(default=None, gt=0, le=MOST_BYTES, description="the most bytes of the whole report, such as 25MB")

    robustness: int | None = Field(
        default=None, ge=1, le=MOST_JUDGED, description="corruptions and shifts on N of the images (else none)"
    )
    reference: Annotated[Path | None, OptionFacts("DIR", is_path=True)] = Field(
        default=None, description="images that these must not be copies of, such as the training set"
    )

    tag: Annotated[
        dict[str, str],
        BeforeValidator(parse_tags),
        OptionFacts("KEY=VALUE", "KEY=VALUE, a date such as 2026-05-31 and a step that is a number", repeats=True),
    ] = Field(default={}, description="said on the front page, KEY=VALUE; `collect` orders reports by date and step")
    fail_on: Literal["error", "warning"] | None = Field(
        default=None, description="exit 3 when a finding of this severity or worse stands"
    )
    gates: Annotated[
        tuple[Gate, ...],
        BeforeValidator(parse_gates),
        PlainSerializer(write_gates, return_type=dict[str, str]),
        OptionFacts(expects='a table [gates] of entries such as accuracy = ">= 0.9"', place="file"),
    ] = Field(default=(), description="figures the report must reach; exit 3 where it does not")
    timings: Annotated[Path | None, OptionFacts("FILE", is_path=True, of_machine=True)] = Field(
        default=None, description="seconds of each stage, as JSON"
    )
    strict: Annotated[bool, OptionFacts(group="reading")] = Field(
        default=False, description="an unreadable image is an error"
    )
    force: Annotated[bool, OptionFacts(of_machine=True)] = Field(
        default=False, description="replace a folder this program did not make"
    )
    cache: Annotated[Path | None, OptionFacts("DIR", of_machine=True)] = Field(
        default=None, description="where results are kept between runs"
    )
    use_cache: Annotated[
        bool,
        OptionFacts(name="no_cache", off_help="compute everything again and keep nothing", of_machine=True),
    ] = Field(default=True, description="keep results between runs")

    @field_validator("value_range")
    @classmethod
    def _range_is_one(cls, value: Interval | None) -> Interval | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError("out of order")
        return value

    @field_validator("dask_address")
    @classmethod
    def _address_needs_its_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("engine") == "local":
            raise ValueError("an address without its engine")
        if value is not None and not value.strip():
            raise ValueError("no address of a scheduler")
        return value

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Validate `values`.

        Raises:
            UsageError: with one line that names the setting, what it takes and what came.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise UsageError(_refusal(error)) from None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Settings from options by the names they have on the command line, `-` or `_` alike.

        Raises:
            UsageError: with one line that names the option, what it takes and what came.
        """
        fields = {option_name(field).replace("-", "_"): field for field in cls.model_fields}
        values: dict[str, Any] = {}
        for option, value in split_table(options).items():
            field = fields.get(option.replace("-", "_"), option)
            is_switch = field in cls.model_fields and option_facts(field).off_help is not None
            values[field] = not value if is_switch and isinstance(value, bool) else value
        return cls.checked(**values)

    @property
    def runs_code(self) -> bool:
        """Whether the settings name code of the user's to run beside the network."""
        named = (self.model, self.preprocess)
        return self.custom_objects is not None or any(value.startswith("python:") for value in named)

    def draws(self, section: str) -> bool:
        """Whether `section` was asked for, by its name or with all."""
        return self.sections == ALL_SECTIONS or section in self.sections


# Settings that are tables of their own in the configuration file, with their names there.
_TABLES: Mapping[str, tuple[str, type[FrozenSettings]]] = {
    "ascent": ("ascent", AscentSettings),
    "attribution_parameters": ("attribution", AttributionSettings),
}


def option_facts(field: str) -> OptionFacts:
    """The facts of a setting's option."""
    return facts_of(Config.model_fields[field])


# Settings that lead to code wherever they point: a scheduler sends what its workers run.
_CODE = frozenset({"custom_objects", "templates", "dask_address"})


def option_name(field: str) -> str:
    """The option of a settings field, without the leading `--`."""
    return (option_facts(field).name or field).replace("_", "-")


def _refusal(error: ValidationError) -> str:
    """One line on the first of the values that were refused."""
    first = error.errors(include_url=False)[0]
    field, *inside = (str(part) for part in first["loc"])
    known: Mapping[str, FieldInfo] = Config.model_fields
    shown, names = f"--{option_name(field)}" if field in known else field, [option_name(name) for name in known]
    if field in _TABLES:
        shown, table = _TABLES[field]
        if inside:
            shown, field, known, names = f"{shown}.{inside[0]}", inside[0], table.model_fields, list(table.model_fields)
    if field not in known and inside:
        return f"unknown setting {shown!r}; known are {', '.join(sorted(names))}"
    if field not in known:
        nearest = get_close_matches(field, names, cutoff=0.4) or sorted(names)[:1]
        return f"unknown setting {shown!r}; the nearest are {', '.join(nearest)}; `reportgen build --help` lists all"
    return f"{shown}: expected {expected_value(known[field])}, got {told(first['input'])}"


def read_config_file(path: Path, *, trusted: bool = True) -> dict[str, Any]:
    """Read the options of a `reportgen.toml`.

    Args:
        path: the file.
        trusted: whether it may name code to run.

    Raises:
        UsageError: the file is missing, is no TOML of options, or names code and is not trusted.
    """
    try:
        values = tomllib.loads(read_regular(path, "settings").decode("utf-8"))
    except OSError as error:
        raise UsageError(f"--config: cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits are none of TOML's own errors
        raise UsageError(f"--config: {path} is not TOML: {one_line(error, 120)}") from error
    for name in sorted({"model", "images", "output"} & values.keys()):
        raise UsageError(f"--config: {path}: expected options, got {name}, which stands in the command itself")
    if not trusted:
        _refuse_code(path, values)
    return split_table(values)


def _refuse_code(path: Path, values: Mapping[str, Any]) -> None:
    for option, value in values.items():
        names_code = isinstance(value, str) and value.strip().lower().startswith("python:")
        if names_code or option.replace("-", "_") in _CODE:
            raise UsageError(
                f"--config: {path} names code to run ({one_line(option, 40)} = {told(value)}); "
                "look at it, and add --trust-config if you trust it"
            )
