from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.config import Config, read_config_file
from reportgen.errors import UsageError


@pytest.mark.parametrize(
    ("option", "given", "field", "expected"),
    [
        ("size", "192x224", "size", (192, 224)),
        ("max-size", "25MB", "max_size", 25_000_000),
        ("max-size", "800kB", "max_size", 800_000),
        ("budget", "5m", "budget", 300.0),
        ("budget", "1.5h", "budget", 5400.0),
        ("sections", "filters, layers", "sections", ("filters", "layers")),
        ("no-top", True, "top", False),
        ("no_script", True, "script", False),
        ("input", ["age=3", "name=a=b"], "inputs", {"age": "3", "name": "a=b"}),
        ("activation-max", "classic", "activation_max", "classic"),
    ],
)
def test_options_become_settings(option: str, given: object, field: str, expected: object) -> None:
    assert getattr(Config.from_options({option: given}), field) == expected


@pytest.mark.parametrize(
    ("option", "given", "says"),
    [
        ("size", "large", "HEIGHTxWIDTH"),
        ("budget", "soon", "5m"),
        ("max-size", "small", "25MB"),
        ("channels", "best", "pattern"),
        ("resize", "stretch", "'crop', 'squash' or 'pad'"),
        ("max-channels", 0, "greater than or equal to 1"),
        ("sections", "filters,pictures", "pictures"),
        ("colour", "red", "unknown setting"),
        ("no-top", "yes please", "true or false"),
        ("input", ["age"], "NAME=VALUE"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(option: str, given: object, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        Config.from_options({option: given})
    assert option.replace("_", "-") in str(caught.value).replace("_", "-")
    assert "\n" not in str(caught.value)


def test_a_configuration_file_has_the_options_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "reportgen.toml"
    file.write_text('max-channels = 16\nno-script = true\nlayers = ["convs"]\n', encoding="utf-8")
    config = Config.from_options(read_config_file(file))
    assert (config.max_channels, config.script, config.layers) == (16, False, ("convs",))


def test_a_configuration_file_that_is_missing_or_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml"):
        read_config_file(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("= 3", encoding="utf-8")
    with pytest.raises(UsageError, match="not TOML"):
        read_config_file(tmp_path / "bad.toml")
