"""A network's answers against the right classes of the images."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from reportgen.class_names import match_label
from reportgen.errors import ReportgenError
from reportgen.facts import CalibrationBin, Confusion, Evaluation, Mistake, Prediction

MOST_CONFUSIONS = 12
MOST_MISTAKES = 12
CALIBRATION_BINS = 10
TOP = 5


def read_truth(truth: str, files: Sequence[str]) -> dict[str, str]:
    """The right class of each image that has one.

    Args:
        truth: `folders`, where each image lies in a folder named after its class, or a CSV file of lines
            `file,label`, with or without such a heading. A file is the image's name in the report or the
            last part of it.
        files: the images' names.

    Raises:
        ReportgenError: the file cannot be read, or fits none of the images.
    """
    if truth == "folders":
        found = {file: PurePosixPath(file).parent.name for file in files if PurePosixPath(file).parent.name}
        if not found:
            raise ReportgenError(
                "--truth folders: expected images in folders named after their class, got none; "
                "give the folder that holds those folders"
            )
        return found
    rows = _read_rows(Path(truth))
    by_name: dict[str, str] = {}
    for name, label in rows:
        by_name.setdefault(name, label)
        by_name.setdefault(PurePosixPath(name).name, label)
    named = {file: by_name.get(file, by_name.get(PurePosixPath(file).name)) for file in files}
    found = {file: label for file, label in named.items() if label is not None}
    if not found:
        raise ReportgenError(f"--truth {truth}: expected lines such as {files[0]},label; none fits an image")
    return found


def _read_rows(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReportgenError(f"--truth: expected a CSV file of file,label, cannot read {path}: {error}") from error
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise ReportgenError(f"--truth {path.name}: expected file,label on each line, line {short} has one part")
    pairs = [(row[0].strip().replace("\\", "/"), ",".join(row[1:]).strip()) for row in rows]
    return pairs[1:] if pairs and (pairs[0][0].lower(), pairs[0][1].lower()) == ("file", "label") else pairs


def evaluate(
    truth: Mapping[str, str],
    answers: Mapping[str, Sequence[Prediction]],
    labels: Sequence[str] | None,
    classes: int,
    *,
    probabilities: bool,
) -> Evaluation:
    """Compare answers with the right classes.

    Args:
        truth: the right class of each image, as given.
        answers: the best classes of each image, best first.
        labels: names of the classes.
        classes: how many there are.
        probabilities: whether scores are probabilities.
    """
    judged = {file: answers[file] for file in truth if answers.get(file)}
    right = {given: match_label(given, labels, classes) for given in sorted({truth[file] for file in judged})}
    hits = {file: best[0].index == right[truth[file]] for file, best in judged.items()}
    within = [right[truth[file]] in [one.index for one in best[:TOP]] for file, best in judged.items()]
    wrong = [file for file in judged if not hits[file]]
    confused = Counter((truth[file], _name(judged[file][0])) for file in wrong)
    most = sorted(confused.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSIONS]
    mistakes = [
        Mistake(image=file, truth=truth[file], predicted=_name(judged[file][0]), score=judged[file][0].score)
        for file in wrong
    ]
    return Evaluation(
        images=len(judged),
        accuracy=sum(hits.values()) / len(judged) if judged else 0.0,
        top5_accuracy=sum(within) / len(judged) if judged and classes > TOP else None,
        unmatched=tuple(given for given, index in right.items() if index is None),
        confusions=tuple(
            Confusion(truth=given, predicted=taken_for, count=count) for (given, taken_for), count in most
        ),
        mistakes=tuple(sorted(mistakes, key=lambda one: (-one.score, one.image))[:MOST_MISTAKES]),
        calibration=_calibration([(judged[file][0].score, hits[file]) for file in judged]) if probabilities else (),
    )


def _name(answer: Prediction) -> str:
    return answer.label or f"class {answer.index}"


def _calibration(answers: Sequence[tuple[float, bool]]) -> tuple[CalibrationBin, ...]:
    """Mean confidence and accuracy of answers `(confidence, right)` in bins of equal width."""
    bins = []
    for number in range(CALIBRATION_BINS):
        inside = [
            (score, hit) for score, hit in answers if min(int(score * CALIBRATION_BINS), CALIBRATION_BINS - 1) == number
        ]
        count = len(inside)
        bins.append(
            CalibrationBin(
                low=number / CALIBRATION_BINS,
                high=(number + 1) / CALIBRATION_BINS,
                count=count,
                confidence=sum(score for score, _ in inside) / count if count else None,
                accuracy=sum(hit for _, hit in inside) / count if count else None,
            )
        )
    return tuple(bins)
