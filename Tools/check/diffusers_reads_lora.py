"""Checks that diffusers and PEFT read a LoRA that Flux saved, and that it changes the U-Net as Flux merges it.

    .deps/oracle/bin/python Tools/check/diffusers_reads_lora.py MODEL LORA    (needs peft, beside the oracle's packages)
"""
import pathlib
import sys

import diffusers
import peft
import torch
from safetensors.torch import load_file


def main():
    model, file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    config = diffusers.UNet2DConditionModel.load_config(model / "unet")
    unets = [diffusers.UNet2DConditionModel.from_config(config).eval() for _ in range(2)]
    stored = load_file(model / "unet" / "diffusion_pytorch_model.safetensors")
    weights = {}
    for key, tensor in stored.items():
        if not key.endswith("_scale"):
            scale = stored.get(key + "_scale")  # int8, one scale for each output channel
            tensor = tensor.float()
            weights[key] = tensor if scale is None else tensor * scale.reshape([-1] + [1] * (tensor.dim() - 1))
    for unet in unets:
        unet.load_state_dict(weights)
    by_peft, by_hand = unets
    by_peft.load_lora_adapter(file.parent, weight_name=file.name, prefix="unet")

    lora = {key.removeprefix("unet."): tensor.float() for key, tensor in load_file(file).items()}
    layers = {key.rsplit(".lora_", 1)[0] for key in lora}
    parameters = dict(by_hand.named_parameters())
    with torch.no_grad():
        for layer in layers:
            down, up = lora[f"{layer}.lora_A.weight"], lora[f"{layer}.lora_B.weight"]
            weight = parameters[f"{layer}.weight"]
            weight += (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    c = by_peft.config
    torch.manual_seed(1)
    inputs = dict(
        sample=torch.randn(2, c.in_channels, c.sample_size, c.sample_size), timestep=torch.tensor([3.0, 871.0]),
        encoder_hidden_states=torch.randn(2, 7, c.cross_attention_dim),
        class_labels=torch.randn(2, c.projection_class_embeddings_input_dim))
    with torch.no_grad():
        outputs = [unet(**inputs).sample for unet in unets]
        by_peft.disable_lora()
        plain = by_peft(**inputs).sample
    moved = (outputs[1] - plain).abs().max().item()
    difference = (outputs[0] - outputs[1]).abs().max().item()
    print(f"diffusers {diffusers.__version__}, peft {peft.__version__}: {len(layers)} layers, which move the output by up "
          f"to {moved:.3f}; largest difference {difference:.2e}")
    sys.exit(0 if difference < 1e-4 < moved else 1)


if __name__ == "__main__":
    main()
