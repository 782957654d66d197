"""Pictures made to excite single channels and numbers of answers, and how far they can be trusted."""

from reportgen.analysis.maximization.answer_goals import AnswerGoals, answer_goals
from reportgen.analysis.maximization.maximized import maximize
from reportgen.analysis.maximization.parameterizations import colour_covariance
from reportgen.analysis.maximization.presets import CLASSIC, CRISP, PRESETS, REFERENCE, Preset, chosen_preset
from reportgen.analysis.maximization.scheduling import choose_channels, plan_channels

__all__ = [
    "AnswerGoals",
    "CLASSIC",
    "CRISP",
    "PRESETS",
    "Preset",
    "REFERENCE",
    "answer_goals",
    "choose_channels",
    "chosen_preset",
    "colour_covariance",
    "maximize",
    "plan_channels",
]
