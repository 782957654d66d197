"""A network's answers against the right classes of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reportgen.analysis.answers.truth import MatchedTruth
from reportgen.facts import CalibrationBin, Confusion, Evaluation, Mistake, Prediction

MOST_CONFUSIONS = 12
MOST_MISTAKES = 12
CALIBRATION_BINS = 10
TOP = 5


def evaluate(
    truth: MatchedTruth,
    answers: Mapping[str, Sequence[Prediction]],
    classes: int,
    *,
    probabilities: bool,
) -> Evaluation | None:
    """Compare answers with the right classes; None where no right class is known.

    Images whose right class the network does not know are left out, and the classes listed.

    Args:
        truth: the right class of each image.
        answers: the best classes of each image, best first.
        classes: how many there are.
        probabilities: whether scores are probabilities.
    """
    judged = {file: answers[file] for file in truth.classes if answers.get(file)}
    if not judged:
        return None
    given = truth.labels
    right = {file: truth.classes[file][0] for file in judged}
    hits = {file: best[0].index == right[file] for file, best in judged.items()}
    within = [right[file] in [one.index for one in best[:TOP]] for file, best in judged.items()]
    wrong = [file for file in judged if not hits[file]]
    confused = Counter((given[file], _name(judged[file][0])) for file in wrong)
    most = sorted(confused.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSIONS]
    mistakes = [
        Mistake(image=file, truth=given[file], predicted=_name(judged[file][0]), score=judged[file][0].score)
        for file in wrong
    ]
    return Evaluation(
        images=len(judged),
        accuracy=sum(hits.values()) / len(judged),
        top5_accuracy=sum(within) / len(judged) if classes > TOP else None,
        unmatched=truth.unmatched,
        confusions=tuple(Confusion(truth=name, predicted=taken_for, count=count) for (name, taken_for), count in most),
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
