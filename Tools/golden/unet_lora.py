"""Goldens of LoRA files: changes of the U-Net goldens, written by PEFT and diffusers, and what the U-Nets then compute.

Writes Tests/Golden/unet/NAME/{pytorch_lora_weights.safetensors, lora.safetensors}, the second with `output`, for the
inputs of case.safetensors. Run unet.py before.
"""
import pathlib

import diffusers
import peft
import torch
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "unet"
RANK, ALPHA, SEED = 3, 6, 11
TARGETS = ["to_q", "to_k", "to_out.0", "proj_in", "conv1", "conv_shortcut", "conv_out", "linear_1", "ff.net.2"]

for name in ["one-level", "ship-like"]:  # projections as convolutions, and as matrices
    torch.manual_seed(SEED)
    folder = ROOT / name
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder)
    unet.add_adapter(peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS))
    with torch.no_grad():
        for key, tensor in unet.named_parameters():
            if "lora_B" in key:
                tensor.normal_(std=0.3)
    case = load_file(folder / "case.safetensors")
    with torch.no_grad():
        output = unet(
            case["sample"], case["timesteps"], case["context"], encoder_attention_mask=case.get("mask"),
            class_labels=case.get("class_labels")).sample
    diffusers.StableDiffusionPipeline.save_lora_weights(
        folder, unet_lora_layers=get_peft_model_state_dict(unet),
        unet_lora_adapter_metadata=unet.peft_config["default"].to_dict())
    moved = (output - case["output"]).abs().max().item()
    save_file({"output": output.contiguous()}, folder / "lora.safetensors", metadata={
        "diffusers": diffusers.__version__, "peft": peft.__version__, "torch": torch.__version__, "seed": str(SEED)})
    print(f"{name}: the LoRA moves the output by up to {moved:.3f}")
