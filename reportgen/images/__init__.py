"""Image files, shards and arrays as RGB pixels, and how they are fitted into a network's input."""

from reportgen.images.collecting import CHECKED_IMAGES, SUFFIXES, collect_images
from reportgen.images.decoding import MAX_PIXELS, UnreadableImageError, load_image
from reportgen.images.fitting import Interpolation, Resize, fit_image, place_image
from reportgen.images.sources import (
    ArrayFileSource,
    ArraySource,
    FileSource,
    ImageFile,
    ImageSet,
    ImageSource,
    TarSource,
)

__all__ = [
    "ArrayFileSource",
    "ArraySource",
    "CHECKED_IMAGES",
    "FileSource",
    "ImageFile",
    "ImageSet",
    "ImageSource",
    "Interpolation",
    "MAX_PIXELS",
    "Resize",
    "SUFFIXES",
    "TarSource",
    "UnreadableImageError",
    "collect_images",
    "fit_image",
    "load_image",
    "place_image",
]
