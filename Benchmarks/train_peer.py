"""Times training steps of Flux's U-Net and adapter in PyTorch: channels-last, fused AdamW, clipped, averaged.

    flux bench train --preset base --json >bench.json
    python Benchmarks/train_peer.py bench.json --steps 20 [--device cuda] [--precision bfloat16] [--compile] [--threads 2]

The file says which networks and what batch. Inputs are random and lie on the device. Prints steps a second.
"""
import argparse
import json
import math
import pathlib
import re
import time

import diffusers
import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.ff1, self.ff2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.out(mixed.transpose(1, 2).reshape(b, n, d))
        return x + self.ff2(nn.functional.gelu(self.ff1(self.norm2(x))))


class Adapter(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.projection = nn.Linear(2 * c["input_width"], c["width"])
        self.layers = nn.ModuleList(Layer(c["width"], c["heads"]) for _ in range(c["layers"]))
        self.norm = nn.LayerNorm(c["width"])

    def forward(self, states, mask):
        x = self.projection(states)
        attend = (mask > 0.5)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, attend)
        x = self.norm(x)
        return x, (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def snake_case(value):
    """Swift's names of options, as diffusers spells them."""
    if isinstance(value, dict):
        return {re.sub("([A-Z])", lambda match: "_" + match[1].lower(), key): snake_case(item) for key, item in value.items()}
    return value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    device = torch.device(given.device)
    bench = json.loads(given.bench.read_text())
    config, adapter_config = (snake_case(bench["configuration"][name]) for name in ("unet", "textAdapter"))
    unet = diffusers.UNet2DConditionModel.from_config(config).to(device, memory_format=torch.channels_last)
    adapter = Adapter(adapter_config).to(device)
    parameters = list(unet.parameters()) + list(adapter.parameters())
    average = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-5, fused=True)
    b, side, tokens = bench["batch"], config["sample_size"], adapter_config["max_tokens"]
    latents = torch.randn(b, config["in_channels"], side, side, device=device)
    states = torch.randn(b, tokens, 2 * adapter_config["input_width"], device=device)
    mask = torch.ones(b, tokens, device=device)
    if given.compile:
        unet, adapter = torch.compile(unet), torch.compile(adapter)

    def step():
        t = torch.rand(b, device=device)
        alpha, sigma = torch.cos(t * math.pi / 2)[:, None, None, None], torch.sin(t * math.pi / 2)[:, None, None, None]
        noise = torch.randn_like(latents)
        noisy = (alpha * latents + sigma * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=given.precision == "bfloat16"):
            context, pooled = adapter(states, mask)
            output = unet(
                noisy, t * 1000, encoder_hidden_states=context, encoder_attention_mask=mask, class_labels=pooled).sample
        loss = (output.float() - (alpha * noise - sigma * latents)).square().mean()
        if device.type == "cpu":
            loss.item()  # Flux reads it at every step there, too, and elsewhere only now and then
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 0.001)

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(3):
        step()
    wait()
    begun = time.perf_counter()
    for _ in range(given.steps):
        step()
    wait()
    print(f"{given.steps / (time.perf_counter() - begun):.4f}")


if __name__ == "__main__":
    main()
