"""Networks in files, of Keras 3 and of Keras 2, opened by what they hold and not by what they are called."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import keras

from reportgen.errors import ReportgenError
from reportgen.models.hdf5_check import WEIGHTS, check_hdf5
from reportgen.models.keras2 import holds_code, translate
from reportgen.models.keras2_calls import UntranslatableError
from reportgen.models.keras2_weights import assign_weights, finish_normalizations, read_weights
from reportgen.models.keras_private import drawing_nothing
from reportgen.models.saved_json import loaded_json, member_json
from reportgen.models.sources import DAMAGE_ERRORS, LOADING_ERRORS, keeping_output_off, shortened
from reportgen.models.weighing import bounded_parameters
from reportgen.opening import open_regular

HUB = "hf://"

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LFS_SIGNATURE = b"version https://git-lfs"
_SUFFIXES = (".keras", ".h5", ".hdf5")

_FOREIGN = {
    ".pb": "a frozen TensorFlow graph",
    ".tflite": "a TensorFlow Lite model",
    ".onnx": "an ONNX model",
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".safetensors": "weights alone",
    ".npz": "an array file",
}

# How the packages the hub is reached through begin, whose errors have no common base.
_HUB_PACKAGES = ("huggingface_hub", "httpx", "httpcore", "requests", "urllib3")


# What a `.keras` file may unpack to: this much, or this many times its bytes.
_SMALL, _MOST_PACKED = 256 << 20, 16


@dataclass(frozen=True)
class _Saved:
    """What a file says of itself: its format, the network as written down, the Keras that wrote it ("" unknown)."""

    form: Literal["keras", "h5"]
    config: dict[str, Any]
    version: str

    @property
    def is_old(self) -> bool:
        """Whether a Keras before the third wrote it."""
        return self.version.split(".")[0] in ("", "0", "1", "2")


def load_file(path: Path, objects: dict[str, Any]) -> keras.Model:
    """Load a `.keras` or HDF5 file, in Keras' safe mode, without its optimizer.

    Files of Keras 2 are put into the words of Keras 3 first. Custom code in a file is never run.

    Raises:
        ReportgenError: with the reason, and what to do.
    """
    form = _form(path)
    saved = _read_keras(path) if form == "keras" else _read_hdf5(path)
    try:
        with (
            keeping_output_off(),
            keras.saving.custom_object_scope(objects),
            bounded_parameters(str(path), path.stat().st_size),
            drawing_nothing(),
            _rightly_named(path, form) as file,
        ):
            if saved.is_old and saved.config.get("class_name") in ("Functional", "Model", "Sequential"):
                model = _revive(saved, file, objects)
            else:
                model = keras.saving.load_model(file, compile=False, safe_mode=True)
            if form == "h5" and isinstance(model, keras.Model):
                finish_normalizations(model)
    except UntranslatableError as error:
        raise ReportgenError(_old_message(path, saved.version, str(error))) from error
    except DAMAGE_ERRORS as error:
        raise ReportgenError(_loading_message(path, error, saved)) from error
    if not isinstance(model, keras.Model):
        raise ReportgenError(f"{path} holds a {type(model).__name__}, expected a Keras model; save the whole model")
    return model


def load_from_hub(address: str, objects: dict[str, Any]) -> keras.Model:
    """Load `hf://owner/name` as Keras reads it, in its safe mode: from the hub, or what was kept of it here.

    Raises:
        ReportgenError: the hub cannot be reached, or holds no such network.
    """
    name = address.removeprefix(HUB)
    if name.count("/") != 1 or not all(name.split("/")):
        raise ReportgenError(f"MODEL: expected hf://owner/name, got {address!r}")
    try:
        with keeping_output_off(), keras.saving.custom_object_scope(objects):
            model = keras.saving.load_model(address, compile=False, safe_mode=True)
    except Exception as error:  # what the hub raises has no common base, see `_HUB_PACKAGES`
        if isinstance(error, LOADING_ERRORS) or _is_of_hub(error):
            raise ReportgenError(_hub_message(address, error)) from error
        raise
    if not isinstance(model, keras.Model):
        raise ReportgenError(f"{address} holds a {type(model).__name__}, expected a Keras model")
    return model


def _is_of_hub(error: Exception) -> bool:
    return type(error).__module__.startswith(_HUB_PACKAGES)


def _hub_message(address: str, error: Exception) -> str:
    text, name = shortened(str(error), 160), type(error).__name__
    if isinstance(error, ImportError) and "huggingface_hub" in text:
        return f"{address}: reading from the Hugging Face Hub takes another package; pip install huggingface_hub"
    if _is_of_lambda(str(error)):
        return f"{address} {_LAMBDA}"
    if name in ("RepositoryNotFoundError", "GatedRepoError", "HFValidationError", "RevisionNotFoundError"):
        return f"{address}: the hub gives no such network ({text}); check the name, or log in if it is not public"
    if _is_of_hub(error) or isinstance(error, ConnectionError | TimeoutError):
        return (
            f"{address}: the Hugging Face Hub could not be reached and nothing is kept of it here ({name}: {text}); "
            "connect to the network, or download the network's file and give its path"
        )
    if isinstance(error, FileNotFoundError):
        return (
            f"{address} holds no network as Keras 3 saves it there (config.json, model.weights.h5); "
            "download its .keras or .h5 file, if it has one, and give its path"
        )
    return _loading_message(address, error, None)


def _form(path: Path) -> Literal["keras", "h5"]:
    """Which of the two formats a file has, by its first bytes."""
    if path.is_dir():
        what = "a SavedModel folder" if (path / "saved_model.pb").exists() else "a folder"
        raise ReportgenError(
            f"{path} is {what}; expected a .keras or .h5 file: load it where it was made and "
            f"save it again with model.save('{path.name}.keras')"
        )
    if not path.exists():
        raise ReportgenError(
            f"{path}: there is no such file; expected a .keras or .h5 file, keras:NAME, hf://owner/name or "
            "python:module:callable"
        )
    try:
        with open_regular(path, "network") as file:
            start = file.read(len(_LFS_SIGNATURE))
    except OSError as error:
        raise ReportgenError(f"{path}: expected a .keras or .h5 file, cannot read it: {error.strerror}") from error
    if not start:
        raise ReportgenError(f"{path} is empty; save or copy the network again")
    if start == _LFS_SIGNATURE:
        raise ReportgenError(f"{path} is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
    if start.startswith(_HDF5_SIGNATURE):
        return "h5"
    suffix = path.suffix.lower()
    if zipfile.is_zipfile(path) and (suffix in _SUFFIXES or _has_config(path)):
        return "keras"
    if suffix not in _SUFFIXES:
        kind = _FOREIGN.get(suffix, f"a {suffix or 'nameless'} file")
        raise ReportgenError(f"{path} is {kind}; expected a Keras model saved as .keras, .h5 or .hdf5")
    if suffix == ".keras" or start.startswith(b"PK"):
        raise ReportgenError(f"{path} is no Keras model (or only part of one); save or copy it again")
    raise ReportgenError(f"{path} is no HDF5 file; expected a Keras model saved as .keras or .h5")


def _has_config(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return "config.json" in archive.namelist()


def _read_keras(path: Path) -> _Saved:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                if any(name.startswith("model.weights") for name in names):
                    raise ReportgenError(_without_network(path))
                raise ReportgenError(f"{path} is a zip file of something else: it holds no config.json of a network")
            _check_unpacked(archive, path.stat().st_size)
            config = member_json(archive, "config.json")
            metadata = member_json(archive, "metadata.json") if "metadata.json" in names else {}
    except DAMAGE_ERRORS as error:
        raise ReportgenError(f"{path} is damaged ({shortened(str(error), 100)}); save or copy it again") from error
    if not isinstance(config, dict) or not isinstance(metadata, dict):
        raise ReportgenError(f"{path}: its config.json describes no network; save the whole model again")
    if WEIGHTS in names:
        check_hdf5(path, WEIGHTS)
    # Only a version that says so is old here: this format began with the last of Keras 2.
    return _Saved("keras", config, str(metadata.get("keras_version", "3")))


def _check_unpacked(archive: zipfile.ZipFile, packed: int) -> None:
    """See that what is packed is no more than weights ever are, before any of it is unpacked."""
    size = sum(member.file_size for member in archive.infolist())
    if size > max(_SMALL, packed * _MOST_PACKED):
        raise ValueError(f"its {packed:,} bytes unpack to {size:,}")


def _read_hdf5(path: Path) -> _Saved:
    check_hdf5(path)
    try:
        with h5py.File(path, "r") as file:
            written, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
            keys = {*file, *file.attrs}
    except DAMAGE_ERRORS as error:
        raise ReportgenError(f"{path} is damaged ({shortened(str(error), 100)}); save or copy it again") from error
    if written is None:
        if keys & {"layer_names", "layers", "_layer_checkpoint_dependencies", "model_weights", "vars"}:
            raise ReportgenError(_without_network(path))
        raise ReportgenError(f"{path} is an HDF5 file of something else; expected a network saved by model.save()")
    try:
        config = loaded_json(written, "model_config")
    except (TypeError, ValueError) as error:
        raise ReportgenError(f"{path} is damaged ({shortened(str(error), 100)}); save or copy it again") from error
    if not isinstance(config, dict):
        raise ReportgenError(f"{path}: its model_config describes no network; save the whole model again")
    return _Saved("h5", config, version.decode() if isinstance(version, bytes) else str(version))


def _without_network(path: Path) -> str:
    return (
        f"{path} holds weights without a network; give the network too: keras:NAME --weights {path.name}, "
        "or python:module:callable that loads them"
    )


@contextlib.contextmanager
def _rightly_named(path: Path, form: str) -> Iterator[Path]:
    """The file under a name that says its format, as Keras goes by names."""
    fitting = (".keras",) if form == "keras" else (".h5", ".hdf5")
    if path.name.endswith(fitting) and not path.name.endswith(".weights.h5"):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="reportgen-") as folder:
        name = Path(folder) / f"network.{form}"
        try:
            name.symlink_to(path.resolve())
        except OSError:  # a file system without links
            shutil.copyfile(path, name)
        yield name


def _revive(saved: _Saved, file: Path, objects: dict[str, Any]) -> keras.Model:
    """The network of a file of Keras 2."""
    if holds_code(saved.config):
        raise ValueError("a lambda under safe_mode")
    translated = translate(saved.config)
    kind = keras.Sequential if translated["class_name"] == "Sequential" else keras.Model
    model = kind.from_config(translated["config"], custom_objects=objects)
    build = saved.config.get("build_config")
    if not model.built and build:
        model.build_from_config(build)
    if saved.form == "keras":
        model.load_weights(file)
    else:
        with h5py.File(file, "r") as opened:
            assign_weights(model, read_weights(opened))
    return model


_LAMBDA = (
    "holds a Lambda layer, that is, Python code, which safe mode does not run; "
    "replace it by a layer class and give that with --custom-objects, "
    "or build the network with python:module:callable"
)


def _is_of_lambda(text: str) -> bool:
    return "lambda" in text.lower() and ("safe_mode" in text or "unsafe" in text.lower())


def _loading_message(path: Path | str, error: Exception, saved: _Saved | None) -> str:
    text = " ".join(str(error).split())
    if _is_of_lambda(text):
        return f"{path} {_LAMBDA}"
    for phrase in ("Could not locate class", "Could not locate function", "Unknown "):
        if phrase in text:
            what = text[text.index(phrase) :].split(".")[0]
            return (
                f"{path}: Keras does not know a part of the network ({what}); give the module that defines it "
                "with --custom-objects python:module"
            )
    reason = f"{type(error).__name__}: {shortened(text)}"
    if saved is not None and saved.is_old:
        return _old_message(path, saved.version, reason)
    if isinstance(error, OSError | zipfile.BadZipFile | EOFError):
        return f"{path} is damaged ({shortened(text, 100)}); save or copy it again"
    return f"{path}: Keras {keras.__version__} cannot read it: {reason}"


def _old_message(path: Path | str, version: str, reason: str) -> str:
    return (
        f"{path}: written by Keras {version or '2 or older'}; Keras {keras.__version__} has no equal for a part of it "
        f"({reason}); build the network anew in Keras 3, load its weights there and give it as python:module:callable"
    )
