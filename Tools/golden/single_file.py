"""Goldens of single files: small random Stable Diffusion models in the original ("ldm") layout.

Writes Tests/Golden/single_file/{sd1,sd2,sdxl}.safetensors in float16, with the original names, and sd1.json … beside them:
per part the configuration of diffusers or transformers, every key with its shape and a fingerprint of its values, and
the input and output of the U-Net. The names are made here from those of diffusers; that they are the original ones
is shown by diffusers' own conversion, which must give the same weights back.
"""
import json
import pathlib
import re

import diffusers
import torch
import transformers
from diffusers.loaders import single_file_utils
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "single_file"
CROSS_DOWN, PLAIN_DOWN = "CrossAttnDownBlock2D", "DownBlock2D"
CROSS_UP, PLAIN_UP = "CrossAttnUpBlock2D", "UpBlock2D"
SIMPLE_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
TIMES = {"linear_1": "0", "linear_2": "2"}
OPEN_CLIP = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj"}


def unet_to_ldm(unet):
    layers = unet.config.layers_per_block
    attends = [name == CROSS_UP for name in unet.config.up_block_types]
    result = {}
    for key, value in unet.state_dict().items():
        block = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", key)
        middle = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", key)
        embedding = re.fullmatch(r"(time|add)_embedding\.(linear_\d)\.(.*)", key)

        def inner(kind, rest):
            if kind != "resnets":
                return rest
            name, end = rest.rsplit(".", 1)
            return f"{SIMPLE_RESNET[name]}.{end}"

        if block:
            way, level, kind, index, rest = block.groups()
            level, index = int(level), int(index)
            if way == "down":
                first = 1 + level * (layers + 1)
                name = {
                    "resnets": f"input_blocks.{first + index}.0.{inner(kind, rest)}",
                    "attentions": f"input_blocks.{first + index}.1.{rest}",
                    "downsamplers": f"input_blocks.{first + layers}.0.{rest.replace('conv', 'op')}"}[kind]
            else:
                first = level * (layers + 1)
                name = {
                    "resnets": f"output_blocks.{first + index}.0.{inner(kind, rest)}",
                    "attentions": f"output_blocks.{first + index}.1.{rest}",
                    "upsamplers": f"output_blocks.{first + layers}.{2 if attends[level] else 1}.{rest}"}[kind]
        elif middle:
            kind, index, rest = middle.groups()
            name = "middle_block.1." + rest if kind == "attentions" else f"middle_block.{2 * int(index)}.{inner(kind, rest)}"
        elif embedding:
            kind, layer, end = embedding.groups()
            name = f"{'time_embed' if kind == 'time' else 'label_emb.0'}.{TIMES[layer]}.{end}"
        else:
            name = key.replace("conv_in", "input_blocks.0.0").replace("conv_norm_out", "out.0").replace("conv_out", "out.2")
        result["model.diffusion_model." + name] = value
    return result


def vae_to_ldm(vae):
    levels = len(vae.config.block_out_channels)
    result = {}
    for key, value in vae.state_dict().items():
        name = re.sub(r"down_blocks\.(\d+)\.resnets\.(\d+)", r"down.\1.block.\2", key)
        name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(
            r"up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}", name)
        name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
        name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
        if "mid_block.attentions.0" in name:
            for new, old in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
                name = name.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{old}.")
            if value.dim() == 2:
                value = value[:, :, None, None]
        result["first_stage_model." + name] = value
    return result


def clip_to_ldm(text, prefix):
    result = {}
    for key, value in text.state_dict().items():
        name = key if key.startswith("text_model.") else "text_model." + key
        result[prefix + name] = value
    result[prefix + "text_model.embeddings.position_ids"] = torch.arange(77).unsqueeze(0)
    return result


def plain(text):
    """The weights under names with the prefix that all versions of transformers read."""
    state = text.state_dict()
    return {
        key if key.startswith(("text_model.", "text_projection")) else "text_model." + key: value
        for key, value in state.items()}


def open_clip_to_ldm(text, prefix, more_layers):
    state, result = plain(text), {}
    layers = text.config.num_hidden_layers
    for index in range(layers + more_layers):  # what is left out by transformers repeats the first layer
        source = f"text_model.encoder.layers.{index % layers}."
        target = f"transformer.resblocks.{index}."
        for new, old in OPEN_CLIP.items():
            for end in ("weight", "bias"):
                result[f"{target}{old}.{end}"] = state[f"{source}{new}.{end}"].clone()
        for end in ("weight", "bias"):
            result[f"{target}attn.in_proj_{end}"] = torch.cat(
                [state[f"{source}self_attn.{name}_proj.{end}"] for name in "qkv"])
    result["token_embedding.weight"] = state["text_model.embeddings.token_embedding.weight"]
    result["positional_embedding"] = state["text_model.embeddings.position_embedding.weight"]
    for end in ("weight", "bias"):
        result[f"ln_final.{end}"] = state[f"text_model.final_layer_norm.{end}"]
    projection = state.get("text_projection.weight")
    width = text.config.hidden_size
    result["text_projection"] = torch.randn(width, width) if projection is None else projection.T
    result["logit_scale"] = torch.tensor(4.6)
    return {prefix + name: value for name, value in result.items()}


def fingerprint(value):
    """A number that another order of the values changes."""
    flat = value.double().flatten()
    return float((flat * torch.sin(torch.arange(1, flat.numel() + 1, dtype=torch.float64))).sum())


def described(state, config):
    return {"config": config, "keys": {key: [list(v.shape), fingerprint(v)] for key, v in state.items()}}


