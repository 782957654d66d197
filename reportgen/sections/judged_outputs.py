"""Answers that are no classes against the right ones, and classes of further outputs: judged as images are visited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reportgen.analysis.figures_of_merit.classes import ClassAccumulator
from reportgen.analysis.figures_of_merit.multilabel import MultilabelAccumulator
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.facts import AnswerKind
from reportgen.record.review import ClassScore, EvaluationOutput
from reportgen.results import FloatArray
from reportgen.sections.judged_maps import judge_map
from reportgen.sections.judged_pictures import judge_picture
from reportgen.sections.judged_values import judge_values
from reportgen.sections.judging import Judged, Judging
from reportgen.sections.review_recording import class_figures
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study, Workshop


class JudgedOutputs:
    """Judges, image by image, every output with right answers but the one that the pass judges itself."""

    def __init__(self, study: Study, workshop: Workshop) -> None:
        self._study = study
        files = [image.file for image in study.statistics.images]
        self._places = {file: place for place, file in enumerate(files)}
        self._judged: dict[str, Judged] = {}
        for output in study.answers.outputs:
            truth = study.answers.truths.get(output.name)
            begin = _JUDGES.get(output.kind)
            if begin is not None and truth is not None and truth.is_matched and output != study.review.told.judged:
                self._judged[output.name] = begin(Judging(study, workshop, output, truth, files))

    @property
    def work(self) -> Work:
        """What is done while images are visited: all of them, where there is anything to judge."""
        images = self._study.images.images if self._judged else ()
        return Work(images=images, reads_answers=True, visit=self._visit)

    def results(self) -> dict[str, EvaluationOutput]:
        """The figures of each output, by name."""
        return {name: result() for name, (_, result) in self._judged.items()}

    def _visit(self, visited: VisitedImage) -> Contribution:
        for name, (judge, _) in self._judged.items():
            judge(self._places[visited.file], visited, visited.answers[name])
        return Contribution()


def _judge_classes(given: Judging) -> Judged:
    output, truth = given.output, given.truth
    found = ClassAccumulator(output.classes, probabilities=True)

    def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
        right = truth.classes.get(visited.file)
        if right is not None:
            scores = output.as_scores(answer.reshape(1, -1))
            scores = scores if output.is_single else output.as_probabilities(scores)
            found.add(np.array([place]), np.array([right[0]]), scores)

    def result() -> EvaluationOutput:
        figures = class_figures(output, found.result(), given.files)
        return figures.model_copy(update={"without_truth": given.without_truth(truth.labels)})

    return judge, result


def _judge_labels(given: Judging) -> Judged:
    output, truth = given.output, given.truth
    found = MultilabelAccumulator(output.classes)

    def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
        if visited.file in truth.classes:
            carried = np.zeros((1, output.classes), np.bool_)
            carried[0, list(truth.classes[visited.file])] = True
            found.add(np.array([place]), carried, output.as_probabilities(answer.reshape(1, -1)))

    def result() -> EvaluationOutput:
        figures, names = found.result(), _names(output)
        return EvaluationOutput(
            output=output.name,
            kind="multilabel",
            images=figures.images,
            unmatched=0,
            not_finite=figures.not_finite,
            without_truth=given.without_truth(truth.labels),
            accuracy=figures.exact,
            per_class=[
                ClassScore(
                    label=names[row.index],
                    count=row.count,
                    precision=row.precision,
                    recall=row.recall,
                    f1=row.f1,
                    average_precision=row.average_precision,
                )
                for row in figures.per_label
            ],
            macro_precision=figures.macro_precision,
            macro_recall=figures.macro_recall,
            macro_f1=figures.macro_f1,
            mean_average_precision=figures.mean_average_precision,
            without_images=tuple(names[index] for index in figures.without_images),
        )

    return judge, result


def _names(output: SettledOutput) -> list[str]:
    return [output.label(index) or str(index) for index in range(output.classes)]


_JUDGES: Mapping[AnswerKind, Callable[[Judging], Judged]] = {
    "classes": _judge_classes,
    "multilabel": _judge_labels,
    "values": judge_values,
    "points": judge_values,
    "boxes": judge_values,
    "map": judge_map,
    "picture": judge_picture,
}
