"""Golden of the pixel-space example: a small network in PyTorch (Tools/check/pixel_example_twin.py) with random weights.

Writes Tests/Golden/pixel_unet/{config.json, diffusion_pytorch_model.safetensors, case.safetensors}.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "check"))
from pixel_example_twin import PixelUNet  # noqa: E402

FOLDER = HERE.parents[2] / "Tests" / "Golden" / "pixel_unet"


def main():
    torch.manual_seed(7)
    network = PixelUNet([4, 6, 8], vocabulary=20, embedding=6)
    ids = torch.tensor([[2, 7, 19, 3, 0], [2, 5, 11, 13, 3]])
    inputs = {
        "images": torch.randn(2, 3, 16, 16), "timesteps": torch.tensor([3.0, 871.0]), "ids": ids,
        "mask": (ids != 0).float(),
    }
    output = network(*inputs.values())
    target = torch.randn(output.shape)
    (output - target).square().mean().backward()
    gradients = {f"gradient.{key}": parameter.grad for key, parameter in network.named_parameters()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    config = {
        "_class_name": "FluxPixelUNet", "sample_size": 16, "block_out_channels": [4, 6, 8], "vocab_size": 20,
        "embedding_width": 6, "max_tokens": 5,
    }
    (FOLDER / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(network.state_dict(), FOLDER / "diffusion_pytorch_model.safetensors")
    versions = {"torch": torch.__version__, "seed": "7"}
    save_file(
        {**inputs, "output": output.detach(), "target": target, **gradients}, FOLDER / "case.safetensors",
        metadata=versions)
    print("pixel_unet", sum(p.numel() for p in network.parameters()), "parameters, output std",
          round(output.std().item(), 3))


main()
