"""Goldens of whole pipelines: diffusers' Stable Diffusion pipelines around small random networks.

Writes Tests/Golden/stable_diffusion/model, a model directory in float16 with the toy vocabulary of clip_tokenizer.py, and
images.safetensors: the init image and the mask, and for each case the picture that diffusers draws, uint8 [H, W, 3]. The metadata
has the cases, one line of JSON each, and the versions. single.safetensors is the same model in the original layout, and
inpainting/unet a U-Net with nine channels for it, whose pictures are in inpainting/images.safetensors. Weights are drawn with seed SEED and spread until pictures have contrast and
depend on their prompts. Noise is that of torch's generator with the case's seed, and not stored.
"""
import json
import pathlib
import shutil
import types

import diffusers
import numpy
import torch
import transformers
from safetensors.torch import save_file

import single_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
FOLDER = ROOT / "stable_diffusion"
SEED, HEIGHT, WIDTH = 5, 32, 48
TRAINED = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
SCHEDULERS = {
    "ddim": (diffusers.DDIMScheduler, dict(clip_sample=False, set_alpha_to_one=False, steps_offset=1)),
    "euler": (diffusers.EulerDiscreteScheduler, dict(timestep_spacing="leading", steps_offset=1)),
    "euler_a": (diffusers.EulerAncestralDiscreteScheduler, dict(timestep_spacing="leading", steps_offset=1)),
    "dpmpp_2m": (diffusers.DPMSolverMultistepScheduler, dict(timestep_spacing="leading", steps_offset=1)),
    "unipc": (diffusers.UniPCMultistepScheduler, dict(timestep_spacing="leading", steps_offset=1)),
    "lcm": (diffusers.LCMScheduler, dict(clip_sample=False, set_alpha_to_one=False)),
}
VERSIONS = {
    "torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__}
PROMPT, NEGATIVE = "a small red fox, it's 8 years old", "blue sky"


def small_unet(**options):
    unet = diffusers.UNet2DConditionModel(
        sample_size=12, block_out_channels=(8, 16), layers_per_block=1, cross_attention_dim=32, norm_num_groups=4,
        attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), **options)
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "attn2.to_" in name:
                parameter.mul_(6)
    return unet


def networks():
    torch.manual_seed(SEED)
    vocabulary = ROOT / "clip_tokenizer" / "toy"
    tokenizer = transformers.CLIPTokenizer(str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"), model_max_length=77)
    end = len(tokenizer) - 1
    text = transformers.CLIPTextModel(transformers.CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        hidden_act="quick_gelu", bos_token_id=end - 1, eos_token_id=end, pad_token_id=end))
    # diffusers 0.42 looks for the last normalization where transformers before 5.6 had it.
    text.text_model = types.SimpleNamespace(final_layer_norm=text.final_layer_norm)
    unet = small_unet()
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=48,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3)
    with torch.no_grad():
        for name, parameter in text.named_parameters():
            if "embedding" in name:
                parameter.mul_(20)
        noise = torch.randn(4, 4, 8, 12, generator=torch.Generator().manual_seed(SEED))
        vae.decoder.conv_out.weight.mul_(0.6 / vae.decode(noise / 0.18215).sample.std())
        vae.quant_conv.weight.mul_(3)
    return tokenizer, text, unet, vae


def cases():
    base = dict(kind="text", sampler="ddim", steps=6, seed=3, guidance=7.5)
    for sampler in SCHEDULERS:
        yield base | dict(sampler=sampler, guidance=1.0 if sampler == "lcm" else 7.5, steps=4 if sampler == "lcm" else 6)
    # Without guidance: diffusers skips layers for the prompt only, other programs and Flux for both.
    yield base | dict(clipSkip=1, guidance=1.0)
    yield base | dict(guidance=1.0, seed=4)
    yield base | dict(sampler="dpmpp_2m", karras=True, steps=7)
    yield base | dict(kind="image", strength=0.6, seed=8)
    yield base | dict(kind="image", strength=0.5, sampler="euler", seed=9)
    yield base | dict(kind="inpaint", strength=0.75, seed=10)
    yield base | dict(kind="inpaint", strength=1.0, sampler="dpmpp_2m", seed=11)


