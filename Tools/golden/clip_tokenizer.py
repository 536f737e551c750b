"""Ids of transformers' CLIPTokenizer on 10,000 texts of every kind and on every code point, with two vocabularies.

Reads .deps/clip (`Scripts/setup clip`) and .deps/minilm, whose words the toy vocabulary of 300 merges is trained on.
Writes Tests/Golden/clip_tokenizer: the toy as vocab.json and merges.txt, in a folder for each kind of padding, and
texts.safetensors with

* the texts' bytes one after the other with their lengths;
* NAME.digests: the first four bytes of the SHA-256 of each text's ids (decimal, with a space between) for the
  vocabularies "real", "toy" and "exclamation", the toy that pads with "!";
* NAME.ids of the first texts, those that are written out below, with their lengths;
* NAME.blocks: a SHA-256 for each block of 4096 code points over the ids of "a", the code point and "b".
"""
import hashlib
import json
import pathlib
import random
import shutil
import unicodedata

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from transformers import CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "Tests" / "Golden" / "clip_tokenizer"
START, END = "<|startoftext|>", "<|endoftext|>"
SEED = 21
COUNT = 10_000
BLOCK = 4096
BLOCKS = list(range(0, 0x30000 // BLOCK)) + [0xE0000 // BLOCK]


def alphabet():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(byte) for byte in printable] + [chr(0x100 + index) for index in range(256 - len(printable))]


def vocabulary(merges):
    pieces = alphabet() + [piece + "</w>" for piece in alphabet()] + ["".join(pair) for pair in merges] + [START, END]
    assert len(set(pieces)) == len(pieces)
    return {piece: index for index, piece in enumerate(pieces)}


def real_merges():
    lines = (ROOT / ".deps/clip/bpe_simple_vocab_16e6.txt").read_text(encoding="utf-8").split("\n")
    return [tuple(line.split()) for line in lines[1:49152 - 256 - 2 + 1]]


def toy_merges():
    words = (ROOT / ".deps/minilm/vocab.txt").read_text(encoding="utf-8").split("\n")
    model = tokenizers.Tokenizer(tokenizers.models.BPE(end_of_word_suffix="</w>"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=10_000, initial_alphabet=alphabet(), end_of_word_suffix="</w>", show_progress=False,
        min_frequency=1)
    model.train_from_iterator([word for word in words if not word.startswith(("##", "["))], trainer)
    merges = [tuple(pair) for pair in json.loads(model.to_str())["model"]["merges"]]
    return merges[:300]


SCRIPTS = [
    (0x20, 0x7F), (0xA0, 0x180), (0x180, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x590, 0x600),
    (0x600, 0x700), (0x900, 0x980), (0x980, 0xA00), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2000),
    (0x2000, 0x2070), (0x2070, 0x20D0), (0x2100, 0x2600), (0x2600, 0x27C0), (0x3000, 0x3100), (0x3100, 0x3400),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0xFB00, 0xFE00), (0xFE00, 0xFE10), (0xFF00, 0xFFF0),
    (0x10000, 0x10400), (0x1D400, 0x1D800), (0x1F300, 0x1FA00), (0x20000, 0x20100), (0x0, 0x20), (0x7F, 0xA0),
]
FIXED = [
    "", " ", "\t\n", "a", "!", "a photo of a cat!", "A red APPLE, on a blue background.", "don't", "it's 5 o'clock!",
    "I'LL we've you're he'd I'm can't 'tis '' 's' !'s", "U.S.A.", "1024x768", "4k, 8k; 50mm f/1.8", "(word:1.2)",
    "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "<|STARTOFTEXT|>!", "!<|EndOfText|>?", "< |endoftext| >",
    "<|endoftext", "a" * 100, "a" * 2000, "é" * 300, "e\u0301" * 99, "supercalifragilisticexpialidocious" * 9,
    "x!" * 200, "naïve café", "Ångström \u212b \u212a", "ẞ ß ſ", "İstanbul IĞDIR", "ΑΣ ΣΑΣ", "ﬁ ﬂ", "①②③ ½ Ⅷ ٣",
    "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽!!", "☃ snow☃man", "日本語 テキスト、です。", "ハ\u3099 か\u3099", "한국어", "\u1112\u1161\u11ab\u1100",
    "مرحبا", "שלום", "हिन्दी", "ไทย", "a\u200bb", "a\u00adb", "a\ufeffb", "\u202eabc", "a\u0323\u0307 a\u0307\u0323",
    "x\x00y", "x\x7fy", "tab\tnew\nline\rend\r\n", "a\x1cb\x85c\u2028d\u3000e\u180ef", "100%", "a_b-c/d\\e", "«quote»",
    "“q” ‘s’ it’s", "…", "¿qué?", "a,b,c, trending on artstation", "  spaces   between  ", "\u0301accent first",
]


