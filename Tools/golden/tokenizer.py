"""Ids of Hugging Face tokenizers for MiniLM's tokenizer.json, on texts of every kind and on every code point.

Writes Tests/Golden/tokenizer.safetensors: the texts' bytes and ids one after the other with their lengths, and one
SHA-256 per block of 4096 code points over the ids of "a", the code point and "b".
"""

import hashlib
import pathlib
import random

import torch
import tokenizers
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20
COUNT = 10_500
BLOCK = 4096
BLOCKS = list(range(0, 0x30000 // BLOCK)) + [0xE0000 // BLOCK]

tokenizer = tokenizers.Tokenizer.from_file(str(ROOT / ".deps/minilm/tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()


def ids(text):
    return tokenizer.encode(text).ids


def is_scalar(point):
    return not 0xD800 <= point < 0xE000


SCRIPTS = [
    (0x20, 0x7F), (0xA0, 0x180), (0x180, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x590, 0x600),
    (0x600, 0x700), (0x900, 0x980), (0x980, 0xA00), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2000),
    (0x2000, 0x2070), (0x2070, 0x20D0), (0x2100, 0x2600), (0x2600, 0x27C0), (0x3000, 0x3100), (0x3100, 0x3400),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0xFB00, 0xFE00), (0xFE00, 0xFE10), (0xFF00, 0xFFF0),
    (0x10000, 0x10400), (0x1D400, 0x1D800), (0x1F300, 0x1FA00), (0x20000, 0x20100), (0x0, 0x20), (0x7F, 0xA0),
]
FIXED = [
    "", " ", "\t\n", "a", "[CLS]", "[SEP] x [MASK]", "[ CLS ]", "[cls]", "x[PAD]y", "don't", "it's 5 o'clock!", "U.S.A.",
    "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 99, "naïve café", "Ångström", "ẞ ß ſ", "İstanbul", "ﬁ ﬂ", "①②③",
    "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "日本語 テキスト", "한국어", "مرحبا", "שלום", "हिन्दी", "ไทย", "a\u200bb", "a\u00adb", "a\ufeffb", "\u202eabc",
    "x\x00y", "x\x7fy", "tab\tnew\nline\rend", "##ing", "snow☃man", "100%", "a_b-c/d\\e", "«quote»", "“q”", "…", "¿qué?",
]


def texts():
    rng = random.Random(SEED)
    vocabulary = [piece for piece in tokenizer.get_vocab() if piece.isascii()]
    vocabulary.sort()
    yield from FIXED
    for index in range(COUNT - len(FIXED)):
        kind = index % 5
        if kind == 0:  # words of the vocabulary in odd cases
            words = [rng.choice(vocabulary) for _ in range(rng.randint(1, 7))]
            yield " ".join(rng.choice([str.lower, str.upper, str.title])(word) for word in words)
        elif kind == 1:  # one script
            low, high = rng.choice(SCRIPTS)
            yield "".join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 12)))
        elif kind == 2:  # scripts mixed with ASCII words
            parts = []
            for _ in range(rng.randint(1, 5)):
                low, high = rng.choice(SCRIPTS)
                parts.append(rng.choice(vocabulary) if rng.random() < 0.5 else chr(rng.randrange(low, high)))
            yield "".join(part + rng.choice(["", "", " "]) for part in parts)
        elif kind == 3:  # ASCII noise
            yield "".join(chr(rng.randrange(0x20, 0x7F)) for _ in range(rng.randint(1, 24)))
        else:  # letters with marks
            text = "".join(chr(rng.randrange(0x61, 0x7B)) + chr(rng.randrange(0x300, 0x330)) * rng.randint(0, 2) for _ in range(rng.randint(1, 9)))
            yield text + rng.choice(["", " ", "!", "."])


def joined(rows, dtype):
    flat = [value for row in rows for value in row]
    return torch.tensor(flat, dtype=dtype), torch.tensor([len(row) for row in rows], dtype=torch.int32)


def digests():
    for block in BLOCKS:
        digest = hashlib.sha256()
        for point in range(block * BLOCK, (block + 1) * BLOCK):
            if is_scalar(point):
                digest.update((" ".join(map(str, ids("a" + chr(point) + "b"))) + "\n").encode())
        yield list(digest.digest())


all_texts = list(texts())
text_bytes, text_lengths = joined([list(text.encode()) for text in all_texts], torch.uint8)
token_ids, id_lengths = joined([ids(text) for text in all_texts], torch.int16)
save_file(
    {
        "text": text_bytes, "text_lengths": text_lengths, "ids": token_ids, "id_lengths": id_lengths,
        "blocks": torch.tensor(BLOCKS, dtype=torch.int32), "digests": torch.tensor(list(digests()), dtype=torch.uint8),
    },
    ROOT / "Tests/Golden/tokenizer.safetensors",
    metadata={"tokenizers": tokenizers.__version__, "seed": str(SEED)},
)
