"""Goldens of Stable Diffusion XL's pipelines: diffusers' around small random networks.

Writes Tests/Golden/stable_diffusion_xl/model, a model directory in float16 with the vocabularies of clip_tokenizer.py (the second
pads with "!"), single.safetensors, the same model in the original layout, and images.safetensors: the init image and the mask, and for each
case the picture that diffusers draws, uint8 [H, W, 3]. The metadata has the cases, one line of JSON each, and the versions; a
negative prompt that is missing is None. Weights are drawn with seed SEED and spread until pictures have contrast and depend on
their prompts. Noise is that of torch's generator with the case's seed, and not stored.
"""
import json
import pathlib
import shutil

import diffusers
import numpy
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

import single_file
import stable_diffusion

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
FOLDER = ROOT / "stable_diffusion_xl"
SEED, HEIGHT, WIDTH = 6, 32, 48
PROMPT = "a small red fox, it's 8 years old"
VOCABULARIES = {"tokenizer": "toy", "tokenizer_2": "exclamation"}
VOCABULARY_FILES = ("vocab.json", "merges.txt", "special_tokens_map.json")


def networks():
    torch.manual_seed(SEED)

    def tokenizer(name, **options):
        folder = ROOT / "clip_tokenizer" / name
        return transformers.CLIPTokenizer(
            str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77, **options)

    first, second = tokenizer("toy"), tokenizer("exclamation", pad_token="!")
    assert second("a !!")["input_ids"][2:4] == [0, 0] and first("a !!")["input_ids"][2:4] != [0, 0]
    end = len(first) - 1

    def config(width, heads, activation, **options):
        return transformers.CLIPTextConfig(
            vocab_size=len(first), hidden_size=width, intermediate_size=width + 16, num_hidden_layers=3,
            num_attention_heads=heads, hidden_act=activation, bos_token_id=end - 1, eos_token_id=end, pad_token_id=end,
            **options)

    text = transformers.CLIPTextModel(config(16, 4, "quick_gelu"))
    text_2 = transformers.CLIPTextModelWithProjection(config(12, 3, "gelu", projection_dim=20))
    unet = diffusers.UNet2DConditionModel(
        sample_size=12, block_out_channels=(8, 12), layers_per_block=1, cross_attention_dim=16 + 12, norm_num_groups=4,
        attention_head_dim=(2, 3), transformer_layers_per_block=(1, 2), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 20,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"))
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=48,
        scaling_factor=0.13025, down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3)
    with torch.no_grad():
        for model in (text, text_2):
            for name, parameter in model.named_parameters():
                if "embedding" in name:
                    parameter.mul_(20)
        text_2.text_projection.weight.mul_(20)
        for name, parameter in unet.named_parameters():
            if "attn2.to_" in name:
                parameter.mul_(6)
            if "add_embedding" in name or "time_emb_proj.weight" in name:
                parameter.mul_(2)
        noise = torch.randn(4, 4, 8, 12, generator=torch.Generator().manual_seed(SEED))
        vae.decoder.conv_out.weight.mul_(0.6 / vae.decode(noise / 0.13025).sample.std())
        vae.quant_conv.weight.mul_(3)
    return dict(text_encoder=text, text_encoder_2=text_2, tokenizer=first, tokenizer_2=second, unet=unet, vae=vae)


def cases():
    base = dict(kind="text", sampler="euler", steps=6, seed=3, guidance=6.0, prompt=PROMPT)
    for sampler in ("euler", "dpmpp_2m", "ddim"):
        yield base | dict(sampler=sampler)
    yield base | dict(negative="blue sky")
    yield base | dict(negative="blue sky!", prompt="a fox! and a dog!!", sampler="ddim")
    yield base | dict(prompt="!", sampler="dpmpp_2m", seed=4)
    yield base | dict(prompt="", seed=5)
    yield base | dict(guidance=1.0, seed=5)
    # diffusers skips layers for the prompt only, and an empty negative prompt has none.
    # More steps would let roundings of other processors' instructions grow beyond a level of 255.
    yield base | dict(clipSkip=1, seed=6, steps=3)
    yield base | dict(kind="image", strength=0.6, seed=8)
    yield base | dict(kind="image", strength=0.5, sampler="ddim", seed=9, negative="blue sky")
    yield base | dict(kind="inpaint", strength=0.7, sampler="ddim", seed=10)
    yield base | dict(kind="inpaint", strength=1.0, seed=11, negative="blue sky")