def inpainting_cases():
    base = dict(kind="inpaint", sampler="ddim", steps=6, seed=12, guidance=7.5)
    yield base | dict(strength=1.0)
    yield base | dict(strength=0.7, seed=13)
    yield base | dict(strength=1.0, sampler="euler_a", steps=4, seed=14)
    yield base | dict(strength=0.7, sampler="dpmpp_2m", steps=5, seed=15)  # not more: see stable_diffusion_xl.py
    yield base | dict(strength=1.0, sampler="euler", guidance=1.0, seed=16)


def draw(case, parts, photo, mask):
    tokenizer, text, unet, vae = parts
    scheduler, options = SCHEDULERS[case["sampler"]]
    if case.get("karras"):
        options = options | dict(use_karras_sigmas=True)
    pipelines = dict(
        text=diffusers.StableDiffusionPipeline, image=diffusers.StableDiffusionImg2ImgPipeline,
        inpaint=diffusers.StableDiffusionInpaintPipeline)
    pipeline = pipelines[case["kind"]](
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler(**TRAINED, **options),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    arguments = dict(
        prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=case["steps"], guidance_scale=case["guidance"],
        generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np", clip_skip=case.get("clipSkip"))
    if case["kind"] != "image":
        arguments |= dict(height=HEIGHT, width=WIDTH)
    if case["kind"] != "text":
        arguments |= dict(image=photo, strength=case["strength"])
    if case["kind"] == "inpaint":
        arguments |= dict(mask_image=mask)
    return pipeline(**arguments).images[0]


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    parts = networks()
    tokenizer, text, unet, vae = parts
    directory = FOLDER / "model"
    whole = diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet,
        scheduler=diffusers.PNDMScheduler(**TRAINED, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    whole.to(torch.float16).save_pretrained(directory, variant="fp16")
    whole.to(torch.float32)  # the values that the files hold
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (directory / "tokenizer" / name).unlink(missing_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(ROOT / "clip_tokenizer" / "toy" / name, directory / "tokenizer" / name)

    ldm = {
        **single_file.unet_to_ldm(unet), **single_file.vae_to_ldm(vae),
        **single_file.clip_to_ldm(text, "cond_stage_model.transformer.")}
    save_file(halved(ldm), FOLDER / "single.safetensors", metadata=VERSIONS)

    pictures(FOLDER, cases(), parts)
    torch.manual_seed(SEED)
    unet = small_unet(in_channels=9).half()
    unet.save_pretrained(FOLDER / "inpainting" / "unet", variant="fp16")
    pictures(FOLDER / "inpainting", inpainting_cases(), (tokenizer, text, unet.float(), vae))


def halved(tensors):
    return {
        key: (value.half() if value.is_floating_point() else value).contiguous() for key, value in tensors.items()}


def pictures(folder, cases, parts):
    numbers = numpy.random.default_rng(SEED)
    coarse = numbers.random((4, 6, 3), dtype=numpy.float32)
    photo = (numpy.kron(coarse, numpy.ones((8, 8, 1), numpy.float32)) * 255).astype(numpy.uint8)
    mask = numpy.zeros((HEIGHT, WIDTH), numpy.uint8)
    mask[8:24, 16:40] = 255
    tensors = {"photo": torch.from_numpy(photo), "mask": torch.from_numpy(mask)}
    lines = []
    from PIL import Image
    for index, case in enumerate(cases):
        picture = draw(case, parts, Image.fromarray(photo), Image.fromarray(mask))
        tensors[f"case{index}"] = torch.from_numpy((picture * 255).round().astype(numpy.uint8)).contiguous()
        print(case, picture.mean().round(3), picture.std().round(3))
        lines.append(json.dumps(case))
    save_file(
        tensors, folder / "images.safetensors",
        metadata={"cases": "\n".join(lines), "prompt": PROMPT, "negative": NEGATIVE, **VERSIONS})


if __name__ == "__main__":
    main()
