"""Goldens of the text encoder: every hidden state of MiniLM-L6-v2 in transformers for a padded batch.

Reads .deps/minilm; writes Tests/Golden/text_encoder.safetensors. States are kept for every third channel, which is
enough to see any error and a third of the size.
"""
import pathlib

import torch
import transformers
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = [
    "a red apple on a blue background",
    "two penguins to the left of a guitar, at night",
    "",
]


def main():
    tokenizer = transformers.AutoTokenizer.from_pretrained(ROOT / ".deps" / "minilm")
    model = transformers.BertModel.from_pretrained(ROOT / ".deps" / "minilm", attn_implementation="eager").eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**batch, output_hidden_states=True).hidden_states
    tensors = {"ids": batch["input_ids"], "mask": batch["attention_mask"].float()}
    for index, state in enumerate(states):
        tensors[f"state.{index}"] = state[:, :, ::3].contiguous()
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    save_file(tensors, ROOT / "Tests" / "Golden" / "text_encoder.safetensors", metadata=versions)


main()