def shaken(model):
    with torch.no_grad():
        for parameter in model.parameters():  # norms too: nothing may hide behind a one or a zero
            parameter.add_(0.15 * torch.randn_like(parameter))
    return model.half().float().eval()


def text_config(vocabulary, layers, activation, width=16, projection=None):
    return transformers.CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
        num_attention_heads=width // 4, max_position_embeddings=77, hidden_act=activation,
        projection_dim=projection or width)


def expect_same(mine, theirs, what):
    assert set(mine) == set(theirs), (what, set(mine) ^ set(theirs))
    for key in mine:
        assert mine[key].shape == theirs[key].shape and torch.equal(mine[key], theirs[key]), (what, key)


def write(name, seed, unet_options, texts):
    torch.manual_seed(seed)
    unet = shaken(diffusers.UNet2DConditionModel(
        in_channels=4, out_channels=4, norm_num_groups=4, layers_per_block=1, **unet_options))
    vae = shaken(diffusers.AutoencoderKL(
        block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, layers_per_block=1, latent_channels=4, norm_num_groups=4))
    ldm = {**unet_to_ldm(unet), **vae_to_ldm(vae)}
    parts = {
        "unet": described(unet.state_dict(), json.loads(unet.to_json_string())),
        "vae": described(vae.state_dict(), json.loads(vae.to_json_string()))}
    for index, (kind, model, prefix, more) in enumerate(texts):
        text = shaken(model)
        if kind == "clip":
            ldm.update(clip_to_ldm(text, prefix))
        else:
            ldm.update(open_clip_to_ldm(text, prefix, more))
        config = json.loads(text.config.to_json_string(use_diff=False))
        config["architectures"] = [type(text).__name__]
        parts[f"text_encoder{'' if index == 0 else '_2'}"] = described(plain(text), config)
        if kind == "open_clip" and not more:
            converted = single_file_utils.convert_open_clip_checkpoint(text, dict(ldm), prefix=prefix)
            expect_same(plain(text), {k: v for k, v in converted.items() if "position_ids" not in k}, prefix)
    expect_same(
        unet.state_dict(), single_file_utils.convert_ldm_unet_checkpoint(dict(ldm), unet.config), "U-Net")
    expect_same(vae.state_dict(), single_file_utils.convert_ldm_vae_checkpoint(dict(ldm), vae.config), "VAE")

    inputs = {
        "sample": torch.randn(2, 4, 8, 8), "timesteps": torch.tensor([3.0, 871.0]),
        "context": torch.randn(2, 5, unet.config.cross_attention_dim)}
    extra = {}
    if unet.config.addition_embed_type:
        width = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
        inputs["pooled"] = torch.randn(2, width)
        inputs["time_ids"] = torch.tensor([[1024.0, 768.0, 0.0, 13.0, 512.0, 640.0]] * 2)
        extra["added_cond_kwargs"] = {"text_embeds": inputs["pooled"], "time_ids": inputs["time_ids"]}
    with torch.no_grad():
        output = unet(inputs["sample"], inputs["timesteps"], inputs["context"], **extra).sample
    # What training leaves in such files, and is not used.
    ldm["model_ema.decay"] = torch.tensor(0.9999)
    ldm["model_ema.diffusion_modelout2bias"] = torch.zeros(4)
    ldm["betas"] = torch.zeros(10)
    stored = {
        key: (value.half() if value.is_floating_point() else value).contiguous() for key, value in ldm.items()}
    versions = {
        "diffusers": diffusers.__version__, "transformers": transformers.__version__, "torch": torch.__version__,
        "seed": str(seed)}
    save_file(stored, ROOT / f"{name}.safetensors", metadata=versions)
    save_file({**inputs, "output": output}, ROOT / f"{name}-case.safetensors", metadata=versions)
    (ROOT / f"{name}.json").write_text(json.dumps(parts, separators=(",", ":")) + "\n")
    print(name, sum(v.numel() for v in stored.values()), "numbers, output std", round(output.std().item(), 3))


def main():
    ROOT.mkdir(exist_ok=True)
    three = dict(
        down_block_types=(CROSS_DOWN, CROSS_DOWN, PLAIN_DOWN), up_block_types=(PLAIN_UP, CROSS_UP, CROSS_UP),
        block_out_channels=(8, 8, 8))
    plain_text, projected = transformers.CLIPTextModel, transformers.CLIPTextModelWithProjection
    write("sd1", 1, dict(attention_head_dim=8, cross_attention_dim=16, **three), [
        ("clip", plain_text(text_config(60, 2, "quick_gelu")), "cond_stage_model.transformer.", 0)])
    write("sd2", 2, dict(attention_head_dim=(2, 2, 2), use_linear_projection=True, cross_attention_dim=16, **three), [
        ("open_clip", plain_text(text_config(60, 2, "gelu")), "cond_stage_model.model.", 1)])
    write(
        "sdxl", 3, dict(
            down_block_types=(PLAIN_DOWN, CROSS_DOWN, CROSS_DOWN), up_block_types=(CROSS_UP, CROSS_UP, PLAIN_UP),
            block_out_channels=(4, 8, 8), attention_head_dim=(1, 2, 2), transformer_layers_per_block=(1, 2, 3),
            use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
            cross_attention_dim=36, projection_class_embeddings_input_dim=6 * 8 + 20),
        [("clip", plain_text(text_config(60, 2, "quick_gelu")), "conditioner.embedders.0.transformer.", 0),
         ("open_clip", projected(text_config(60, 2, "gelu", width=20, projection=20)), "conditioner.embedders.1.model.", 0)])


if __name__ == "__main__":
    main()
