from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from reportgen.config import MOST_SIDE, MOST_STEPS, Config, option_facts, option_name, read_config_file
from reportgen.errors import UsageError
from reportgen.option_values import ChannelChoice, parse_channels


@pytest.mark.parametrize(
    ("option", "given", "field", "expected"),
    [
        ("size", "192x224", "size", (192, 224)),
        ("size", [192, 224], "size", (192, 224)),
        ("canvas", f"{MOST_SIDE}x1", "canvas", (MOST_SIDE, 1)),
        ("max-size", "25MB", "max_size", 25_000_000),
        ("max-size", "800kB", "max_size", 800_000),
        ("budget", "5m", "budget", 300.0),
        ("budget", "1.5h", "budget", 5400.0),
        ("sections", "filters, layers", "sections", ("filters", "layers")),
        ("sections", ["feature_maps"], "sections", ("feature-maps",)),
        ("sections", "all", "sections", ("all",)),
        ("sections", "filters,all", "sections", ("all",)),
        ("layers", "convs", "layers", ("convs",)),
        ("no-top", True, "top", False),
        ("no_script", True, "script", False),
        ("no-cache", False, "use_cache", True),
        ("input", ["age=3", "name=a=b"], "inputs", {"age": "3", "name": "a=b"}),
        ("input", "age=3", "inputs", {"age": "3"}),
        ("input", {"age": 3, "name": "a=b"}, "inputs", {"age": "3", "name": "a=b"}),
        ("activation-max", "classic", "activation_max", "classic"),
        ("steps", str(MOST_STEPS), "steps", MOST_STEPS),
        ("steps", np.int64(3), "steps", 3),
    ],
)
def test_options_become_settings(option: str, given: object, field: str, expected: object) -> None:
    assert getattr(Config.from_options({option: given}), field) == expected


@pytest.mark.parametrize(
    ("option", "given", "says"),
    [
        ("size", "large", "HEIGHTxWIDTH"),
        ("size", "0x5", "from 1 to 8,192"),
        ("size", "224x10000", "from 1 to 8,192"),
        ("size", "-5x5", "HEIGHTxWIDTH"),
        ("size", "²x²", "HEIGHTxWIDTH"),
        ("size", [224], "HEIGHTxWIDTH"),
        ("size", [True, True], "HEIGHTxWIDTH"),
        ("canvas", (10**9, 10**9), "from 1 to 8,192"),
        ("budget", "soon", "5m"),
        ("budget", "0s", "5m"),
        ("budget", float("inf"), "5m"),
        ("budget", float("nan"), "5m"),
        ("budget", "1e308", "5m"),
        ("budget", "-3m", "5m"),
        ("max-size", "small", "25MB"),
        ("max-size", "0.1B", "25MB"),
        ("max-size", float("inf"), "25MB"),
        ("max-size", "9" * 400 + "GB", "25MB"),
        ("channels", "best", "first:N, strongest:N, all or a list"),
        ("channels", "", "first:N"),
        ("resize", "stretch", "crop, squash or pad"),
        ("max-channels", 0, "of at least 1"),
        ("max-channels", True, "a whole number"),
        ("steps", 10**9, "at most 100,000"),
        ("steps", 1.5, "a whole number"),
        ("tag", {"step": "10k"}, "a step that is a number"),
        ("tag", ["step=nan"], "a step that is a number"),
        ("tag", {"step": float("inf")}, "a step that is a number"),
        ("tag", {"date": "05/01/2026"}, "a date such as 2026-05-31"),
        ("steps", "²", "a whole number"),
        ("steps", "1" * 5000, "a whole number"),
        pytest.param("steps", 10**5000, "a far larger one", id="steps-endless"),
        ("image-pages", -1, "of at least 0"),
        ("image-pages", 10**7, "at most 100,000"),
        ("seed", -1, "of at least 0 and at most 4,294,967,295"),
        ("dream-channel", -1, "of at least 0 and below 1,000,000"),
        ("sections", "", "names of sections"),
        ("sections", 3, "names of sections"),
        ("map-scales", "shared,loud", "shared, each, standardised"),
        ("layers", 3, "text"),
        ("title", True, "expected text, got True"),
        ("strict", 1, "true or false, got 1"),
        ("strict", "no", "true or false"),
        ("colour", "red", "unknown setting"),
        ("no-top", "yes please", "true or false"),
        ("input", ["age"], "NAME=VALUE"),
        ("input", {"age": [3]}, "NAME=VALUE"),
        ("dask-address", "tcp://host:8786", "--engine dask"),
        ("ascent", 3, r"a table \[ascent\]"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(option: str, given: object, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Config.from_options({option: given})
    said = str(caught.value)
    assert option in said.replace("_", "-")
    assert "\n" not in said
    assert len(said) < 600
    assert "got " in said or "unknown" in said


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("rotate", [20, -20], "the lower first"),
        ("rotate", [-20, 1e308], "from -360 to 360"),
        ("scale", [0, 1], "above 0"),
        ("scale", [float("nan"), 1], "above 0"),
        ("scale", [True, 2], "above 0"),
        ("step_size", 0, "a number above 0 and at most 1,000,000"),
        ("step_size", float("inf"), "a number above 0"),
        ("noise_mean", -1e308, "of at least -1,000,000"),
        ("before_activation", 1, "true or false"),
        ("restarts", 10**9, "at most 1,000"),
        ("optimizer", "sgd", "adam or normalized"),
        ("colour", "red", "known are .*step_size"),
    ],
)
def test_a_wrong_parameter_of_the_ascent_is_named_as_it_stands_in_the_file(name: str, given: object, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Config.from_options({"ascent": {name: given}})
    assert f"ascent.{name}" in str(caught.value)


def test_unknown_settings_are_answered_with_the_names_of_options() -> None:
    with pytest.raises(UsageError) as caught:
        Config.from_options({"inptu": "a=3"})
    said = str(caught.value)
    assert said.startswith("unknown setting 'inptu'; the nearest are input")
    assert "inputs" not in said
    assert "--help" in said


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("first:3", ChannelChoice("first", count=3)),
        ("strongest:8", ChannelChoice("strongest", count=8)),
        ("all", ChannelChoice("all")),
        ("0,3,7", ChannelChoice("list", listed=(0, 3, 7))),
        ("5", ChannelChoice("list", listed=(5,))),
    ],
)
def test_a_choice_of_channels_is_parsed_once_and_writes_itself_as_it_was(text: str, choice: ChannelChoice) -> None:
    config = Config.from_options({"channels": text})
    assert config.channels == choice
    assert str(config.channels) == text
    assert config.model_dump()["channels"] == text
    assert Config.from_options({"channels": config.channels}) == config


def test_a_choice_of_channels_may_be_numbers_and_forgets_repetition() -> None:
    assert parse_channels([3, 0, 3]) == parse_channels("3, 0 ,3") == ChannelChoice("list", listed=(3, 0))
    assert parse_channels(4) == ChannelChoice("list", listed=(4,))


@pytest.mark.parametrize(
    "given",
    [
        "first:0",
        "strongest:-1",
        "first:1000001",
        "first:²",
        "0,,3",
        "-1",
        "1000000",
        "1.5",
        "0;3",
        "all,3",
        [],
        [-1],
        {},
        True,
        [0, True],
        None,
        float("nan"),
        "9" * 5000,
    ],
)
def test_an_absurd_choice_of_channels_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="--channels: expected first:N") as caught:
        Config.from_options({"channels": given})
    assert "\n" not in str(caught.value)


