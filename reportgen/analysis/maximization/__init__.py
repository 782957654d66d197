"""Pictures made to excite single channels and classes, and how far they can be trusted."""

from reportgen.analysis.maximization.maximized import maximize, maximize_classes
from reportgen.analysis.maximization.parameterizations import colour_covariance
from reportgen.analysis.maximization.presets import CLASSIC, CRISP, PRESETS, REFERENCE, Preset, chosen_preset
from reportgen.analysis.maximization.scheduling import choose_channels, plan_channels

__all__ = [
    "CLASSIC",
    "CRISP",
    "PRESETS",
    "Preset",
    "REFERENCE",
    "choose_channels",
    "chosen_preset",
    "colour_covariance",
    "maximize",
    "maximize_classes",
    "plan_channels",
]
