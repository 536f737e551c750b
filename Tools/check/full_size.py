"""A Stable Diffusion of full size with random weights, to measure time and memory: the published sizes, float16.

    .deps/bench/bin/python Tools/check/full_size.py FOLDER                 Stable Diffusion 1.5, 2.1 GB
    .deps/bench/bin/python Tools/check/full_size.py FOLDER --family xl     Stable Diffusion XL, 6.9 GB

Writes FOLDER in diffusers' layout, with one tensor in memory at a time. Matrices and kernels have the distribution of new layers.
The tokenizer is CLIP's (Scripts/setup clip). Benchmarks/full-size draws with it, docs/models-of-others.md has the figures.
"""
import argparse
import json
import math
import pathlib

import diffusers
import torch
import transformers

VOCABULARY = pathlib.Path(__file__).resolve().parents[2] / ".deps/clip/bpe_simple_vocab_16e6.txt"
CLIP_IDS = dict(vocab_size=49408, bos_token_id=49406, eos_token_id=49407)
VAE = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
NOISE = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1)


def tokenizer_files(folder):
    """vocab.json and merges.txt from open_clip's list."""
    merges = VOCABULARY.read_text(encoding="utf-8").split("\n")[1:49152 - 256 - 2 + 1]
    pieces = list(bytes_to_unicode().values())
    pieces += [piece + "</w>" for piece in pieces] + ["".join(line.split()) for line in merges]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")


def bytes_to_unicode():
    """A letter for each byte, in CLIP's order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + index) for index, byte in enumerate(others)}


def write_tokenizer(folder, **options):
    tokenizer_files(folder)
    transformers.CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77, **options).save_pretrained(folder)
    return ["transformers", "CLIPTokenizer"]


def clip(width, inner, layers, heads, activation, **options):
    return transformers.CLIPTextConfig(
        hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
        hidden_act=activation, **CLIP_IDS, **options)


def write_network(folder, make):
    """Configuration and random weights of the network that `make` gives, which never has any itself."""
    with torch.device("meta"):
        network = make()
    folder.mkdir(parents=True, exist_ok=True)
    is_text = isinstance(network, transformers.PreTrainedModel)
    if is_text:
        network.config.architectures = [type(network).__name__]
        network.config.save_pretrained(folder)
    else:
        network.save_config(folder)
    write_weights(network.state_dict(), folder / ("model.safetensors" if is_text else "diffusion_pytorch_model.safetensors"))
    return ["transformers" if is_text else "diffusers", type(network).__name__]


def write_weights(state, file):
    """A safetensors file of random values in the shapes of `state`, written tensor by tensor."""
    generator = torch.Generator().manual_seed(0)
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in state.items():
        end = offset + 2 * tensor.numel()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as output:
        output.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in state.items():
            layer = state.get(name.removesuffix(".bias") + ".weight", tensor)
            if layer.dim() < 2:  # a norm
                values = torch.full(tensor.shape, float(name.endswith("weight")))
            elif "embedding" in name and "time" not in name and "add_" not in name:
                values = torch.empty(tensor.shape).normal_(std=0.02, generator=generator)
            else:
                bound = 1 / math.sqrt(layer[0].numel())
                values = torch.empty(tensor.shape).uniform_(-bound, bound, generator=generator)
            values.to(torch.float16).numpy().tofile(output)


def write_15(folder):
    parts = {"tokenizer": write_tokenizer(folder / "tokenizer")}
    parts["text_encoder"] = write_network(
        folder / "text_encoder",
        lambda: transformers.CLIPTextModel(clip(768, 3072, 12, 12, "quick_gelu", pad_token_id=49407)))
    parts["unet"] = write_network(
        folder / "unet",
        lambda: diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8))
    parts["vae"] = write_network(folder / "vae", lambda: diffusers.AutoencoderKL(sample_size=512, **VAE))
    diffusers.PNDMScheduler(skip_prk_steps=True, set_alpha_to_one=False, **NOISE).save_pretrained(folder / "scheduler")
    return parts | {
        "_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "PNDMScheduler"],
        "safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}


def write_xl(folder):
    parts = {"tokenizer": write_tokenizer(folder / "tokenizer")}
    parts["tokenizer_2"] = write_tokenizer(folder / "tokenizer_2", pad_token="!")
    parts["text_encoder"] = write_network(
        folder / "text_encoder",
        lambda: transformers.CLIPTextModel(clip(768, 3072, 12, 12, "quick_gelu", pad_token_id=49407)))
    parts["text_encoder_2"] = write_network(
        folder / "text_encoder_2",
        lambda: transformers.CLIPTextModelWithProjection(
            clip(1280, 5120, 32, 20, "gelu", pad_token_id=0, projection_dim=1280)))
    parts["unet"] = write_network(
        folder / "unet",
        lambda: diffusers.UNet2DConditionModel(
            sample_size=128, block_out_channels=(320, 640, 1280), transformer_layers_per_block=(1, 2, 10),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=2048,
            attention_head_dim=(5, 10, 20), use_linear_projection=True, addition_embed_type="text_time",
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816))
    parts["vae"] = write_network(
        folder / "vae", lambda: diffusers.AutoencoderKL(sample_size=1024, scaling_factor=0.13025, **VAE))
    diffusers.EulerDiscreteScheduler(timestep_spacing="leading", **NOISE).save_pretrained(folder / "scheduler")
    return parts | {
        "_class_name": "StableDiffusionXLPipeline", "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "force_zeros_for_empty_prompt": True, "feature_extractor": [None, None], "image_encoder": [None, None]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--family", choices=["1.5", "xl"], default="1.5")
    options = parser.parse_args()
    torch.set_num_threads(1)
    index = (write_xl if options.family == "xl" else write_15)(options.folder)
    index["_diffusers_version"] = diffusers.__version__
    (options.folder / "model_index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
