"""Goldens of the samplers: full loops of diffusers' schedulers around a small analytic network.

Writes Tests/Golden/samplers.safetensors: the latent [cases, B, C, h, w] after half of the steps (`middle`) and after
all (`final`) from the schedulers' own code run in float64, after all as shipped in float32 (`shipped`), and in the
metadata the cases, one line of JSON each. Latents are variance preserving: schedulers that count in noise levels
hold them divided by alpha. Noise is not stored: picture k draws float32 from torch's generator with seed SEED + k.

Why float64: the cosine schedule ends at noise levels of 20,000, where float32 loses three digits or more, and its
first betas lose as many. `shipped` shows how much that is.
"""
import importlib
import json
import math
import pathlib

import diffusers
import numpy
import torch
from diffusers.utils.torch_utils import randn_tensor
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden"
SHAPE, SEED = (2, 2, 3, 4), 7
LEVELS = ("euler", "euler_a", "heun")
SCHEDULERS = {
    "ddpm": diffusers.DDPMScheduler,
    "ddim": diffusers.DDIMScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_a": diffusers.EulerAncestralDiscreteScheduler,
    "heun": diffusers.HeunDiscreteScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
    "dpmpp_2s": diffusers.DPMSolverSinglestepScheduler,
    "unipc": diffusers.UniPCMultistepScheduler,
}
SCHEDULES = {
    "squaredcos_cap_v2": {},
    "scaled_linear": dict(beta_start=0.00085, beta_end=0.012),
    "linear": dict(beta_start=0.0001, beta_end=0.02),
}


def network(x, t, prediction):
    """A smooth function of x and t that behaves like a network: nearly the noise when there is much of it."""
    angle = math.pi / 2 * (t + 1) / 1001
    c, s = math.cos(angle), math.sin(angle)
    noise = s * x + 0.3 * c * torch.tanh(x)
    clean = 0.8 * c * x + 0.2 * torch.tanh(x) + 0.1
    return {"epsilon": noise, "v_prediction": c * noise - s * clean, "sample": clean}[prediction]


class Wide:
    """A module in which float32 means float64."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, "float64" if name == "float32" else name)


def drawn_float32(shape, generator=None, device=None, dtype=None, layout=None):
    return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32).to(dtype)


def set_precision(scheduler_class, wide):
    """Runs a scheduler's own code with float64 tables and latents, but for the noise, or as shipped."""
    module = importlib.import_module(scheduler_class.__module__)
    module.torch = Wide(torch) if wide else torch
    module.np = Wide(numpy) if wide else numpy
    if hasattr(module, "randn_tensor"):
        module.randn_tensor = drawn_float32 if wide else randn_tensor


def run(case, wide):
    kind = case["sampler"]
    options = dict(
        beta_schedule=case["schedule"], prediction_type=case["prediction"], **SCHEDULES[case["schedule"]])
    if kind != "dpmpp_2s":
        options["timestep_spacing"] = "linspace" if case["spacing"] in ("karras", "exponential") else case["spacing"]
    if case["spacing"] == "karras":
        options["use_karras_sigmas"] = True
    if case["spacing"] == "exponential":
        options["use_exponential_sigmas"] = True
    if kind in ("ddpm", "ddim"):
        options.update(clip_sample=case["clamp"] > 0, clip_sample_range=max(case["clamp"], 1.0))
    if kind.startswith("dpmpp") and "lowest_lambda" in case:
        options["lambda_min_clipped"] = case["lowest_lambda"]
    set_precision(SCHEDULERS[kind], wide)
    dtype = torch.float64 if wide else torch.float32
    scheduler = SCHEDULERS[kind](**options)
    scheduler.set_timesteps(case["steps"])
    generators = [torch.Generator().manual_seed(SEED + k) for k in range(SHAPE[0])]
    noise = torch.cat([torch.randn((1,) + SHAPE[1:], generator=g) for g in generators]).to(dtype)

    extra = {}
    if kind == "ddim":
        extra = dict(eta=case["eta"], generator=generators, use_clipped_model_output=True)
    elif kind in ("ddpm", "euler_a"):
        extra = dict(generator=generators)
    start = case["start"]
    calls = list(scheduler.timesteps)
    if kind == "heun":  # two calls a step, but for the last
        calls = calls[2 * start:]
    else:
        calls = calls[start:]
    if start:  # image-to-image on a clean latent of 0.5
        clean = torch.full_like(noise, 0.5)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(2 * start - 1 if kind == "heun" else start)
            if kind == "heun":
                raise ValueError("Heun has no image-to-image golden: its first call would be a correction")
        if kind == "ddpm" or kind == "ddim":
            x = scheduler.add_noise(clean, noise, calls[0][None].long())
        else:
            x = scheduler.add_noise(clean, noise, calls[0][None])
    else:
        x = noise * scheduler.init_noise_sigma
    half = math.ceil((case["steps"] - start) / 2)
    middle, done = None, 0
    for index, t in enumerate(calls):
        asked = scheduler.scale_model_input(x, t)
        x = scheduler.step(network(asked, float(t), case["prediction"]), t, x, **extra).prev_sample
        done = index + 1 if kind != "heun" else index // 2 + 1
        if middle is None and done == half and (kind != "heun" or index % 2 == 1):
            sigma = scheduler.sigmas[scheduler.step_index].double() if kind in LEVELS else 0
            middle = x / (1 + sigma**2) ** 0.5
    return middle if middle is not None else x, x


