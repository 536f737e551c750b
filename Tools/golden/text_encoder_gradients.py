"""Goldens of finetuning a text encoder: gradients of a small BERT in transformers, and LoRAs of it in several spellings.

Writes Tests/Golden/text_encoder_small: config.json and model.safetensors; case.safetensors with `ids`, `mask`, `weights`,
the `loss` Σ weights · cat(first state, last state) and its gradients `grad.KEY`; LoRA files of this encoder and of the U-Net
in Tests/Golden/unet/one-level, and lora-states.safetensors with the states under the LoRA of the encoder and the `sample`
that the U-Net then predicts. Run unet.py before.
"""
import pathlib

import diffusers
import peft
import torch
import transformers
from diffusers.utils import convert_state_dict_to_kohya
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
FOLDER, UNET = GOLDEN / "text_encoder_small", GOLDEN / "unet" / "one-level"
SEED, RANK, ALPHA = 5, 3, 2
VERSIONS = {"transformers": transformers.__version__, "torch": torch.__version__, "peft": peft.__version__,
            "diffusers": diffusers.__version__, "seed": str(SEED)}


def loss_of(model, case):
    states = model(input_ids=case["ids"], attention_mask=case["mask"].long(), output_hidden_states=True).hidden_states
    return (torch.cat([states[0], states[-1]], 2) * case["weights"]).sum(), states


def main():
    torch.manual_seed(SEED)
    config = transformers.BertConfig(
        vocab_size=23, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=22,
        max_position_embeddings=11, type_vocab_size=2, layer_norm_eps=1e-12, hidden_act="gelu", initializer_range=0.3,
        attn_implementation="eager")
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    for key, tensor in model.named_parameters():  # biases and norms are constant in a new network
        if key.endswith("bias") or "LayerNorm" in key:
            torch.nn.init.normal_(tensor, mean=1.0 if key.endswith("LayerNorm.weight") else 0.0, std=0.2)
    FOLDER.mkdir(exist_ok=True)
    model.save_pretrained(FOLDER)
    lengths = [7, 4, 2]
    mask = torch.tensor([[1.0] * n + [0.0] * (7 - n) for n in lengths])
    # Id 0 is padding, whose embedding gets no gradient in transformers; it stands where the mask is 0 only.
    case = {"ids": torch.randint(1, 23, [3, 7]) * mask.long(), "mask": mask,
            "weights": torch.randn(3, 7, 30) * mask.unsqueeze(2)}
    loss, _ = loss_of(model, case)
    loss.backward()
    gradients = {f"grad.{key}": tensor.grad for key, tensor in model.named_parameters()}
    save_file({**case, "loss": loss.detach(), **gradients}, FOLDER / "case.safetensors", metadata=VERSIONS)

    # One LoRA of both networks, as diffusers writes it with PEFT, as kohya's scripts spell it, and as diffusers once did.
    unet = diffusers.UNet2DConditionModel.from_pretrained(UNET)
    unet.add_adapter(peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=["to_q", "to_k", "to_v", "to_out.0", "proj_in"]))
    settings = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["query", "key", "value", "dense"])
    peft.inject_adapter_in_model(settings, model)
    with torch.no_grad():
        for network in [unet, model]:
            for key, tensor in network.named_parameters():
                if "lora_B" in key:
                    tensor.normal_(std=0.3)
        _, states = loss_of(model, case)
        inputs = load_file(UNET / "case.safetensors")
        sample = unet(
            inputs["sample"], inputs["timesteps"], inputs["context"], encoder_attention_mask=inputs.get("mask"),
            class_labels=inputs.get("class_labels")).sample
    layers = {"unet": get_peft_model_state_dict(unet), "text_encoder": get_peft_model_state_dict(model)}
    diffusers.StableDiffusionPipeline.save_lora_weights(
        FOLDER, weight_name="lora-peft.safetensors", unet_lora_layers=layers["unet"],
        text_encoder_lora_layers=layers["text_encoder"], unet_lora_adapter_metadata=unet.peft_config["default"].to_dict(),
        text_encoder_lora_adapter_metadata=settings.to_dict())
    both = {f"{network}.{key}": tensor.contiguous() for network, state in layers.items() for key, tensor in state.items()}
    kohya = {key: tensor.contiguous() for key, tensor in convert_state_dict_to_kohya(dict(both)).items()}
    kohya = {key: torch.tensor(float(ALPHA)) if key.endswith(".alpha") else tensor for key, tensor in kohya.items()}
    save_file(kohya, FOLDER / "lora-kohya.safetensors", metadata=VERSIONS)
    # diffusers before PEFT had no alpha; attention processors named their layers in their own way.
    old = {}
    for key, tensor in both.items():
        scaled = tensor * (ALPHA / RANK) if "lora_B" in key else tensor
        key = key.replace(".lora_A.weight", ".lora.down.weight").replace(".lora_B.weight", ".lora.up.weight")
        if "attn" in key and "proj_in" not in key:
            layer, end = key.split(".lora.")
            block, projection = layer.removesuffix(".0").rsplit(".", 1)
            key = f"{block}.processor.{projection}_lora.{end}"
        old[key] = scaled.contiguous()
    save_file(old, FOLDER / "lora-processors.safetensors", metadata=VERSIONS)
    save_file(
        {"first": states[0].contiguous(), "last": states[-1].contiguous(), "sample": sample.contiguous()},
        FOLDER / "lora-states.safetensors", metadata=VERSIONS)
    print(f"{len(gradients)} gradients, {len(both)} LoRA tensors, kohya {sorted(kohya)[0]}, old {sorted(old)[-1]}")


if __name__ == "__main__":
    main()
