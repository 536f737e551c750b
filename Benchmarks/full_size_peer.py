"""One image of a Stable Diffusion model by another program, as a whole process.

    full_size_peer.py KIND FOLDER STEPS SIZE THREADS PNG
"""
import sys


def diffusers(folder, steps, size, threads, file, dtype):
    import torch
    from diffusers import DiffusionPipeline, DPMSolverMultistepScheduler

    torch.set_num_threads(threads)
    pipeline = DiffusionPipeline.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(42)
    pipeline(
        "a red apple", num_inference_steps=steps, height=size, width=size, guidance_scale=7.5, generator=generator
    ).images[0].save(file)


def sdcpp(folder, steps, size, threads, file, flash):
    from stable_diffusion_cpp import StableDiffusion

    model = StableDiffusion(
        model_path=folder, n_threads=threads, rng_type="cpu", diffusion_flash_attn=flash, vae_decode_only=True, verbose=False)
    model.generate_image(
        prompt="a red apple", sample_steps=steps, cfg_scale=7.5, sample_method="dpm++2m", seed=42, width=size,
        height=size)[0].save(file)


kind, folder, steps, size, threads, file = sys.argv[1:]
steps, size, threads = int(steps), int(size), int(threads)
if kind.startswith("diffusers"):
    diffusers(folder, steps, size, threads, file, "bfloat16" if kind.endswith("bfloat16") else "float32")
else:
    sdcpp(folder, steps, size, threads, file, kind.endswith("flash"))
