"""Names of folders and files from what a person wrote: letters of any script, nothing unsafe."""

from __future__ import annotations

import re
import unicodedata

from artfactoryd.core.json_types import Parameters
from artfactoryd.core.model import Model
from artfactoryd.core.names import cut, nfc

LONGEST_SLUG = 48  # characters
MOST_BYTES = 200  # of a slug; a letter may take four, and a file name has at most 255
SIDECARS = "sidecars"
MOST_READ = 1000  # characters of a prompt that a slug is made from


def slug(text: str, longest: int = LONGEST_SLUG, otherwise: str = "picture", lower: bool = True) -> str:
    """Letters of any script kept (NFC, lower case unless told), everything unsafe in a path dropped, blanks to `-`.

    `otherwise` where nothing is left.
    """
    kept = ""
    whole = nfc(text[:MOST_READ])
    for char in whole.lower() if lower else whole:
        category = unicodedata.category(char)[0]
        alone = category == "M" and kept[-1:] in ("", " ", "-", "_")  # a mark whose letter was dropped
        kept += char if char in "-_" or (category in "LNM" and not alone) else " "
    joined = re.sub(r"[- ]+", lambda run: "-" if " " in run[0] else run[0], kept.strip("-_ "))
    return cut(nfc(joined)[:longest], MOST_BYTES).rstrip("-_") or otherwise


def folder_name(name: str, rehearsal: bool) -> str:
    """The order's folder; a rehearsal says so. None is called like the folder of a day's sidecars."""
    folder = slug(name, 80, "order") + ("-rehearsal" if rehearsal else "")
    return f"{folder}-1" if folder == SIDECARS else folder


def prompt_of(parameters: Parameters, model: Model) -> str:
    """What an item is about, in its own words: its text, else its picture's name."""
    if text := text_of(parameters, model):
        return text
    pictures = (text for _, text in model.places(parameters) if text)
    return next((picture.rpartition("/")[2].rpartition(".")[0] for picture in pictures), "")


def text_of(parameters: Parameters, model: Model) -> str:
    """`prompt`, else its first text parameter; empty where it has none."""
    return next((str(parameters[name]) for name in ("prompt", *model.text) if parameters.get(name)), "")
