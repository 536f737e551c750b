"""Goldens of the schedules of other programs: whole loops of diffusers' schedulers, from the files they write.

Writes Tests/Golden/schedules.safetensors: x after all steps, `final` [cases, B, C, h, w] in float32, and in the metadata
the cases, one line of JSON each: the sampler, the number of steps, the text of scheduler_config.json and the timesteps.
The schedulers' own code runs in float64, as in samplers.py; x is variance preserving, so that schedulers which count in
noise levels hold it divided by alpha. Noise is not stored: picture k draws float32 from torch's generator with seed
SEED + k. Of PNDM only the timesteps are compared, each once, without those that its first steps visit twice.
"""
import importlib
import json
import math
import pathlib
import tempfile

import diffusers
import numpy
import torch
from diffusers.utils.torch_utils import randn_tensor
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
SHAPE, SEED = (2, 2, 2, 3), 11
STABLE = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
SCHEDULERS = {
    "pndm": diffusers.PNDMScheduler,
    "ddim": diffusers.DDIMScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_a": diffusers.EulerAncestralDiscreteScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
    "unipc": diffusers.UniPCMultistepScheduler,
    "lcm": diffusers.LCMScheduler,
}


def network(x, t, prediction):
    """A smooth function of x and t that behaves like a network: nearly the noise when there is much of it."""
    angle = math.pi / 2 * (t + 1) / 1001
    c, s = math.cos(angle), math.sin(angle)
    noise = s * x + 0.3 * c * torch.tanh(x)
    clean = 0.8 * c * x + 0.2 * torch.tanh(x) + 0.1
    return {"epsilon": noise, "v_prediction": c * noise - s * clean}[prediction]


class Wide:
    """A module in which float32 means float64."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, "float64" if name == "float32" else name)


def drawn_float32(shape, generator=None, device=None, dtype=None, layout=None):
    return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32).to(dtype)


def run(sampler, steps, options):
    scheduler_class = SCHEDULERS[sampler]
    module = importlib.import_module(scheduler_class.__module__)
    module.torch, module.np = Wide(torch), Wide(numpy)
    module.randn_tensor = drawn_float32
    scheduler = scheduler_class(**{**STABLE, **options})
    with tempfile.TemporaryDirectory() as folder:
        scheduler.save_config(folder)
        text = pathlib.Path(folder, "scheduler_config.json").read_text()
    scheduler.set_timesteps(steps)
    times = [float(t) for t in scheduler.timesteps]
    case = dict(sampler=sampler, steps=steps, file=text, times=times)
    if sampler == "pndm":
        case.update(sampler="ddim", times=sorted(set(times), reverse=True), times_only=True)
        return case, torch.zeros(SHAPE, dtype=torch.float64)
    generators = [torch.Generator().manual_seed(SEED + k) for k in range(SHAPE[0])]
    noise = torch.cat([torch.randn((1,) + SHAPE[1:], generator=g) for g in generators]).double()
    extra = dict(generator=generators) if sampler in ("euler_a", "lcm") else {}
    if sampler == "ddim":
        extra = dict(use_clipped_model_output=True)
    x = noise * scheduler.init_noise_sigma
    prediction = scheduler.config.prediction_type
    for t in scheduler.timesteps:
        asked = scheduler.scale_model_input(x, t)
        x = scheduler.step(network(asked, float(t), prediction), t, x, **extra).prev_sample
    if sampler == "euler":
        x = x / (1 + scheduler.sigmas[-1].double() ** 2) ** 0.5
    # DDIM's own step is one of T // n timesteps, which are those of its grid only where n divides T.
    if sampler == "ddim" and (options["timestep_spacing"] == "linspace" or 1000 % steps):
        case["times_only"] = True
    return case, x


def cases():
    for spacing in ("leading", "trailing", "linspace"):
        for offset in (0, 1):
            yield "pndm", 20, dict(timestep_spacing=spacing, steps_offset=offset, skip_prk_steps=True)
            for prediction in ("epsilon", "v_prediction"):
                for sampler in ("ddim", "euler", "euler_a", "dpmpp_2m", "unipc"):
                    options = dict(timestep_spacing=spacing, steps_offset=offset, prediction_type=prediction)
                    if sampler == "ddim":
                        options.update(clip_sample=False, set_alpha_to_one=offset == 0)
                    yield sampler, 10, options
    for sampler in ("ddim", "euler", "euler_a", "dpmpp_2m", "unipc"):
        more = dict(clip_sample=False, set_alpha_to_one=False) if sampler == "ddim" else {}
        zero = dict(prediction_type="v_prediction", rescale_betas_zero_snr=True, **more)
        for spacing in ("leading", "trailing"):
            yield sampler, 10, dict(timestep_spacing=spacing, steps_offset=1, **zero)
        yield sampler, 1, dict(timestep_spacing="trailing", **more)
        yield sampler, 30, dict(timestep_spacing="leading", steps_offset=1, **more)
    yield "ddim", 10, dict(timestep_spacing="leading", steps_offset=1, clip_sample=True, clip_sample_range=0.7)
    yield "euler", 10, dict(
        timestep_spacing="linspace", prediction_type="v_prediction", rescale_betas_zero_snr=True)
    yield "euler", 10, dict(timestep_spacing="leading", steps_offset=1, final_sigmas_type="sigma_min")
    for steps in (10, 20):
        for prediction in ("epsilon", "v_prediction"):
            for sampler in ("dpmpp_2m", "unipc"):
                yield sampler, steps, dict(use_karras_sigmas=True, prediction_type=prediction)
        for sampler in ("dpmpp_2m", "unipc"):
            yield sampler, steps, dict(
                timestep_spacing="leading", steps_offset=1, final_sigmas_type="sigma_min")
    yield "euler", 10, dict(use_karras_sigmas=True)
    yield "ddim", 10, dict(
        trained_betas=[0.001 + 0.00001 * t for t in range(1000)], timestep_spacing="trailing", clip_sample=False)
    for steps in (1, 2, 4, 8, 50):
        for prediction in ("epsilon", "v_prediction"):
            yield "lcm", steps, dict(set_alpha_to_one=False, steps_offset=1, prediction_type=prediction)
    yield "lcm", 4, dict(original_inference_steps=100)
    yield "lcm", 1000, dict(original_inference_steps=1000)  # down to timestep 0, where the boundary scalings show
    yield "lcm", 4, dict(clip_sample=True, clip_sample_range=0.5)
    yield "lcm", 4, dict(prediction_type="v_prediction", rescale_betas_zero_snr=True)


def main():
    finals, lines = [], []
    for sampler, steps, options in cases():
        case, final = run(sampler, steps, options)
        assert final.dtype == torch.float64 and torch.isfinite(final).all(), case
        finals.append(final)
        lines.append(json.dumps(case))
    save_file(
        {"final": torch.stack(finals).float()}, ROOT / "schedules.safetensors",
        metadata={
            "diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(SEED),
            "cases": "\n".join(lines)})
    print(len(lines), "cases, values up to", torch.stack(finals).abs().max().item())


main()
