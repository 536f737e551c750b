"""Goldens of image-to-image and inpainting: diffusers' own pipelines around a small random U-Net.

Writes Tests/Golden/edits.safetensors: the clean latents [B, C, h, w] of the init images, the texts [1, N, D] for guidance, the
inpainting mask [1, 1, h, w] (1 is redrawn), the final latents [cases, B, C, h, w], and in the metadata the cases, one line of
JSON each. The network is Tests/Golden/unet/one-level, which unet.py saved, with the first of its output channels. The noise is
not stored: picture k draws float32 from torch's generator with seed SEED + k. The autoencoder is one that gives the stored
latents for every image; text encoder and tokenizer are not needed.
"""
import json
import pathlib
import types

import diffusers
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
SEED, BATCH, CHANNELS, SIDE, GUIDANCE = 11, 2, 5, 8, 3.0
SCHEDULERS = {
    "ddpm": diffusers.DDPMScheduler,
    "ddim": diffusers.DDIMScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_a": diffusers.EulerAncestralDiscreteScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
    "unipc": diffusers.UniPCMultistepScheduler,
}


class Network(torch.nn.Module):
    """The golden U-Net with as many output channels as the latents have."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, unet):
        super().__init__()
        self.unet = unet
        # The inpainting pipeline takes U-Nets of 4 channels for those that see no mask.
        self.config = types.SimpleNamespace(in_channels=4, time_cond_proj_dim=None, sample_size=SIDE, _diffusers_version="1")

    def forward(self, sample, t, encoder_hidden_states, **_):
        return (self.unet(sample, t, encoder_hidden_states).sample[:, :CHANNELS],)


class Latents(torch.nn.Module):
    """An autoencoder that gives stored latents, one image after the other."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, latents):
        super().__init__()
        self.latents, self.next = latents, 0
        self.config = types.SimpleNamespace(scaling_factor=1.0, latent_channels=CHANNELS, block_out_channels=(1,))

    def encode(self, image):
        rows = torch.arange(self.next, self.next + image.shape[0]) % BATCH
        self.next += image.shape[0]
        return types.SimpleNamespace(latents=self.latents[rows])


def run(case, unet, clean, texts, mask):
    options = dict(
        beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", timestep_spacing="trailing",
        steps_offset=1)  # the pipelines want 1, which matters to leading spacing only
    if case["sampler"] in ("ddpm", "ddim"):
        options["clip_sample"] = False
    kind = diffusers.StableDiffusionInpaintPipeline if case["mask"] else diffusers.StableDiffusionImg2ImgPipeline
    pipeline = kind(
        vae=Latents(clean), text_encoder=None, tokenizer=None, unet=Network(unet),
        scheduler=SCHEDULERS[case["sampler"]](**options), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    image = torch.full((BATCH, 3, SIDE, SIDE), 0.5)
    extra = dict(mask_image=mask, height=SIDE, width=SIDE) if case["mask"] else {}
    return pipeline(
        image=image, prompt_embeds=texts[1:].repeat(BATCH, 1, 1), negative_prompt_embeds=texts[:1].repeat(BATCH, 1, 1),
        strength=case["strength"], num_inference_steps=case["steps"], guidance_scale=GUIDANCE, output_type="latent",
        generator=[torch.Generator().manual_seed(SEED + k) for k in range(BATCH)], **extra).images


def cases():
    def case(sampler, strength, steps=10, mask=False):
        return dict(sampler=sampler, steps=steps, strength=strength, mask=mask)

    for sampler in SCHEDULERS:
        yield case(sampler, 0.6)
    # Products that are not whole; 0.29 · 100 is 29 in decimals and 28.999… in binary. The steps divide 1000: otherwise
    # diffusers' DDIM goes to a time beside that of its next step (docs/parity.md).
    for strength, steps in ((0.25, 10), (0.75, 10), (0.7, 10), (0.29, 100), (0.95, 8)):
        yield case("ddim", strength, steps)
    for sampler in ("ddim", "dpmpp_2m", "euler"):
        yield case(sampler, 0.8, mask=True)


def main():
    unet = diffusers.UNet2DConditionModel.from_pretrained(ROOT / "unet" / "one-level").eval()
    generator = torch.Generator().manual_seed(SEED - 1)
    clean = torch.randn(BATCH, CHANNELS, SIDE, SIDE, generator=generator)
    texts = torch.randn(2, 3, unet.config.cross_attention_dim, generator=generator)
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 2:6, 3:] = 1
    finals, lines = [], []
    for case in cases():
        finals.append(run(case, unet, clean, texts, mask))
        assert torch.isfinite(finals[-1]).all() and finals[-1].shape == clean.shape, case
        lines.append(json.dumps(case))
        print(case, finals[-1].abs().max().item())
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(SEED), "guidance": str(GUIDANCE)}
    save_file(
        {"clean": clean, "texts": texts, "mask": mask, "final": torch.stack(finals).contiguous()},
        ROOT / "edits.safetensors", metadata={**versions, "cases": "\n".join(lines)})


if __name__ == "__main__":
    main()
