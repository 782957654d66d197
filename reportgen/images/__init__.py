"""Image files, shards and arrays as pixels, and how they are fitted into a network's input."""

from reportgen.images.collecting import CHECKED_IMAGES, collect_images
from reportgen.images.decoding import UnreadableImageError, decoding_room, load_image
from reportgen.images.endings import SUFFIXES
from reportgen.images.fitting import Fitting, Interpolation, Resize
from reportgen.images.sources import (
    MAX_PIXELS,
    ArrayFileSource,
    ArraySource,
    Depth,
    FileSource,
    ImageFile,
    ImageSet,
    ImageSource,
    TarSource,
    depth_of,
)
from reportgen.images.values import Interval, ValueScale, choose_scale

__all__ = [
    "ArrayFileSource",
    "ArraySource",
    "CHECKED_IMAGES",
    "Depth",
    "FileSource",
    "Fitting",
    "ImageFile",
    "ImageSet",
    "ImageSource",
    "Interpolation",
    "Interval",
    "MAX_PIXELS",
    "Resize",
    "SUFFIXES",
    "TarSource",
    "UnreadableImageError",
    "ValueScale",
    "choose_scale",
    "collect_images",
    "decoding_room",
    "depth_of",
    "load_image",
]
