"""Goldens of CLIP's text model: small random models of transformers, saved by transformers, with inputs and outputs.

Writes Tests/Golden/clip/NAME/{config.json, model.safetensors, case.safetensors}. "prefixed" files
have the keys and position ids of transformers before 5.6, "flat" ones those that 5.6 and later write; both are read
back by transformers itself.
"""
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "clip"
SMALL = dict(vocab_size=60, max_position_embeddings=11, pad_token_id=1, bos_token_id=58)

# name: (class, configuration, keys in the file: "flat" or "prefixed", dtype of the file)
CASES = {
    "quick-gelu": ("CLIPTextModel", dict(
        hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3, hidden_act="quick_gelu",
        projection_dim=12, eos_token_id=2), "prefixed", torch.float32),
    "gelu-projected": ("CLIPTextModelWithProjection", dict(
        hidden_size=16, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4, hidden_act="gelu",
        projection_dim=10, eos_token_id=40), "prefixed", torch.float32),
    "flat": ("CLIPTextModel", dict(
        hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, hidden_act="gelu",
        layer_norm_eps=1e-3, eos_token_id=40), "flat", torch.float32),
    "half": ("CLIPTextModelWithProjection", dict(
        hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, hidden_act="quick_gelu",
        projection_dim=6, eos_token_id=2), "prefixed", torch.float16),
}
# Where END is given by name it is not the largest id, so that the two rules of pooling differ.
START, END = 58, -1
IDS = torch.tensor([
    [START, 4, 2, 17, 33, END, END, END, END, END, END],
    [START, END, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [START, 9, 12, 2, 2, 41, 51, 3, 22, 8, END],
])


def renamed(tensors, layout, positions):
    bare = {key.removeprefix("text_model."): value for key, value in tensors.items()}
    if layout == "flat":
        return bare
    out = {key if key.startswith("text_projection") else f"text_model.{key}": value for key, value in bare.items()}
    out["text_model.embeddings.position_ids"] = torch.arange(positions).unsqueeze(0)
    return out


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for seed, (name, (kind, options, layout, dtype)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        config = transformers.CLIPTextConfig(**SMALL, **options)
        model = getattr(transformers, kind)(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # norms too: nothing may hide behind a one or a zero
                parameter.add_(0.3 * torch.randn_like(parameter))
        folder = ROOT / name
        model.to(dtype).save_pretrained(folder)
        saved = load_file(folder / "model.safetensors")
        print(name, "transformers writes", next(iter(saved)))
        save_file(
            renamed(saved, layout, 11), folder / "model.safetensors", metadata={"format": "pt"})
        written = {key: value.float() for key, value in model.state_dict().items()}
        model = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32).eval()
        for key, value in model.state_dict().items():  # transformers would only warn about a key it does not find
            assert torch.equal(value, written[key]), f"{name}: {key} was not read"
        ids = torch.where(IDS == END, 59 if config.eos_token_id == 2 else config.eos_token_id, IDS)
        with torch.no_grad():
            output = model(ids, output_hidden_states=True)
        tensors = {"ids": ids, "last": output.last_hidden_state}
        tensors["pooled"] = output.text_embeds if "text_embeds" in output else output.pooler_output
        norm = getattr(model, "text_model", model).final_layer_norm
        for index, state in enumerate(output.hidden_states):
            tensors[f"state.{index}"] = state.contiguous()
        for skip in range(config.num_hidden_layers + 1):
            with torch.no_grad():
                tensors[f"skip.{skip}"] = norm(output.hidden_states[-(skip + 1)])
        versions = {"transformers": transformers.__version__, "torch": torch.__version__, "seed": str(seed)}
        save_file(tensors, folder / "case.safetensors", metadata=versions)
        print(name, sum(p.numel() for p in model.parameters()), "parameters, keys", layout, "architectures",
              json.loads((folder / "config.json").read_text())["architectures"])


main()
