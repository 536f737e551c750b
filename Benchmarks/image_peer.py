"""From a prompt to a PNG with a U-Net of Flux in Python, for Benchmarks/image: image_peer.py UNET TEXT STEPS THREADS OUT.

Less than a whole pipeline would do: there is no adapter between text encoder and U-Net, and three channels of the latent, enlarged, take
the place of the decoder.
"""
import sys

import diffusers
import torch
import transformers
from PIL import Image


def main():
    unet_folder, text_folder, steps, threads, out = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    tokenizer = transformers.BertTokenizer(f"{text_folder}/vocab.txt")
    encoder = transformers.BertModel.from_pretrained(text_folder, add_pooling_layer=False).eval()
    unet = diffusers.UNet2DConditionModel.from_pretrained(unet_folder).eval()
    c = unet.config
    tokens = tokenizer(["", "a red apple on a blue background"], padding="max_length", max_length=32, return_tensors="pt")
    states = encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    context = states[..., : c.cross_attention_dim]
    labels = context.mean(1) if c.class_embed_type is not None else None
    if labels is not None and c.projection_class_embeddings_input_dim:
        labels = torch.nn.functional.pad(labels, (0, c.projection_class_embeddings_input_dim - labels.shape[1]))
    scheduler = diffusers.DPMSolverMultistepScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
    scheduler.set_timesteps(int(steps))
    latent = torch.randn(1, c.in_channels, c.sample_size, c.sample_size)
    for time in scheduler.timesteps:
        plain, guided = unet(latent.expand(2, -1, -1, -1), time, context, class_labels=labels).sample.chunk(2)
        latent = scheduler.step(plain + 3 * (guided - plain), time, latent).prev_sample
    pixels = torch.nn.functional.interpolate(latent[:, :3], size=(512, 512), mode="bilinear")[0]
    Image.fromarray((pixels.clamp(-1, 1) * 127.5 + 127.5).byte().permute(1, 2, 0).numpy()).save(out)


if __name__ == "__main__":
    main()
