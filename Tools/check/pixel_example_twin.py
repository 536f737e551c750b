"""The pixel-space example in PyTorch: repeats the recorded steps of a run from its initial weights.

    ./flux train --preset pixel-example --steps 100 --record-steps 100 --output RUN
    .deps/oracle/bin/python Tools/check/pixel_example_twin.py RUN/record

Every line of the network, the schedule, the noise and the optimizer is written here in PyTorch; from Flux come the initial
weights, the images, the token ids and the seed of each step. docs/example.md has the result.
"""
import json
import math
import pathlib
import sys

import torch
from safetensors.torch import load_file
from torch import nn

# Flux's. In another, sums have another order, and Adam lets two runs drift apart.
LAYOUT = torch.contiguous_format if "--contiguous" in sys.argv else torch.channels_last


class Block(nn.Module):
    """Two convolutions with ReLU; time and text are added to the features of the first."""

    def __init__(self, inputs, outputs, embedding):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_projection = nn.Linear(embedding, outputs)
        self.text_projection = nn.Linear(embedding, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x, time, text):
        added = (self.time_projection(time) + self.text_projection(text))[:, :, None, None]
        return self.conv2((self.conv1(x) + added).relu()).relu()


class PixelUNet(nn.Module):
    """Max-pooling on the way down, transposed convolutions on the way up, skip connections by concatenation."""

    def __init__(self, widths, vocabulary, embedding):
        super().__init__()
        self.embedding = embedding
        self.text_embedding = nn.Embedding(vocabulary, embedding)
        inputs = [3] + list(widths[:-1])
        self.down_blocks = nn.ModuleList(Block(a, b, embedding) for a, b in zip(inputs, widths[:-1]))
        self.mid_block = Block(inputs[-1], widths[-1], embedding)
        pairs = list(zip(widths[:-1], widths[1:]))[::-1]
        self.upsamplers = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.up_blocks = nn.ModuleList(Block(2 * a, a, embedding) for a, _ in pairs)
        self.conv_out = nn.Conv2d(widths[0], 3, 1)

    def time(self, timesteps):
        half = self.embedding // 2
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half) / half)
        angles = timesteps[:, None] * frequencies[None]
        return torch.cat([angles.cos(), angles.sin()], dim=1)

    def forward(self, x, timesteps, ids, mask):
        text = (self.text_embedding(ids) * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        time = self.time(timesteps)
        skips = []
        for block in self.down_blocks:
            x = block(x, time, text)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.mid_block(x, time, text)
        for upsampler, block in zip(self.upsamplers, self.up_blocks):
            x = block(torch.cat([skips.pop(), upsampler(x)], dim=1), time, text)
        return self.conv_out(x)


def load(folder):
    """The network of a model directory with its weights."""
    config = json.loads((folder / "config.json").read_text())
    network = PixelUNet(config["block_out_channels"], config["vocab_size"], config["embedding_width"])
    weights = {}
    for file in sorted(folder.glob("*.safetensors")):  # one, or several shards
        weights.update(load_file(file))
    network.load_state_dict(weights)
    return network


def main():
    record = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    network = load(record / "model" / "unet")
    steps = load_file(record / "steps.safetensors")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused="--unfused" not in sys.argv)
    alphas = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    differences = []
    for step, (seed, theirs) in enumerate(zip(steps["seeds"].tolist(), steps["losses"].tolist())):
        images = steps["images"][step].float() / 127.5 - 1
        generator = torch.Generator().manual_seed(seed)
        timesteps = (torch.rand(len(images), generator=generator) * 1000).long()
        noise = torch.randn(images.shape, generator=generator)
        kept = alphas[timesteps][:, None, None, None]
        noisy = kept.sqrt().float() * images + (1 - kept).sqrt().float() * noise
        noisy = noisy.contiguous(memory_format=LAYOUT)
        output = network(noisy, timesteps.float(), steps[f"ids.{step}"], steps[f"mask.{step}"])
        loss = nn.functional.mse_loss(output, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        differences.append(abs(loss.item() - theirs))
        if step < 3 or (step + 1) % 10 == 0:
            print(f"step {step + 1}: Flux {theirs:.6f}, PyTorch {loss.item():.6f}", flush=True)
    largest = max(differences)
    print(f"PyTorch {torch.__version__}: {step + 1} steps, difference of the loss at most {largest:.2e} (step "
          f"{differences.index(largest) + 1}), {sum(differences) / len(differences):.2e} on average")
    sys.exit(0 if largest < 1e-3 else 1)


if __name__ == "__main__":
    main()
