"""Goldens of training a LoRA for Stable Diffusion with diffusers and PEFT: losses, gradients, and factors after AdamW.

Writes Tests/Golden/stable_training/CASE.safetensors for the small models of stable_diffusion.py and
stable_diffusion_xl.py: the images (uint8), the standard normal noise of the latents' posterior, the factors before training
(`before.`), the gradients of the first step (`gradient.`) and the factors after the last one (`after.`). The metadata has the
captions, the losses, the settings and the versions. As in diffusers' train_text_to_image_lora.py: a posterior sample of the
autoencoder times its scaling factor, noise of DDPMScheduler with the model's scheduler_config.json, the mean squared error of
what the model predicts, AdamW, and gradients clipped to norm 1. The timesteps and the noise of step K are the first numbers of
torch's generator with seed SEED + K: B uniform numbers, times 1000 and rounded down, and B standard normal latents.
"""
import json
import pathlib

import diffusers
import numpy
import peft
import torch
import transformers
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
FOLDER = ROOT / "stable_training"
SEED, SIZE, BATCH, STEPS, RANK, ALPHA, RATE, TEXT_RATE, DECAY = 7, 32, 2, 3, 2, 3.0, 1e-3, 5e-4, 1e-2
CAPTIONS = ["a small red fox", ""]
UNET, TEXT = ["to_q", "to_k", "to_v", "to_out.0"], ["q_proj", "k_proj", "v_proj", "out_proj"]
CASES = {
    "unet": dict(model="stable_diffusion", prediction="epsilon", text=False),
    "text": dict(model="stable_diffusion", prediction="v_prediction", text=True),
    "xl": dict(model="stable_diffusion_xl", prediction="epsilon", text=True),
}
VERSIONS = {
    "torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__,
    "peft": peft.__version__}


def part(kind, name, model):
    return kind.from_pretrained(
        ROOT / model / "model", subfolder=name, variant="fp16", torch_dtype=torch.float32, local_files_only=True)


def adapted(module, targets, network):
    """Adds random factors, and returns them by their keys in files."""
    module.requires_grad_(False)
    peft.inject_adapter_in_model(peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets), module)
    factors = {}
    for name, parameter in module.named_parameters():
        if ".lora_" not in name:
            continue
        torch.nn.init.normal_(parameter, std=0.1)
        key = name.replace(".default.weight", ".weight")
        if network != "unet" and not key.startswith("text_model."):  # transformers 5.6 and later
            key = "text_model." + key
        factors[f"{network}.{key}"] = parameter
    return factors


def ids(tokenizer, captions):
    return tokenizer(captions, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids


def encoded(tokenizers, encoders, xl):
    if not xl:
        return encoders[0](ids(tokenizers[0], CAPTIONS))[0], {}
    outputs = [encoder(ids(tokenizer, CAPTIONS), output_hidden_states=True)
               for tokenizer, encoder in zip(tokenizers, encoders)]
    context = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
    pooled = outputs[1][0]
    # An empty caption is zeros, as force_zeros_for_empty_prompt makes an empty negative prompt.
    kept = torch.tensor([[float(caption != "")] for caption in CAPTIONS])
    sizes = torch.tensor([[SIZE, SIZE, 0, 0, SIZE, SIZE]] * BATCH, dtype=torch.float32)
    return context * kept[:, :, None], {"text_embeds": pooled * kept, "time_ids": sizes}


def train(case):
    torch.manual_seed(SEED)
    model, xl = case["model"], case["model"].endswith("xl")
    unet = part(diffusers.UNet2DConditionModel, "unet", model)
    vae = part(diffusers.AutoencoderKL, "vae", model)
    scheduler = diffusers.DDPMScheduler.from_pretrained(
        ROOT / model / "model", subfolder="scheduler", prediction_type=case["prediction"])
    kinds = [transformers.CLIPTextModel, transformers.CLIPTextModelWithProjection][:2 if xl else 1]
    suffixes = ["", "_2"][:len(kinds)]
    encoders = [part(kind, "text_encoder" + suffix, model) for kind, suffix in zip(kinds, suffixes)]
    tokenizers = [
        transformers.CLIPTokenizer.from_pretrained(ROOT / model / "model", subfolder="tokenizer" + suffix)
        for suffix in suffixes]
    groups = [(adapted(unet, UNET, "unet"), RATE)]
    for encoder, suffix in zip(encoders, suffixes):
        encoder.requires_grad_(False)
        if case["text"]:
            groups.append((adapted(encoder, TEXT, "text_encoder" + suffix), TEXT_RATE))
    factors = {key: value for group, _ in groups for key, value in group.items()}
    tensors = {f"before.{key}": value.detach().clone() for key, value in factors.items()}
    optimizer = torch.optim.AdamW(
        [dict(params=list(group.values()), lr=rate) for group, rate in groups], weight_decay=DECAY)

    numbers = numpy.random.default_rng(SEED)
    coarse = numbers.random((BATCH, 3, SIZE // 8, SIZE // 8), dtype=numpy.float32)
    images = torch.from_numpy((numpy.kron(coarse, numpy.ones((1, 1, 8, 8), numpy.float32)) * 255).astype(numpy.uint8))
    with torch.no_grad():
        posterior = vae.encode(images.float() / 127.5 - 1).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=torch.Generator().manual_seed(SEED))
        latents = (posterior.mean + posterior.std * noise) * vae.config.scaling_factor
    tensors |= {"images": images, "posterior": noise}

    losses = []
    for step in range(STEPS):
        generator = torch.Generator().manual_seed(SEED + step)
        timesteps = (torch.rand(BATCH, generator=generator) * 1000).long()
        noise = torch.randn(latents.shape, generator=generator)
        noisy = scheduler.add_noise(latents, noise, timesteps)
        velocity = scheduler.get_velocity(latents, noise, timesteps)
        context, added = encoded(tokenizers, encoders, xl)
        output = unet(noisy, timesteps, context, added_cond_kwargs=added or None).sample
        loss = torch.nn.functional.mse_loss(output, noise if case["prediction"] == "epsilon" else velocity)
        loss.backward()
        losses.append(loss.item())
        trained = [value for value in factors.values() if value.grad is not None]
        if step == 0:
            tensors |= {f"gradient.{key}": value.grad.clone() for key, value in factors.items() if value.grad is not None}
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    # What has no gradient, the last layer of SDXL's first text encoder, is not trained.
    for key, value in factors.items():
        if f"gradient.{key}" in tensors:
            tensors[f"after.{key}"] = value.detach().clone()
        else:
            del tensors[f"before.{key}"]
    return tensors, losses


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, case in CASES.items():
        tensors, losses = train(case)
        print(name, losses, sum(key.startswith("after") for key in tensors), "factors")
        save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / f"{name}.safetensors", metadata={
            "captions": json.dumps(CAPTIONS), "losses": json.dumps(losses), "model": case["model"],
            "prediction": case["prediction"], "seed": str(SEED), "rank": str(RANK), "alpha": str(ALPHA),
            "learning_rate": str(RATE), "text_learning_rate": str(TEXT_RATE), "weight_decay": str(DECAY), **VERSIONS})


main()
