"""Which of the names that someone wrote down are of which image: by whole paths, and by as much of them as fits."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

Parts = tuple[str, ...]


def match_files(
    names: Iterable[str], files: Sequence[str], part: Callable[[PurePosixPath], PurePosixPath] = PurePosixPath
) -> dict[str, str]:
    """The name that stands for each file, of those files that one stands for.

    A name is a file's own, the end of its path, or a longer path that ends in it; the longest match counts. Failing
    that, both go together where no other name and no other file is called so. A name that could as well be another
    one's is of none.

    Args:
        names: paths, in the order in which they count; a name in another Unicode normal form is the same.
        files: the images' names.
        part: of a path, what is compared.

    >>> match_files(["train/cat/1.png", "train/dog/1.png"], ["dog/1.png"])
    {'dog/1.png': 'train/dog/1.png'}
    >>> match_files(["left/1.png", "right/1.png"], ["1.png", "middle/1.png"])
    {}
    """
    whole: dict[Parts, str] = {}
    for name in names:
        whole.setdefault(_parts(name, part), name)
    longer: defaultdict[Parts, list[str]] = defaultdict(list)
    for parts, name in whole.items():
        for start in range(len(parts)):
            longer[parts[start:]].append(name)
    wanted = {file: _parts(file, part) for file in files}
    called = Counter(parts[-1:] for parts in wanted.values())
    found = {}
    for file, parts in wanted.items():
        match = _name_of(parts, whole, longer, alone=called[parts[-1:]] == 1)
        if match is not None:
            found[file] = match
    return found


def _name_of(parts: Parts, whole: dict[Parts, str], longer: dict[Parts, list[str]], *, alone: bool) -> str | None:
    """The name of one file; `alone` says that no other file has the same last part."""
    if parts in whole:
        return whole[parts]
    ending = longer.get(parts, ())
    if ending:
        return ending[0] if len(ending) == 1 else None
    for start in range(1, len(parts)):
        if parts[start:] in whole:
            return whole[parts[start:]]
    called = longer.get(parts[-1:], ())
    return called[0] if alone and len(called) == 1 else None


def _parts(name: str, part: Callable[[PurePosixPath], PurePosixPath]) -> Parts:
    path = part(PurePosixPath(unicodedata.normalize("NFC", name)))
    return tuple(step for step in path.parts if step not in ("/", "//", ".", ".."))
