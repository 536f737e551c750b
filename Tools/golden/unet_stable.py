"""Goldens of U-Nets as Stable Diffusion has them: small random models of diffusers, with inputs and outputs.

Writes Tests/Golden/unet_stable/NAME/{config.json, diffusion_pytorch_model.fp16.safetensors, case.safetensors}, with weights
that float16 holds exactly, and NAME.json of the published sizes of Stable Diffusion 1.5, 2.1 and XL: all fields that diffusers
writes, and the number of elements of matrices and kernels.
"""
import json
import pathlib
import shutil

import diffusers
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "unet_stable"
CROSS_DOWN, PLAIN_DOWN = "CrossAttnDownBlock2D", "DownBlock2D"
CROSS_UP, PLAIN_UP = "CrossAttnUpBlock2D", "UpBlock2D"

THREE_DOWN = dict(
    down_block_types=(CROSS_DOWN, CROSS_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, CROSS_UP, CROSS_UP),
    block_out_channels=(8, 8, 16), layers_per_block=1)
TWO_DOWN = dict(
    down_block_types=(CROSS_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, CROSS_UP), block_out_channels=(8, 8),
    layers_per_block=1, attention_head_dim=8, cross_attention_dim=12)
XL = dict(
    down_block_types=(PLAIN_DOWN, CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, CROSS_UP, PLAIN_UP),
    block_out_channels=(8, 8, 16), layers_per_block=1, attention_head_dim=(1, 2, 4), use_linear_projection=True,
    addition_embed_type="text_time", addition_time_embed_dim=8, cross_attention_dim=12)

CASES = {
    "sd1": dict(attention_head_dim=8, cross_attention_dim=12, **THREE_DOWN),
    "sd2": dict(
        attention_head_dim=(1, 2, 4), use_linear_projection=True, cross_attention_dim=10, upcast_attention=True,
        **THREE_DOWN),
    "sdxl": dict(transformer_layers_per_block=(0, 1, 2), projection_class_embeddings_input_dim=6 * 8 + 10, **XL),
    "lcm": dict(time_cond_proj_dim=16, **TWO_DOWN),
    "no-middle": dict(mid_block_type=None, **TWO_DOWN),
    "inpainting": dict(in_channels=9, **TWO_DOWN),
}
PUBLISHED = {
    "sd15": dict(sample_size=64, cross_attention_dim=768),
    "sd21": dict(
        sample_size=96, cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True,
        upcast_attention=True),
    "sdxl": dict(
        sample_size=128, down_block_types=[PLAIN_DOWN, CROSS_DOWN, CROSS_DOWN],
        up_block_types=[CROSS_UP, CROSS_UP, PLAIN_UP], block_out_channels=[320, 640, 1280],
        transformer_layers_per_block=[1, 2, 10], attention_head_dim=[5, 10, 20], cross_attention_dim=2048,
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816),
}


def write_case(seed, name, options):
    torch.manual_seed(seed)
    channels = options.get("in_channels", 4)
    unet = diffusers.UNet2DConditionModel(
        **{"sample_size": 8, "in_channels": 4, "out_channels": 4, "norm_num_groups": 4, **options}).eval()
    with torch.no_grad():
        for parameter in unet.parameters():  # norms too: nothing may hide behind a one or a zero
            parameter.add_(0.15 * torch.randn_like(parameter))
    unet = unet.half().float()
    inputs = {
        "sample": torch.randn(2, channels, 8, 12),
        "timesteps": torch.tensor([3.0, 871.0]),
        "context": torch.randn(2, 7, options["cross_attention_dim"]),
    }
    extra = {}
    if "addition_embed_type" in options:
        inputs["pooled"] = torch.randn(2, 10)
        inputs["time_ids"] = torch.tensor(
            [[1024.0, 768.0, 0.0, 13.0, 512.0, 640.0], [97.0, 211.0, 5.0, 0.0, 1024.0, 1024.0]])
        extra["added_cond_kwargs"] = {"text_embeds": inputs["pooled"], "time_ids": inputs["time_ids"]}
    if "time_cond_proj_dim" in options:
        inputs["guidance"] = torch.tensor([7.5, 0.25])
        extra["timestep_cond"] = diffusers.LatentConsistencyModelPipeline.get_guidance_scale_embedding(
            None, inputs["guidance"], embedding_dim=options["time_cond_proj_dim"])
    with torch.no_grad():
        output = unet(inputs["sample"], inputs["timesteps"], inputs["context"], **extra).sample
    folder = ROOT / name
    unet.half().save_pretrained(folder, variant="fp16")
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(seed)}
    save_file({**inputs, "output": output}, folder / "case.safetensors", metadata=versions)
    print(name, sum(p.numel() for p in unet.parameters()), "parameters, output std", round(output.std().item(), 3))


def write_published(name, options):
    with torch.device("meta"):
        unet = diffusers.UNet2DConditionModel(**options)
    weights = sum(tensor.numel() for tensor in unet.parameters() if tensor.dim() > 1)
    table = {"config": json.loads(unet.to_json_string()), "weights": weights}
    (ROOT / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n")
    print(name, weights, "weights")


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (name, options) in enumerate(CASES.items()):
        write_case(seed, name, options)
    for name, options in PUBLISHED.items():
        write_published(name, options)


main()