def draw(case, parts, photo, mask):
    scheduler, options = stable_diffusion.SCHEDULERS[case["sampler"]]
    pipelines = dict(
        text=diffusers.StableDiffusionXLPipeline, image=diffusers.StableDiffusionXLImg2ImgPipeline,
        inpaint=diffusers.StableDiffusionXLInpaintPipeline)
    pipeline = pipelines[case["kind"]](
        scheduler=scheduler(**stable_diffusion.TRAINED, **options), add_watermarker=False, **parts)
    pipeline.set_progress_bar_config(disable=True)
    arguments = dict(
        prompt=case["prompt"], negative_prompt=case.get("negative"), num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np",
        clip_skip=case.get("clipSkip"))
    if case["kind"] != "image":
        arguments |= dict(height=HEIGHT, width=WIDTH)
    if case["kind"] != "text":
        arguments |= dict(image=photo, strength=case["strength"])
    if case["kind"] == "inpaint":
        arguments |= dict(mask_image=mask)
    return pipeline(**arguments).images[0]


def save_directory(parts):
    directory = FOLDER / "model"
    scheduler, options = stable_diffusion.SCHEDULERS["euler"]
    whole = diffusers.StableDiffusionXLPipeline(
        scheduler=scheduler(**stable_diffusion.TRAINED, **options), add_watermarker=False, **parts)
    whole.to(torch.float16).save_pretrained(directory, variant="fp16")
    whole.to(torch.float32)  # the values that the files hold
    # The published models have these, which other schedulers read.
    path = directory / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text()) | {"set_alpha_to_one": False, "clip_sample": False, "skip_prk_steps": True}
    path.write_text(json.dumps(config, indent=2) + "\n")
    for folder, name in VOCABULARIES.items():
        shutil.rmtree(directory / folder)
        (directory / folder).mkdir()
        for file in VOCABULARY_FILES:
            if (ROOT / "clip_tokenizer" / name / file).exists():
                shutil.copy(ROOT / "clip_tokenizer" / name / file, directory / folder / file)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    parts = networks()
    save_directory(parts)
    ldm = {
        **single_file.unet_to_ldm(parts["unet"]), **single_file.vae_to_ldm(parts["vae"]),
        **single_file.clip_to_ldm(parts["text_encoder"], "conditioner.embedders.0.transformer."),
        **single_file.open_clip_to_ldm(parts["text_encoder_2"], "conditioner.embedders.1.model.", 0)}
    save_file(stable_diffusion.halved(ldm), FOLDER / "single.safetensors", metadata=stable_diffusion.VERSIONS)

    numbers = numpy.random.default_rng(SEED)
    coarse = numbers.random((4, 6, 3), dtype=numpy.float32)
    photo = (numpy.kron(coarse, numpy.ones((8, 8, 1), numpy.float32)) * 255).astype(numpy.uint8)
    mask = numpy.zeros((HEIGHT, WIDTH), numpy.uint8)
    mask[8:24, 16:40] = 255
    tensors, lines = {"photo": torch.from_numpy(photo), "mask": torch.from_numpy(mask)}, []
    for index, case in enumerate(cases()):
        picture = draw(case, parts, Image.fromarray(photo), Image.fromarray(mask))
        tensors[f"case{index}"] = torch.from_numpy((picture * 255).round().astype(numpy.uint8)).contiguous()
        print(case, picture.mean().round(3), picture.std().round(3))
        lines.append(json.dumps(case))
    save_file(tensors, FOLDER / "images.safetensors", metadata={"cases": "\n".join(lines), **stable_diffusion.VERSIONS})


if __name__ == "__main__":
    main()
