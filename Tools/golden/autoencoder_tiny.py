"""Goldens of AutoencoderTiny (TAESD): small random models of diffusers, saved by diffusers, with inputs and outputs.

Writes Tests/Golden/autoencoder_tiny/NAME/{config.json, diffusion_pytorch_model.safetensors, case.safetensors}.
"""
import pathlib
import shutil

import diffusers
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "autoencoder_tiny"

# name: (configuration, height, width)
CASES = {
    "like-taesd": (dict(
        encoder_block_out_channels=(6, 6, 6), decoder_block_out_channels=(6, 6, 6), num_encoder_blocks=(1, 2, 2),
        num_decoder_blocks=(2, 2, 1), latent_channels=4), 16, 24),
    "sixteen-channels": (dict(
        encoder_block_out_channels=(4, 4), decoder_block_out_channels=(8, 8), num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 2), latent_channels=16, act_fn="silu", scaling_factor=1.5, shift_factor=0.25), 9, 13),
    "one-level": (dict(
        encoder_block_out_channels=(5,), decoder_block_out_channels=(5,), num_encoder_blocks=(2,),
        num_decoder_blocks=(1,), latent_channels=2), 6, 5),
}


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (name, (options, height, width)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        vae = diffusers.AutoencoderTiny(**options).eval()
        folder = ROOT / name
        vae.save_pretrained(folder)
        scale, shift = vae.config.scaling_factor, vae.config.shift_factor
        pixels = torch.rand(2, 3, height, width) * 2 - 1
        with torch.no_grad():
            encoded = (vae.encode(pixels).latents - shift) * scale
            latents = 2 * torch.randn(encoded.shape)  # some beyond 3, which the decoder squeezes
            image = vae.decode(latents / scale + shift).sample
        tensors = {"pixels": pixels, "encoded": encoded, "latents": latents, "image": image}
        versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(seed)}
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "case.safetensors",
                  metadata=versions)
        print(name, sum(p.numel() for p in vae.parameters()), "parameters, latents", list(latents.shape),
              "image std", round(image.std().item(), 3))


main()
