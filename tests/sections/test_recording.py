from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from reportgen.cli import commands
from reportgen.config import Config
from reportgen.sections.recording import command_of, record_provenance

SETTINGS: dict[str, Any] = {
    "channels": "0,3,7",
    "sections": "filters,layers",
    "layers": ["convs", "head_*"],
    "size": "192x224",
    "canvas": (64, 32),
    "input": {"age": "3", "name": "two words"},
    "map-scales": "each",
    "no-top": True,
    "no-script": True,
    "strict": True,
    "steps": 3,
    "budget": "5m",
    "max-size": "25MB",
    "fail-on": "error",
    "title": "It's a title",
}


def parsed(command: str) -> Config:
    """What the command line makes of a command of `reportgen build`."""
    build = commands.commands["build"]
    words = shlex.split(command)[2:]
    with click.Context(build, info_name="build") as context:
        build.parse_args(context, [*words, "-o", "out"])
        given = {name: value for name, value in context.params.items() if value not in (None, (), False)}
    given.pop("output")
    return Config.from_options(given | {"images": list(given["images"])})


def test_the_command_gives_the_settings_it_was_made_from() -> None:
    config = Config.from_options({"model": "net.keras", "images": ["a.png", "two words.png"], **SETTINGS})
    assert parsed(command_of(config)) == config


@pytest.mark.parametrize("choice", ["first:3", "strongest:2", "all", "0,3", "5"])
def test_a_choice_of_channels_stands_in_the_command_and_the_settings_as_text(choice: str) -> None:
    config = Config.from_options({"model": "net.keras", "images": ["a.png"], "channels": choice})
    assert f"--channels {choice}" in command_of(config)
    assert record_provenance(config).config["channels"] == choice


def test_settings_left_alone_are_not_told() -> None:
    config = Config.from_options({"channels": "strongest:8", "sections": "all", "image-pages": 50})
    assert record_provenance(config).config == {}
    assert command_of(config) == "reportgen build MODEL IMAGES"


def test_nothing_of_the_machine_is_told() -> None:
    config = Config.from_options(
        {
            "model": "/home/me/net.keras", "images": ["/home/me/photos", "../more/*.png"], "output": "/home/me/out",
            "weights": "/home/me/w.h5", "truth": "/home/me/truth.csv", "labels": "/home/me/labels.txt",
            "css": Path("/home/me/own.css"), "input": ["mask=/home/me/mask.npy"], "cache": "/home/me/cache",
            "no-cache": True, "force": True, "engine": "dask", "dask-address": "tcp://host:8786",
        }
    )  # fmt: skip
    provenance = record_provenance(config)
    assert not any(word in str(provenance) for word in ("home", "..", "cache", "force", "dask", "tcp"))
    assert "net.keras photos '*.png'" in provenance.command
    for words in ("--weights w.h5", "--truth truth.csv", "--labels labels.txt", "--css own.css"):
        assert words in provenance.command
    assert provenance.config["model"] == "net.keras"


def test_parameters_of_the_ascent_are_settings_and_no_options() -> None:
    config = Config.from_options({"ascent": {"rotate": [-20, 20], "restarts": 0}})
    assert "ascent" not in command_of(config)
    assert {"rotate": [-20.0, 20.0], "restarts": 0}.items() <= record_provenance(config).config["ascent"].items()
