"""Pillow, by bounds of our own: whoever opens what came takes it from here.

Imported late by what a daemon loads at its start: one that has nothing to do does without these megabytes.
"""

from PIL import Image, ImageSequence, ImageStat, PngImagePlugin, UnidentifiedImageError

__all__ = ["Image", "ImageSequence", "ImageStat", "UnidentifiedImageError"]

MORE_TEXT = 64 << 20  # bytes of text beside the pixels of a PNG: workflows lie there, some with pictures in them

Image.MAX_IMAGE_PIXELS = None  # the bound is `most_megapixels`, checked before anything is decoded
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = MORE_TEXT