def cases():
    def case(sampler, schedule, prediction, spacing, steps, **more):
        return dict(
            sampler=sampler, schedule=schedule, prediction=prediction, spacing=spacing, steps=steps,
            **{"eta": 0.0, "clamp": 0.0, "start": 0, **more})

    for sampler in SCHEDULERS:
        spacings = dict(
            ddpm=("leading", "trailing", "linspace"), ddim=("leading", "trailing"),
            euler_a=("leading", "trailing", "linspace"), dpmpp_2s=("linspace",),
        ).get(sampler, ("leading", "trailing", "linspace"))
        for schedule in ("squaredcos_cap_v2", "scaled_linear"):
            for prediction in ("epsilon", "v_prediction", "sample"):
                if sampler == "euler_a" and prediction == "sample":
                    continue  # not in diffusers
                for spacing in spacings:
                    if sampler == "heun" and schedule == "squaredcos_cap_v2" and spacing != "leading":
                        continue  # diverges: its first step averages slopes over noise levels of 20,000 and 2
                    for steps in (5, 10, 20):
                        yield case(sampler, schedule, prediction, spacing, steps)
    for sampler in ("euler", "heun", "dpmpp_2m", "dpmpp_2s", "unipc"):
        for spacing in ("karras",) if sampler in ("dpmpp_2s", "unipc", "dpmpp_2m") else ("karras", "exponential"):
            for prediction in ("epsilon", "v_prediction"):
                yield case(sampler, "scaled_linear", prediction, spacing, 10)
    for schedule in ("squaredcos_cap_v2", "scaled_linear", "linear"):
        for eta in (0.3, 1.0):
            yield case("ddim", schedule, "v_prediction", "trailing", 10, eta=eta)
        for prediction in ("epsilon", "v_prediction", "sample"):
            for steps in (250, 1000):
                yield case("ddpm", schedule, prediction, "leading", steps)
                yield case("ddpm", schedule, prediction, "leading", steps, clamp=1.0)
    for sampler in ("ddpm", "ddim"):
        yield case(sampler, "squaredcos_cap_v2", "epsilon", "trailing", 10, clamp=1.0)
    for spacing in ("trailing", "linspace", "leading"):
        yield case("dpmpp_2m", "squaredcos_cap_v2", "epsilon", spacing, 16, lowest_lambda=-5.1)
    yield case("dpmpp_2s", "squaredcos_cap_v2", "epsilon", "linspace", 16, lowest_lambda=-5.1)
    for sampler in ("ddpm", "ddim", "euler", "euler_a", "dpmpp_2m", "unipc"):
        for start in (3, 4):
            yield case(sampler, "squaredcos_cap_v2", "v_prediction", "trailing", 10, start=start)
    for start in (3, 4):
        yield case("dpmpp_2s", "squaredcos_cap_v2", "v_prediction", "linspace", 10, start=start)


def main():
    middles, finals, shipped, lines = [], [], [], []
    for case in cases():
        middle, final = run(case, wide=True)
        assert final.dtype == torch.float64 and torch.isfinite(middle).all() and torch.isfinite(final).all(), case
        middles.append(middle)
        finals.append(final)
        shipped.append(run(case, wide=False)[1])
        assert shipped[-1].dtype == torch.float32, case
        lines.append(json.dumps(case))
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "seed": str(SEED)}
    tensors = {"middle": middles, "final": finals, "shipped": shipped}
    save_file(
        {name: torch.stack(values).float() for name, values in tensors.items()},
        ROOT / "samplers.safetensors", metadata={**versions, "cases": "\n".join(lines)})
    loss = (torch.stack(finals) - torch.stack(shipped)).flatten(1).abs().max(1).values
    print(len(lines), "cases, values up to", torch.stack(finals).abs().max().item())
    for kind in SCHEDULERS:
        chosen = loss[[json.loads(line)["sampler"] == kind for line in lines]]
        print(f"{kind}: float32 as shipped is off by up to {chosen.max():.1e}; by over 5e-5 in "
              f"{(chosen > 5e-5).sum()} of {len(chosen)}")


main()
