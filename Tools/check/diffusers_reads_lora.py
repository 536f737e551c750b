"""Checks that diffusers and PEFT read a LoRA that Flux saved, and that it changes the networks as Flux merges it.

    .deps/oracle/bin/python Tools/check/diffusers_reads_lora.py MODEL LORA [TEXT_ENCODER]

MODEL is a model directory; with the directory of a text encoder its part of the LoRA is checked, too, in transformers
(diffusers itself knows the names of CLIP's layers only). Needs peft, beside the oracle's packages.
"""
import pathlib
import sys

import diffusers
import peft
import torch
import transformers
from safetensors.torch import load_file


def factors(file, network):
    """The LoRA of a network in a file, without the network's name."""
    return {key.removeprefix(f"{network}."): tensor.float() for key, tensor in load_file(file).items()
            if key.startswith(f"{network}.")}


def merge(model, lora):
    """Adds B · A to the weights by hand; returns the layers."""
    layers = {key.rsplit(".lora_", 1)[0] for key in lora}
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for layer in layers:
            down, up = lora[f"{layer}.lora_A.weight"], lora[f"{layer}.lora_B.weight"]
            weight = parameters[f"{layer}.weight"]
            weight += (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    return layers


def report(what, layers, by_peft, by_hand, plain):
    """Prints and judges the difference between PEFT's output and that of merged weights."""
    moved = (by_hand - plain).abs().max().item()
    difference = (by_peft - by_hand).abs().max().item()
    print(f"{what}, peft {peft.__version__}: {len(layers)} layers, which move the output by up to {moved:.3f}; "
          f"largest difference {difference:.2e}")
    return difference < 1e-4 < moved


def check_unet(model, file):
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

    layers = merge(by_hand, factors(file, "unet"))
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
    return report(f"diffusers {diffusers.__version__}", layers, *outputs, plain)


def check_text_encoder(folder, file):
    by_peft, by_hand, plain = [transformers.BertModel.from_pretrained(folder).eval() for _ in range(3)]
    lora = factors(file, "text_encoder")
    layers = merge(by_hand, lora)
    rank = next(tensor for key, tensor in lora.items() if "lora_A" in key).shape[0]
    settings = peft.LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(layers))
    by_peft.load_adapter(adapter_state_dict=lora, peft_config=settings)
    ids = torch.randint(0, plain.config.vocab_size, [2, 9], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        outputs = [network(input_ids=ids).last_hidden_state for network in [by_peft, by_hand, plain]]
    return report(f"transformers {transformers.__version__}", layers, *outputs)


def main():
    model, file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    is_right = [check_unet(model, file)]
    if len(sys.argv) > 3:
        is_right.append(check_text_encoder(sys.argv[3], file))
    sys.exit(0 if all(is_right) else 1)


if __name__ == "__main__":
    main()
