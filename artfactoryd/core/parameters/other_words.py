"""What other tools call the keys of an order and the parameters of a model, and a person may write out of habit.

A table goes before how alike two words are spelled: `stages` is near `tags` and means `then`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

ALIKE = 0.65  # how alike the names of two parameters are, of which one is a slip

# Ours -> theirs, in an order and in what stands inside it. Of a word in two rows the first that fits counts.
_KEYS: Mapping[str, str] = {
    "then": "stages stage pipeline next chain workflow followed_by post_process post_processing postprocess",
    "count": (
        "num n number copies amount quantity repeat repeats repetitions times batch batches batch_count batch_size "
        "n_iter num_outputs num_images num_images_per_prompt images_per_prompt samples n_samples variations runs "
        "iterations number_of_images"
    ),
    "lookups": "variables vars wildcards wildcard choices options lists placeholders definitions dictionary",
    "cases": "rows table csv data dataset matrix grid items jobs records variants combinations sets spreadsheet",
    "exclude": "excludes without except skip omit",
    "file": "filename file_name filenames output_name output_file output_path naming name_pattern pattern save_as out",
    "project": "folder output_dir output_folder outdir directory dir destination album",
    "provider": "service platform backend api vendor host",
    "model": "checkpoint ckpt engine sd_model model_id model_name endpoint",
    "parameters": "params param args arguments inputs settings config",
    "budget": "cost max_cost cost_limit max_price spend max_spend money max_usd usd_limit",
    "limit": "max maximum max_images max_items max_products",
    "rehearse": "dry_run dryrun test draft preview mock simulate demo rehearsal",
    "sample": "random subset pick shuffle choose",
    "proof": "first try trial",
    "notes": "note comment comments description remark remarks memo",
    "tags": "tag labels label keywords categories category",
    "name": "title order order_name job_name",
    "id": "name title stage",
    "input": "image images picture photo input_image feed",
    "after": "depends_on needs from source parent previous",
    "wait": "when if approve review approval",
    "keep": "save store shelve discard temporary",
    "template": "extends inherit inherits base preset presets include",
    "raw": "verbatim literal no_expand escape",
    "reuse": "cache no_cache skip_existing overwrite dedupe",
    "warnings": "ignore_warnings force",
    "validate": "skip_validation no_validate check",
}

# Parameters that mean one thing in different models, the commonest first.
_ALIKE: Sequence[str] = (
    "num_inference_steps steps inference_steps sampling_steps num_steps ddim_steps",
    "guidance_scale guidance cfg cfg_scale text_guidance prompt_guidance",
    (
        "width height image_size size aspect_ratio resolution dimensions megapixels ratio aspect ar w h scale factor "
        "zoom percent upscale upscale_factor max_width max_height max_size long_edge longest_side"
    ),
    (
        "image input_image image_url init_image img photo picture source_image reference_image start_image image_input "
        "input_images image_urls images input image_prompt"
    ),
    "prompt_strength strength denoising_strength denoise image_strength",
    "output_format format file_format image_format extension",
    "output_quality quality jpeg_quality compression",
    "scheduler sampler sampler_name sampling_method",
    "negative_prompt negative neg_prompt undesired",
    "disable_safety_checker enable_safety_checker safety_checker safety_tolerance nsfw safety",
    "loras lora lora_weights lora_url lora_scale hf_lora",
    "colours colors palette",
    "fit mode resize_mode crop",
    "mask mask_image mask_url inpaint_mask",
    "prompt text prompts caption positive_prompt positive",
)
_FIELDS: Mapping[str, str] = {
    "photo": (
        "filename file_name name stem basename original original_name input input_name input_filename source "
        "image_name photo_name picture picture_name file load_image"
    ),
    "index": "n num number no i idx counter count generation_number batch_number image_number",
    "slug": "title text caption prompt_words prompt_spaces prompt_no_styles",
    "ext": "extension suffix ending",
    "product_id": "id uuid guid",
    "hash": "sha sha256 md5 checksum",
    "width": "w", "height": "h",
    "model": "model_name model_hash checkpoint",
    "order": "order_name job job_name",
    "year}-{month}-{day": "date today day_month_year",
}  # fmt: skip
_COUNTED = frozenset(f"{_KEYS['count']} count num_outputs num_images".split())


def _folded(word: str) -> str:
    return re.sub(r"[\s-]+", "_", word.strip()).casefold()


def our_key(word: str, known: Collection[str]) -> str | None:
    """The key that another tool's word stands for, among those that there are here."""
    folded = _folded(word)
    return next((ours for ours, theirs in _KEYS.items() if ours in known and folded in theirs.split()), None)


def our_field(word: str) -> str | None:
    """What others call a field of the products' names."""
    return next((ours for ours, theirs in _FIELDS.items() if _folded(word) in theirs.split()), None)


def is_count(word: str) -> bool:
    """Whether it is a number of pictures, which an order says itself."""
    return _folded(word) in _COUNTED


def alike(word: str) -> Sequence[str]:
    """What other models call the same, itself among them; empty of a word that is in no row."""
    folded = _folded(word)
    return next((row.split() for row in _ALIKE if folded in row.split()), ())


def our_parameters(word: str, known: Collection[str]) -> list[str]:
    """The parameters of a model that mean what a word says, else the one that is spelled like it."""
    names = {_folded(name): name for name in known}
    if (folded := _folded(word)) in names:
        return [names[folded]]
    if row := alike(word):
        return [names[name] for name in row if name in names]
    is_negative = "negative" in folded
    apart = [name for name in names if ("negative" in name) == is_negative]  # one means the other's opposite
    return [names[near] for near in difflib.get_close_matches(folded[:100], apart, n=1, cutoff=ALIKE)]
