"""HDF5 looked through in a process of its own before it is read here.

On a damaged file the HDF5 library may follow its own links for ever, take all memory or crash: it trusts the
addresses and counts it finds. What it does to a process that does nothing else can be ended and told of.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py

from reportgen.errors import ReportgenError, one_line

# What looking through may take: of processor time, which a loop takes and a slow disk does not; of time altogether;
# and of memory beyond that of the file's parts it holds, in bytes.
_CPU_SECONDS, _SECONDS, _MEMORY = 8, 60, 4 << 30

# Without threads for products, each of which would take memory of its own.
_ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

# The weights' place in a `.keras` file.
WEIGHTS = "model.weights.h5"

# Run by itself, it needs to find h5py alone: the paths of packages are given, nothing else of this program is loaded.
_SCRIPT = """
import sys
sys.path[:] = sys.argv[4].split("\\n")
import io, zipfile
import h5py
path, member = sys.argv[1], sys.argv[2]
try:
    import resource
except ImportError:
    pass
else:
    seconds, memory = map(int, sys.argv[3].split())
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def look(name, item):
    if not isinstance(name, str):
        raise ValueError("a name is not text")
    for key in item.attrs:
        item.attrs[key]
    if isinstance(item, h5py.Dataset):
        if item.external or item.is_virtual:
            raise ValueError("it refers to other files")
        if item.dtype.hasobject:
            item[()]
        elif item.size:
            item[(0,) * item.ndim], item[(-1,) * item.ndim]
def check_links(group, depth):
    if depth > 200:
        raise ValueError("its groups lead in a circle")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError("it refers to other files")
try:
    source = path
    if member:
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read(member))
    with h5py.File(source, "r") as file:
        look("/", file)
        check_links(file, 0)
        def visit(name, item):
            look(name, item)
            if isinstance(item, h5py.Group):
                check_links(item, name.count("/"))
        file.visititems(visit)
except BaseException as error:
    sys.stderr.write(f"{type(error).__name__}: {error}"[:300])
    raise SystemExit(3)
"""


def check_hdf5(path: Path, member: str = "") -> None:
    """See that an HDF5 file, or the one in a zip file, can be looked through to its end.

    Args:
        path: the file.
        member: its name in the zip file `path`, read whole, which checks it against its sum; "" for `path` itself.

    Raises:
        ReportgenError: it is damaged, or takes its values from other files.
    """
    inside = _size(path, member) if member else 0
    places = "\n".join(dict.fromkeys([str(Path(h5py.__file__).parents[1]), *sys.path]))
    limits = f"{_CPU_SECONDS + inside // 50_000_000} {_MEMORY + 2 * inside}"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _SCRIPT, str(path.absolute()), member, limits, places],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_SECONDS, check=False,
            env=os.environ | _ALONE,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, "reading its HDF5 does not come to an end") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        why = said if done.returncode == 3 and said else "reading its HDF5 crashes or does not come to an end"
        raise _damaged(path, why)


def _size(path: Path, member: str) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.getinfo(member).file_size
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, why: str) -> ReportgenError:
    return ReportgenError(f"{one_line(path, 100)} is damaged ({one_line(why, 100)}); save or copy it again")
