"""Pictures as other tools write them: A1111, ComfyUI, InvokeAI, SwarmUI, Fooocus and NovelAI."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from PIL import Image, PngImagePlugin

A1111 = """a fox in the snow, (masterpiece:1.2)
second line, with: a colon
Negative prompt: blurry,
 text
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1234567890, Size: 512x768, \
Model hash: abcd1234, Model: dreamshaper_8, Denoising strength: 0.4, Clip skip: 2, \
Lora hashes: "detail: 1a2b, other: 3c4d", Version: v1.10.1"""
COMFY = {  # a plain workflow, its positive text behind a node that hands it on
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 77, "steps": 25, "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        "model": ["10", 0], "positive": ["14", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl\\\\sd_xl_base_1.0.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 576, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {
        "lora_name": "detail.safetensors", "strength_model": 0.8, "model": ["4", 0], "clip": ["4", 1]}},
    "12": {"class_type": "PrimitiveString", "inputs": {"value": "a whale in the harbour"}},
    "14": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0]}},
}  # fmt: skip
FLUX = {  # whose sampler is in parts
    "1": {"class_type": "SamplerCustomAdvanced", "inputs": {
        "noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["20", 0]}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
    "5": {"class_type": "BasicScheduler", "inputs": {
        "scheduler": "beta", "steps": 28, "denoise": 1, "model": ["7", 0]}},
    "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 832, "height": 1216, "batch_size": 1}},
    "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
    "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
    "9": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse", "clip": ["11", 0]}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}, "is_changed": [float("nan")]},
    "20": {"class_type": "PrimitiveInt", "inputs": {"value": 5150}},
}  # fmt: skip
INVOKE = {
    "app_version": "5.4.2", "generation_mode": "sdxl_txt2img", "positive_prompt": "a heron", "negative_prompt": "",
    "width": 1024, "height": 1024, "seed": 42, "cfg_scale": 5.5, "steps": 30, "scheduler": "dpmpp_2m_k",
    "model": {"key": "k", "hash": "h", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"name": "ink"}, "weight": 0.7}],
}  # fmt: skip
INVOKE_FIRST = {
    "model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_version": "2.3.0",
    "image": {"prompt": [{"prompt": "an otter", "weight": 1.0}], "steps": 50, "cfg_scale": 7.5, "seed": 9,
              "width": 512, "height": 512, "sampler": "k_lms"},
}  # fmt: skip
SWARM = {"sui_image_params": {
    "prompt": "a stork", "negativeprompt": "fog", "model": "OfficialStableDiffusion/sd3.safetensors", "seed": 3,
    "steps": 12, "cfgscale": 4.5, "sampler": "euler", "scheduler": "simple", "width": 640, "height": 640,
    "swarm_version": "0.9.5.0",
}, "sui_extra_data": {"date": "2025-01-02"}}  # fmt: skip
FOOOCUS = {
    "prompt": "a badger", "negative_prompt": "", "base_model": "juggernautXL_v8", "seed": "11", "steps": 30,
    "resolution": "(896, 1152)", "guidance_scale": 4.0, "sampler": "dpmpp_2m_sde_gpu", "version": "Fooocus v2.5.5",
}  # fmt: skip
NOVELAI = {"prompt": "a crane", "uc": "lowres", "steps": 28, "scale": 5.0, "seed": 8, "sampler": "k_euler"}


def picture() -> Image.Image:
    return Image.effect_noise((24, 16), 80).convert("RGB")


def png(texts: Mapping[str, str | dict[str, Any]], colour: int = 0) -> bytes:
    told = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        told.add_text(key, text if isinstance(text, str) else json.dumps(text))
    file, drawn = io.BytesIO(), picture()
    drawn.putpixel((0, 0), (colour, 0, 0))
    drawn.save(file, "PNG", pnginfo=told)
    return file.getvalue()


def with_exif(kind: str, comment: str = "", tags: Mapping[int, str] | None = None) -> bytes:
    exif = Image.Exif()
    for tag, text in (tags or {}).items():
        exif[tag] = text
    if comment:
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-be")
    file = io.BytesIO()
    picture().save(file, kind, exif=exif.tobytes())
    return file.getvalue()
