"""One image of a Stable Diffusion model by another program, as a whole process: full_size_peer.py KIND FOLDER STEPS THREADS PNG."""
import sys


def diffusers(folder, steps, threads, file, dtype):
    import torch
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    torch.set_num_threads(threads)
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator("cpu").manual_seed(42)
    pipeline("a red apple", num_inference_steps=steps, guidance_scale=7.5, generator=generator).images[0].save(file)


def sdcpp(folder, steps, threads, file, flash):
    from stable_diffusion_cpp import StableDiffusion

    model = StableDiffusion(
        model_path=folder, n_threads=threads, rng_type="cpu", diffusion_flash_attn=flash, vae_decode_only=True, verbose=False)
    model.generate_image(
        prompt="a red apple", sample_steps=steps, cfg_scale=7.5, sample_method="dpm++2m", seed=42, width=512,
        height=512)[0].save(file)


kind, folder, steps, threads, file = sys.argv[1:]
if kind.startswith("diffusers"):
    diffusers(folder, int(steps), int(threads), file, "bfloat16" if kind.endswith("bfloat16") else "float32")
else:
    sdcpp(folder, int(steps), int(threads), file, kind.endswith("flash"))
