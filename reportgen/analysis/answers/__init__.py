"""What a network answers: the kind of each output, what is kept of its answers, and the right ones."""

from reportgen.analysis.answers.measuring import AnswerPlan, answer_of, truth_indices
from reportgen.analysis.answers.settling import SettledAnswers, settle_outputs
from reportgen.analysis.answers.truth import GivenTruth, MatchedTruth, read_truth

__all__ = [
    "AnswerPlan",
    "GivenTruth",
    "MatchedTruth",
    "SettledAnswers",
    "answer_of",
    "read_truth",
    "settle_outputs",
    "truth_indices",
]
