"""Checks that diffusers reads a U-Net that Flux saved and computes the same: the way back of UNetTests.

    .deps/oracle/bin/python Tools/check/diffusers_reads_flux.py MODEL    (a model directory, weights in float32)
"""
import pathlib
import subprocess
import sys
import tempfile

import diffusers
import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    model = pathlib.Path(sys.argv[1]).resolve()
    unet = diffusers.UNet2DConditionModel.from_pretrained(model / "unet").eval()
    c = unet.config
    torch.manual_seed(1)
    inputs = {
        "sample": torch.randn(2, c.in_channels, c.sample_size, c.sample_size),
        "timestep": torch.tensor([3.0, 871.0]),
        "encoder_hidden_states": torch.randn(2, 7, c.cross_attention_dim),
        "encoder_attention_mask": torch.tensor([[1.0] * 7, [1.0] * 4 + [0.0] * 3]),
        "class_labels": torch.randn(2, c.projection_class_embeddings_input_dim),
    }
    with torch.no_grad():
        expected = unet(
            inputs["sample"], inputs["timestep"], encoder_hidden_states=inputs["encoder_hidden_states"],
            encoder_attention_mask=inputs["encoder_attention_mask"], class_labels=inputs["class_labels"]).sample
    with tempfile.TemporaryDirectory() as folder:
        given, made = pathlib.Path(folder, "in.safetensors"), pathlib.Path(folder, "out.safetensors")
        save_file(inputs, given)
        subprocess.run(
            [ROOT / "flux", "forward", "unet", "--model", model, "--in", given, "--out", made], check=True)
        (actual,) = load_file(made).values()
    difference = (actual - expected).abs().max().item()
    print(f"diffusers {diffusers.__version__}: largest difference {difference:.2e}")
    sys.exit(0 if difference < 1e-4 else 1)


if __name__ == "__main__":
    main()
