"""The wheel: what it carries, and that it works in a clean environment. Nothing is downloaded."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("reportgen", "templates", "examples", "pyproject.toml", "README.md", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache")
LEAST_SETUPTOOLS = 77  # the first to read the licence expression in pyproject.toml

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without the checkout on its path; standard output, or a failure that shows everything."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from, so that building leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, copy)
    return copy


def skip_where_nothing_builds() -> None:
    """Building without the network needs what builds."""
    version = importlib.metadata.version("setuptools")
    if int(version.split(".")[0]) < LEAST_SETUPTOOLS:
        pytest.skip(f"building without the network needs setuptools {LEAST_SETUPTOOLS} or later, found {version}")


def test_the_sdist_is_the_whole_checkout(tmp_path: Path) -> None:
    """Its tests can pass in it: everything they read, and everything that is checked, is there."""
    skip_where_nothing_builds()
    copy = tmp_path / "checkout"
    made_here = ("node_modules", "dist", "build", ".venv", ".git", ".hypothesis", "reportgen-demo")
    shutil.copytree(ROOT, copy, ignore=lambda folder, names: LEFT_OUT(folder, names) | (set(made_here) & set(names)))
    shutil.rmtree(copy / "site", ignore_errors=True)  # the built documentation, not the room of that name
    shutil.rmtree(copy / "reportgen.egg-info", ignore_errors=True)
    expected = {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()}
    run(sys.executable, "-c", "from setuptools import build_meta; build_meta.build_sdist('dist')", cwd=copy)
    (archive,) = (copy / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}
    added = {"PKG-INFO", "setup.cfg", "MANIFEST.in"}  # by building, and what says what else is in it
    assert {name for name in names - added if ".egg-info/" not in name} == expected - added


def test_the_version_stands_in_one_place() -> None:
    from reportgen import __version__

    assert SETTINGS["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "reportgen._version.__version__"}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d.*)\]", changes, flags=re.MULTILINE)[0] == __version__


@pytest.fixture(scope="module")
def wheel(sources: Path) -> Path:
    """The wheel."""
    skip_where_nothing_builds()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", sources / "dist", ".", cwd=sources)
    (made,) = (sources / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def clean_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel; the libraries it depends on are borrowed from this one."""
    home = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python))
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=home)
    (own,) = (home / "lib").glob("python*/site-packages")
    # Behind the environment's own packages, and without the .pth files of an editable install.
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home


def files_below(directory: str) -> set[str]:
    """Paths of all files below a directory of the checkout, relative to it."""
    folder = ROOT / directory
    found = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix() for file in found}


def test_listed_packages_are_those_on_disk() -> None:
    listed = set(SETTINGS["tool"]["setuptools"]["packages"])
    mapped = set(SETTINGS["tool"]["setuptools"]["package-dir"])
    on_disk = {
        ".".join(folder.relative_to(ROOT).parts)
        for folder in [ROOT / "reportgen", *(ROOT / "reportgen").rglob("*")]
        if folder.is_dir() and any(folder.glob("*.py"))
    }
    assert listed - mapped == on_disk


@pytest.mark.parametrize("package", ["reportgen.examples", "reportgen.templates"])
def test_mapped_packages_exist_and_are_listed(package: str) -> None:
    settings = SETTINGS["tool"]["setuptools"]
    assert package in settings["packages"]
    assert (ROOT / settings["package-dir"][package]).is_dir()
    assert settings["package-data"][package] == ["**/*"]


def test_wheel_carries_templates_demo_and_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"reportgen/templates/{name}" for name in files_below("templates")} <= names
    assert {f"reportgen/examples/{name}" for name in files_below("examples/demo")} <= names
    assert "reportgen/py.typed" in names
    assert any(re.fullmatch(r"reportgen-[^/]*\.dist-info/licenses/LICENSE", name) for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"reportgen"}


def test_wheel_carries_every_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {f"reportgen/{name}" for name in files_below("reportgen") if name.endswith(".py")}
    assert modules <= names


def test_installed_program_finds_its_demo_and_templates(clean_environment: Path, tmp_path: Path) -> None:
    code = (
        "from reportgen.demo import demo_directory\n"
        "from reportgen.site.environment import template_directory\n"
        "print(demo_directory()); print(template_directory())\n"
    )
    demo, templates = map(Path, run(clean_environment / "bin" / "python", "-c", code, cwd=tmp_path).splitlines())
    assert clean_environment in demo.parents
    assert clean_environment in templates.parents
    assert {file.name for file in demo.iterdir()} >= {"texture_net.keras", "labels.txt", "truth.csv", "images"}
    assert (templates / "base.html.jinja2").is_file()


def test_checkout_finds_its_demo_and_templates_without_installation(sources: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(sources)!r})\n"
        "from reportgen.demo import demo_directory\n"
        "from reportgen.site.environment import template_directory\n"
        "print(demo_directory()); print(template_directory())\n"
    )
    demo, templates = map(Path, run(sys.executable, "-c", code, cwd=tmp_path).splitlines())
    assert demo == sources / "examples" / "demo"
    assert templates == sources / "templates"


@pytest.mark.parametrize("program", [("bin/reportgen",), ("bin/python", "-m", "reportgen")])
def test_installed_program_answers_by_both_names(
    clean_environment: Path, tmp_path: Path, program: tuple[str, ...]
) -> None:
    command = (clean_environment / program[0], *program[1:])
    assert run(*command, "--version", cwd=tmp_path).startswith("reportgen, version ")
    assert "demo" in run(*command, "--help", cwd=tmp_path)


def test_installed_program_makes_and_verifies_a_demo(clean_environment: Path, tmp_path: Path) -> None:
    program = clean_environment / "bin" / "reportgen"
    made = run(program, "demo", "-o", "out", "--sections", "overview,predictions", "--no-cache", cwd=tmp_path)
    assert made == "out\n"
    run(program, "verify", "out", cwd=tmp_path)


def test_dependencies_name_everything_the_package_imports() -> None:
    """Every third-party import is declared: a clean machine has nothing else."""
    declared = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in SETTINGS["project"]["dependencies"]}
    # Keras comes with TensorFlow; the others are extras.
    declared |= {"keras", "distributed", "dask", "pillow_heif", "mlflow"}
    imported = set()
    for name in files_below("reportgen"):
        if name.endswith(".py"):
            text = (ROOT / "reportgen" / name).read_text(encoding="utf-8")
            imported |= set(re.findall(r"^\s*(?:import|from) ([A-Za-z_]\w*)", text, flags=re.MULTILINE))
    third_party = imported - set(sys.stdlib_module_names) - {"reportgen", "__future__"}
    names = {"pil": "pillow"}
    assert {names.get(name.lower(), name.lower()) for name in third_party} <= declared
