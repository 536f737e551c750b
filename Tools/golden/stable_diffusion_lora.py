"""Goldens of LoRAs for Stable Diffusion: U-Net and text encoder of the small model of stable_diffusion.py.

Writes Tests/Golden/stable_diffusion_lora/{peft,kohya,ldm}.safetensors, one LoRA in three spellings: that of diffusers with PEFT, that
of kohya's scripts, and theirs with the names of the original layout for the U-Net; and images.safetensors: the picture that diffusers
draws with it and without it, uint8 [H, W, 3], with the request and the versions in its metadata. Both files of kohya have alphas.
Factors are drawn with seed SEED. The adapters are those that are saved: diffusers 0.42 cannot load one for the text encoder with
transformers 5.6 or later.
"""
import pathlib
import re

import diffusers
import numpy
import peft
import torch
import transformers
from diffusers import training_utils
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
FOLDER = ROOT / "stable_diffusion_lora"
SEED, HEIGHT, WIDTH, STEPS, GUIDANCE, RANK, ALPHA = 6, 32, 48, 5, 4.0, 3, 2
PROMPT, NEGATIVE = "a small red fox", "blue sky"
RESNET = {
    "conv1": "in_layers_2", "conv2": "out_layers_3", "time_emb_proj": "emb_layers_1", "conv_shortcut": "skip_connection"}


def pipeline():
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(
        ROOT / "stable_diffusion" / "model", variant="fp16", torch_dtype=torch.float32, safety_checker=None)
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    pipe.set_progress_bar_config(disable=True)
    pipe.tokenizer.model_max_length = 77
    text = pipe.text_encoder
    if not hasattr(text, "text_model"):  # diffusers 0.42 looks for the layers where transformers before 5.6 had them
        object.__setattr__(text, "text_model", text)
    return pipe


def draw(pipe):
    image = pipe(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, guidance_scale=GUIDANCE, height=HEIGHT, width=WIDTH,
        generator=torch.Generator("cpu").manual_seed(SEED), output_type="np").images[0]
    return torch.from_numpy((image * 255).round().astype(numpy.uint8)).contiguous()


def adapter(module, targets, scale):
    module.add_adapter(peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets, init_lora_weights=False))
    for name, parameter in module.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(parameter, std=scale)
            parameter.data = parameter.data.half().float()  # the values that the files hold
    return {
        key: value.to(torch.float16).contiguous()
        for key, value in peft.utils.get_peft_model_state_dict(module).items()}


def ldm(layer):
    """The name in the original layout of a layer of the U-Net, which has one layer of blocks at each level."""
    middle = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", layer)
    if middle:
        kind, index, rest = middle.groups()
        return f"middle_block_{2 * int(index) if kind == 'resnets' else 1}_{RESNET.get(rest, rest)}"
    block = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", layer)
    way, level, kind, index, rest = block.groups()
    first = (1 if way == "down" else 0) + 2 * int(level) + int(index)
    name = "input_blocks" if way == "down" else "output_blocks"
    return f"{name}_{first}_{0 if kind == 'resnets' else 1}_{RESNET.get(rest, rest)}"


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(SEED)
    plain = draw(pipeline())
    pipe = pipeline()
    unet = adapter(pipe.unet, ["to_q", "to_k", "to_v", "to_out.0", "conv1", "proj_in", "ff.net.2"], 0.3)
    text = adapter(pipe.text_encoder, ["q_proj", "v_proj", "out_proj", "fc1"], 0.3)
    picture = draw(pipe)

    pipe.text_encoder.peft_config["default"].base_model_name_or_path = None
    pipe.unet.peft_config["default"].base_model_name_or_path = None
    # transformers 5.6 and later leave out the prefix of the text encoder's layers, which kohya's scripts write.
    diffusers.StableDiffusionPipeline.save_lora_weights(
        FOLDER, unet_lora_layers=unet, text_encoder_lora_layers=text, weight_name="peft.safetensors",
        **training_utils._collate_lora_metadata({"unet": pipe.unet, "text_encoder": pipe.text_encoder}))
    text = {re.sub(r"^(text_model\.)?", "text_model.", key): value for key, value in text.items()}
    for spelling in ("kohya", "ldm"):
        tensors = {}
        for prefix, factors in (("lora_unet_", unet), ("lora_te_", text)):
            for key, value in factors.items():
                layer, factor = re.fullmatch(r"(.*)\.lora_([AB])\.weight", key).groups()
                name = ldm(layer) if spelling == "ldm" and prefix == "lora_unet_" else layer
                name = prefix + name.replace(".", "_")
                tensors[f"{name}.lora_{'down' if factor == 'A' else 'up'}.weight"] = value
                tensors[f"{name}.alpha"] = torch.tensor(float(ALPHA))
        save_file(tensors, FOLDER / f"{spelling}.safetensors")
    print("the LoRA changes", (plain.int() - picture.int()).abs().float().mean().item(), "of 255")
    save_file({"plain": plain, "lora": picture}, FOLDER / "images.safetensors", metadata={
        "prompt": PROMPT, "negative": NEGATIVE, "seed": str(SEED), "steps": str(STEPS), "guidance": str(GUIDANCE),
        "torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__,
        "peft": peft.__version__})


main()