def texts(words):
    rng = random.Random(SEED)
    yield from FIXED
    for index in range(COUNT - len(FIXED)):
        kind = index % 6
        if kind == 0:  # words in odd cases
            text = " ".join(
                rng.choice([str.lower, str.upper, str.title])(rng.choice(words)) for _ in range(rng.randint(1, 4)))
        elif kind == 1:  # one script
            low, high = rng.choice(SCRIPTS)
            text = "".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 7)))
        elif kind == 2:  # scripts mixed with words
            text = ""
            for _ in range(rng.randint(1, 4)):
                low, high = rng.choice(SCRIPTS)
                text += rng.choice(words) if rng.random() < 0.4 else chr(rng.randrange(low, high))
                text += rng.choice(["", "", " "])
        elif kind == 3:  # ASCII noise
            text = "".join(chr(rng.randrange(0x20, 0x7F)) for _ in range(rng.randint(1, 16)))
        elif kind == 4:  # letters with marks
            text = "".join(
                chr(rng.randrange(0x61, 0x7B)) + chr(rng.randrange(0x300, 0x330)) * rng.randint(0, 2)
                for _ in range(rng.randint(1, 6)))
            text += rng.choice(["", " ", "!", "."])
        else:  # contractions, digits and punctuation
            text = "".join(
                rng.choice([rng.choice(words), "'s", "'ll", "'RE", "'", "7", "42", ",", "!", "...", " ", "\n", "😀", "'D"])
                for _ in range(rng.randint(2, 6)))
        yield text
    # Every character that has a decomposition, decomposed.
    for point in range(0x30000):
        parts = unicodedata.decomposition(chr(point))
        if parts and not parts.startswith("<") and " " in parts:
            yield unicodedata.normalize("NFD", chr(point))


def sha(ids):
    return hashlib.sha256(" ".join(map(str, ids)).encode()).digest()


def blocks(encode):
    for block in BLOCKS:
        digest = hashlib.sha256()
        for point in range(block * BLOCK, (block + 1) * BLOCK):
            if not 0xD800 <= point < 0xE000:
                digest.update((" ".join(map(str, encode("a" + chr(point) + "b"))) + "\n").encode())
        yield list(digest.digest())


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    toy, real = toy_merges(), real_merges()
    table = vocabulary(toy)
    for name, pad in [("toy", END), ("exclamation", "!")]:
        (FOLDER / name).mkdir(parents=True)
        (FOLDER / name / "vocab.json").write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
        lines = ["#version: 0.2"] + [" ".join(pair) for pair in toy]
        (FOLDER / name / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # As in the files of Stable Diffusion 2: the map overrides the configuration, and added tokens are normalized.
    added = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    specials = {f"{key}_token": {"content": piece, **added} for key, piece in [("bos", START), ("eos", END), ("unk", END)]}
    folder = FOLDER / "exclamation"
    (folder / "special_tokens_map.json").write_text(json.dumps({**specials, "pad_token": "!"}, indent=1))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"model_max_length": 77, "pad_token": END, "tokenizer_class": "CLIPTokenizer"}, indent=1))
    models = {
        "real": CLIPTokenizer(vocab=vocabulary(real), merges=real),
        "toy": CLIPTokenizer.from_pretrained(FOLDER / "toy"),
        "exclamation": CLIPTokenizer.from_pretrained(FOLDER / "exclamation"),
    }
    assert [model.pad_token_id for model in models.values()] == [49407, 813, 0]

    words = sorted(word for word in (ROOT / ".deps/minilm/vocab.txt").read_text(encoding="utf-8").split("\n")
                   if word.isascii() and word.isalpha())
    all_texts = list(texts(words))
    encoded = [text.encode() for text in all_texts]
    tensors = {
        "text": torch.tensor([byte for text in encoded for byte in text], dtype=torch.uint8),
        "text_lengths": torch.tensor([len(text) for text in encoded], dtype=torch.int16),
        "blocks": torch.tensor(BLOCKS, dtype=torch.int32),
    }
    for name, model in models.items():
        backend = model.backend_tokenizer
        ids = [encoding.ids for encoding in backend.encode_batch(all_texts)]
        tensors[f"{name}.digests"] = torch.tensor([list(sha(row)[:4]) for row in ids], dtype=torch.uint8)
        tensors[f"{name}.ids"] = torch.tensor([i for row in ids[:len(FIXED)] for i in row], dtype=torch.int32)
        tensors[f"{name}.id_lengths"] = torch.tensor([len(row) for row in ids[:len(FIXED)]], dtype=torch.int32)
        if name != "exclamation":
            found = list(blocks(lambda text: backend.encode(text).ids))
            tensors[f"{name}.blocks"] = torch.tensor(found, dtype=torch.uint8)
        print(name, len(ids), "texts,", sum(map(len, ids)), "ids, vocabulary of", len(model))
    versions = {
        "tokenizers": tokenizers.__version__, "transformers": transformers.__version__, "seed": str(SEED),
        "unicodedata": unicodedata.unidata_version}
    save_file(tensors, FOLDER / "texts.safetensors", metadata=versions)


main()