def test_which_sections_are_drawn() -> None:
    assert Config().draws("filters")
    some = Config.from_options({"sections": "filters,feature_maps"})
    assert [some.draws(name) for name in ("filters", "feature-maps", "layers")] == [True, True, False]


def test_every_option_has_a_name_of_its_own_and_facts_that_fit() -> None:
    names = [option_name(field) for field in Config.model_fields]
    assert len(set(names)) == len(names)
    for name, field in Config.model_fields.items():
        facts = option_facts(name)
        # What is on by default can only be switched off, and needs words for that.
        assert (facts.off_help is not None) == (field.default is True), name
        assert (facts.name or "").startswith("no_") == (facts.off_help is not None), name


def test_a_configuration_file_has_the_options_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "reportgen.toml"
    file.write_text('max-channels = 16\nno-script = true\nlayers = ["convs"]\nchannels = [0, 3]\n', encoding="utf-8")
    config = Config.from_options(read_config_file(file))
    assert (config.max_channels, config.script, config.layers) == (16, False, ("convs",))
    assert str(config.channels) == "0,3"


def test_a_configuration_file_that_is_missing_or_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml"):
        read_config_file(tmp_path / "absent.toml")
    for number, text in enumerate(["= 3", "seed = " + "9" * 5000, "a = " + "[" * 5000]):
        file = tmp_path / f"bad{number}.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="not TOML"):
            read_config_file(file)
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe4"')
    with pytest.raises(UsageError, match="not TOML"):
        read_config_file(tmp_path / "latin.toml")


@pytest.mark.parametrize("line", ['model = "net.keras"', 'images = ["photos"]', 'output = "report"'])
def test_what_a_run_is_of_stands_in_its_command_alone(tmp_path: Path, line: str) -> None:
    (tmp_path / "reportgen.toml").write_text(f"seed = 3\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"got {line.split(maxsplit=1)[0]}, which stands in the command"):
        read_config_file(tmp_path / "reportgen.toml")


def test_the_table_of_attribution_stands_beside_its_option(tmp_path: Path) -> None:
    file = tmp_path / "reportgen.toml"
    file.write_text('[attribution]\nmethods = ["grad-cam", "occlusion"]\nmost-points = 200\n')
    config = Config.from_options(read_config_file(file))
    assert config.attribution == ("grad-cam", "occlusion")
    assert config.attribution_parameters.most_points == 200
    # The command line wins over the methods and leaves the parameters.
    config = Config.from_options(read_config_file(file) | {"attribution": "off"})
    assert config.attribution == ("off",)
    assert config.attribution_parameters.most_points == 200
    assert Config.from_options({"attribution": {"points": 99}}).attribution == ("auto",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("auto,off", "--attribution: expected auto, off, or some of grad-cam"),
        ("gradcam", "got 'gradcam'"),
        ("", "got ''"),
        ([], "--attribution: expected"),
        ({"points": 1}, "attribution.points: expected a whole number of at least 2"),
        ({"point": 9}, "unknown setting 'attribution.point'"),
        ({"window": 0}, "attribution.window: expected a number above 0"),
    ],
)
def test_attribution_refuses_what_it_does_not_know(given: object, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        Config.from_options({"attribution": given})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model": "net.keras", "preprocess": "tf"}, False),
        ({"model": "python:nets:make"}, True),
        ({"model": "net.keras", "preprocess": "python:nets:feed"}, True),
        ({"model": "net.keras", "custom_objects": "python:nets"}, True),
    ],
)
def test_settings_that_name_code_say_so(settings: dict[str, str], expected: bool) -> None:
    assert Config.checked(**settings).runs_code is expected
