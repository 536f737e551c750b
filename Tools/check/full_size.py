"""A Stable Diffusion 1.5 of full size with random weights, to measure time and memory: the published sizes, float16.

    .deps/oracle/bin/python Tools/check/full_size.py FOLDER      writes FOLDER in diffusers' layout

The tokenizer is CLIP's (Scripts/setup clip). Benchmarks/full-size draws with it, docs/models-of-others.md has the figures.
"""
import json
import pathlib
import sys

import diffusers
import torch
import transformers

VOCABULARY = pathlib.Path(__file__).resolve().parents[2] / ".deps/clip/bpe_simple_vocab_16e6.txt"


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


def write(folder):
    torch.manual_seed(0)
    tokenizer_files(folder / "tokenizer")
    tokenizer = transformers.CLIPTokenizer(
        str(folder / "tokenizer/vocab.json"), str(folder / "tokenizer/merges.txt"), model_max_length=77)
    text = transformers.CLIPTextModel(transformers.CLIPTextConfig(
        vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
        bos_token_id=49406, eos_token_id=49407, pad_token_id=49407))
    unet = diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    scheduler = diffusers.PNDMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, skip_prk_steps=True, set_alpha_to_one=False,
        steps_offset=1)
    diffusers.StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False).to(torch.float16).save_pretrained(folder)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
