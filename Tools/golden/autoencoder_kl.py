"""Goldens of AutoencoderKL: small random models of diffusers, saved by diffusers, with inputs and outputs.

Writes Tests/Golden/autoencoder_kl/NAME/{config.json, diffusion_pytorch_model.safetensors, case.safetensors}: pixels,
the mean and the logarithm of the variance of their latents, a sample of these with given noise, the sample scaled as
diffusers' pipelines do, and scaled latents with the image that they are decoded to.
"""
import json
import pathlib
import shutil

import diffusers
import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "autoencoder_kl"

# name: (configuration, height, width)
CASES = {
    "four-channels": (dict(block_out_channels=(8, 12), layers_per_block=1, latent_channels=4), 16, 24),
    "sixteen-channels": (dict(
        block_out_channels=(4, 8, 12), layers_per_block=2, latent_channels=16, scaling_factor=1.5305,
        shift_factor=0.0609, use_quant_conv=False, use_post_quant_conv=False), 24, 40),
    "old-names": (dict(block_out_channels=(8, 8), layers_per_block=1, latent_channels=4, scaling_factor=0.13025), 8, 12),
    "no-attention": (dict(
        block_out_channels=(4, 8, 8), layers_per_block=1, latent_channels=3, mid_block_add_attention=False,
        use_post_quant_conv=False, latents_mean=(0.3, -0.2, 1.0), latents_std=(1.5, 0.7, 2.0)), 23, 37),
    "one-level": (dict(block_out_channels=(8,), layers_per_block=1, latent_channels=2, use_quant_conv=False), 7, 5),
}
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def old_name(key):
    for new, old in OLD.items():
        key = key.replace(f".attentions.0.{new}.", f".attentions.0.{old}.")
    return key


def scaled(vae, z):
    """As in diffusers' pipelines for Stable Diffusion XL (with statistics) and 3 (with a shift)."""
    c = vae.config
    if c.latents_mean is not None:
        mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (c.latents_mean, c.latents_std))
        return (z - mean) * c.scaling_factor / std
    return (z - (c.shift_factor or 0)) * c.scaling_factor


def unscaled(vae, z):
    c = vae.config
    if c.latents_mean is not None:
        mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (c.latents_mean, c.latents_std))
        return z * std / c.scaling_factor + mean
    return z / c.scaling_factor + (c.shift_factor or 0)


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (name, (options, height, width)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        levels = len(options["block_out_channels"])
        vae = diffusers.AutoencoderKL(
            norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels, **options).eval()
        with torch.no_grad():
            for parameter in vae.parameters():  # norms too: nothing may hide behind a one or a zero
                parameter.add_(0.15 * torch.randn_like(parameter))
            if name == "four-channels":  # features so small that the constant of the normalization counts
                for layer in (vae.encoder.conv_in, vae.decoder.conv_in):
                    layer.weight.mul_(0.003)
                    layer.bias.mul_(0.003)
            if name == "one-level":
                vae.encoder.conv_out.bias[-1] -= 60  # a variance below the least one
        folder = ROOT / name
        vae.save_pretrained(folder)
        pixels = torch.rand(2, 3, height, width) * 2 - 1
        with torch.no_grad():
            distribution = vae.encode(pixels).latent_dist
            noise = torch.randn(distribution.mean.shape)
            sample = distribution.mean + distribution.std * noise
            latents = torch.randn(distribution.mean.shape)
            image = vae.decode(unscaled(vae, latents)).sample
        if name == "old-names":
            file = folder / "diffusion_pytorch_model.safetensors"
            save_file({old_name(key): value for key, value in load_file(file).items()}, file)
            config = json.loads((folder / "config.json").read_text())
            for key in ("shift_factor", "latents_mean", "latents_std", "force_upcast", "use_quant_conv",
                        "use_post_quant_conv", "mid_block_add_attention"):
                del config[key]  # as in files of that time
            (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
            again = diffusers.AutoencoderKL.from_pretrained(folder)
            assert all(torch.equal(a, b) for a, b in zip(again.parameters(), vae.parameters()))
        tensors = {
            "pixels": pixels, "mean": distribution.mean, "log_variance": distribution.logvar, "noise": noise,
            "sample": sample, "scaled": scaled(vae, sample), "latents": latents, "image": image}
        versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(seed)}
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "case.safetensors",
                  metadata=versions)
        print(name, sum(p.numel() for p in vae.parameters()), "parameters, latents", list(latents.shape),
              "image std", round(image.std().item(), 3), "log variance", round(distribution.logvar.std().item(), 3))


main()
