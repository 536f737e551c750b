"""Goldens of the U-Net: small random models of diffusers, saved by diffusers, with inputs and outputs.

Writes Tests/Golden/unet/NAME/{config.json, diffusion_pytorch_model.safetensors, case.safetensors}.
"""
import pathlib
import shutil

import diffusers
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "unet"
CROSS_DOWN, PLAIN_DOWN = "CrossAttnDownBlock2D", "DownBlock2D"
CROSS_UP, PLAIN_UP = "CrossAttnUpBlock2D", "UpBlock2D"
CROSS_MID = "UNetMidBlock2DCrossAttn"

# name: (configuration, height, width, with a mask)
CASES = {
    "one-level": (dict(
        down_block_types=(CROSS_DOWN,), up_block_types=(CROSS_UP,), mid_block_type=CROSS_MID, block_out_channels=(16,),
        layers_per_block=1, attention_head_dim=2, use_linear_projection=False, cross_attention_dim=12), 8, 8, False),
    "ship-like": (dict(
        down_block_types=(CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, CROSS_UP), mid_block_type=CROSS_MID,
        block_out_channels=(16, 24), layers_per_block=2, attention_head_dim=(2, 3), use_linear_projection=True,
        cross_attention_dim=12, class_embed_type="projection", projection_class_embeddings_input_dim=12), 8, 8, True),
    "three-levels-mixed": (dict(
        down_block_types=(PLAIN_DOWN, CROSS_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, CROSS_UP, PLAIN_UP),
        mid_block_type=CROSS_MID, block_out_channels=(8, 16, 16), layers_per_block=1, attention_head_dim=(1, 2, 4),
        use_linear_projection=True, transformer_layers_per_block=2, cross_attention_dim=10), 8, 12, True),
    "odd-size": (dict(
        down_block_types=(CROSS_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, CROSS_UP), mid_block_type=CROSS_MID,
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=2, use_linear_projection=False,
        cross_attention_dim=10, flip_sin_to_cos=False, freq_shift=1), 7, 9, False),
    "no-attention": (dict(
        down_block_types=(PLAIN_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, PLAIN_UP), mid_block_type="UNetMidBlock2D",
        block_out_channels=(8, 16), layers_per_block=(2, 1), attention_head_dim=2, cross_attention_dim=10,
        downsample_padding=0, class_embed_type="projection", projection_class_embeddings_input_dim=6), 8, 8, False),
    "no-middle": (dict(
        down_block_types=(PLAIN_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, PLAIN_UP), mid_block_type=None,
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=4, cross_attention_dim=10), 4, 4, True),
}


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (name, (options, height, width, masked)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        unet = diffusers.UNet2DConditionModel(
            sample_size=8, in_channels=5, out_channels=6, norm_num_groups=4, norm_eps=1e-5, **options).eval()
        with torch.no_grad():
            for parameter in unet.parameters():  # norms too: nothing may hide behind a one or a zero
                parameter.add_(0.15 * torch.randn_like(parameter))
        inputs = {
            "sample": torch.randn(2, 5, height, width),
            "timesteps": torch.tensor([3.0, 871.0]),
            "context": torch.randn(2, 7, options["cross_attention_dim"]),
        }
        extra = {}
        if masked:
            inputs["mask"] = torch.tensor([[1.0] * 7, [1.0] * 4 + [0.0] * 3])
            extra["encoder_attention_mask"] = inputs["mask"]
        if "class_embed_type" in options:
            inputs["class_labels"] = torch.randn(2, options["projection_class_embeddings_input_dim"])
            extra["class_labels"] = inputs["class_labels"]
        with torch.no_grad():
            output = unet(inputs["sample"], inputs["timesteps"], inputs["context"], **extra).sample
        folder = ROOT / name
        unet.save_pretrained(folder)
        versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(seed)}
        save_file({**inputs, "output": output}, folder / "case.safetensors", metadata=versions)
        print(name, sum(p.numel() for p in unet.parameters()), "parameters, output std", round(output.std().item(), 3))


main()
