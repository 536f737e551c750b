"""Times one evaluation of a diffusers U-Net directory in PyTorch and OpenVINO, for Benchmarks/unet.

Prints "ready" when all kinds are loaded and compiled, then for every line on standard input one line for each kind,
its name and the median of the milliseconds, and "done".
"""
import argparse
import gc
import pathlib
import statistics
import sys
import tempfile
import time

import diffusers
import torch

torch.set_grad_enabled(False)


class Plain(torch.nn.Module):
    """The U-Net as a function of tensors."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, time, context, labels=None):
        return self.unet(sample, time, context, class_labels=labels, return_dict=False)[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unet")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--peers", default="eager,channels-last,compiled,openvino")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    half = options.precision == "bfloat16"
    dtype = torch.bfloat16 if half else torch.float32
    c = diffusers.UNet2DConditionModel.load_config(options.unet)
    torch.manual_seed(1)
    labels = None
    if c.get("class_embed_type") is not None:
        labels = torch.randn(options.batch, c["projection_class_embeddings_input_dim"] or 0)
    inputs = (
        torch.randn(options.batch, c["in_channels"], options.size, options.size),
        torch.full((options.batch,), 500.0),
        torch.randn(options.batch, options.tokens, c["cross_attention_dim"]),
        labels,
    )
    names = options.peers.split(",")
    kinds = {}
    # OpenVINO first: its conversion takes memory that is free again when the others are read.
    for name in sorted(names, key=lambda name: name != "openvino"):
        if name == "openvino":
            kinds[name] = openvino(inputs, options)
            continue
        model = diffusers.UNet2DConditionModel.from_pretrained(options.unet, torch_dtype=dtype).eval()
        if name != "eager":
            model = model.to(memory_format=torch.channels_last)
        module = Plain(model)
        if name == "compiled":
            torch._inductor.config.freezing = True
            module = torch.compile(module)
        values = [None if x is None else x.to(dtype) for x in inputs]
        if name != "eager":
            values[0] = values[0].contiguous(memory_format=torch.channels_last)
        kinds[name] = lambda module=module, values=values: module(*values)
    for run in kinds.values():
        for _ in range(3):
            run()
    print("ready", flush=True)
    for _ in sys.stdin:
        for name, run in kinds.items():
            times = []
            for round in range(options.rounds + 3):
                begun = time.perf_counter()
                run()
                if round >= 3:
                    times.append(time.perf_counter() - begun)
            print(name, 1000 * statistics.median(times), flush=True)
        print("done", flush=True)


def openvino(inputs, options):
    """The U-Net compiled by OpenVINO, which maps its weights from a file, so that they are in memory once more at most."""
    import openvino as ov

    given = [x for x in inputs if x is not None]
    core = ov.Core()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "unet.xml"
        convert(given, options.unet, file)
        gc.collect()
        compiled = core.compile_model(
            file,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": options.threads,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "bf16" if options.precision == "bfloat16" else "f32",
            },
        )
    request = compiled.create_infer_request()
    arrays = [x.numpy() for x in given]
    return lambda: request.infer(arrays)


def convert(given, unet, file):
    import openvino as ov

    module = Plain(diffusers.UNet2DConditionModel.from_pretrained(unet, torch_dtype=torch.float32).eval())
    model = ov.convert_model(module, example_input=tuple(given), input=[list(x.shape) for x in given])
    ov.save_model(model, file, compress_to_fp16=False)


if __name__ == "__main__":
    main()
