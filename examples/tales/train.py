"""Makes the model of this folder: tales.safetensors, and what float64 says it must answer, expected.json.

    pip install torch==2.13.0 numpy safetensors
    python3 train.py                  trains on one CPU thread, about a quarter of an hour
    python3 train.py --expect-only    only computes expected.json again, from the weights that are there

The model reads and writes bytes. It is the decoder of tales.weft: the same axes, and the weights by the same names.
"""

import argparse
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from stories import story

VOCAB, EMBED, HEAD, KV_HEAD, HIDDEN, LAYERS, CONTEXT = 256, 96, 6, 2, 104, 4, 640
DIM = EMBED // HEAD
HERE = pathlib.Path(__file__).parent
PROMPTS = ["Once upon a time, there was a brave mouse named Ivy, who lived", "It was a snowy evening, and"]


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(EMBED))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


def rotary(x):
    """Rotates the pairs (i, i + DIM/2) of x[batch, head, seq, DIM] by position * 10000^(-2i/DIM)."""
    angle = torch.arange(x.shape[2], dtype=x.dtype)[:, None] * 10000.0 ** (-torch.arange(0, DIM, 2, dtype=x.dtype) / DIM)
    cos, sin = angle.cos(), angle.sin()
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(EMBED, HEAD * DIM, bias=False)
        self.k_proj = nn.Linear(EMBED, KV_HEAD * DIM, bias=False)
        self.v_proj = nn.Linear(EMBED, KV_HEAD * DIM, bias=False)
        self.o_proj = nn.Linear(HEAD * DIM, EMBED, bias=False)

    def forward(self, x):
        q, k, v = (p(x).unflatten(-1, (-1, DIM)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        a = F.scaled_dot_product_attention(rotary(q), rotary(k), v, is_causal=True, enable_gqa=True)
        return self.o_proj(a.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj = nn.Linear(EMBED, HIDDEN, bias=False)
        self.up_proj = nn.Linear(EMBED, HIDDEN, bias=False)
        self.down_proj = nn.Linear(HIDDEN, EMBED, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm, self.self_attn = RMSNorm(), Attention()
        self.post_attention_layernorm, self.mlp = RMSNorm(), MLP()

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCAB, EMBED)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = RMSNorm()
        for name, p in self.named_parameters():
            if p.dim() == 2:
                # What writes to the residual stream starts smaller, so that its sum over the layers does not grow.
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.06 / (math.sqrt(2 * LAYERS) if residual else 1))

    def forward(self, tokens):
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.embed_tokens.weight)


def rows(draw, batch, length):
    """Training rows: half of them begin with a story, the others within one.

    Most characters have invented names. A name of a short list is half known by its first letter, and so small a model then
    never learns to look up who the story is about.
    """
    def text_of():
        return story(draw, strangers=0.7) + "\n\n"

    result = []
    for i in range(batch):
        text = text_of()
        if i % 2:
            text = text[draw.randrange(len(text)):]
        while len(text) <= length:
            text += text_of()
        result.append(list(text[:length + 1].encode()))
    return torch.tensor(result)


def train(steps, seed):
    torch.manual_seed(seed)
    draw = random.Random(seed)
    model = Decoder()
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    optimizers = [torch.optim.Muon(matrices, lr=0.02, weight_decay=0.01, momentum=0.95),
                  torch.optim.AdamW(others, lr=0.006, betas=(0.9, 0.98), weight_decay=0.0)]
    schedules = [torch.optim.lr_scheduler.LambdaLR(
        o, lambda s: min(1, (s + 1) / 50) * (1 if s < 0.6 * steps else max(0.01, (steps - s) / (0.4 * steps))))
        for o in optimizers]
    start, smooth = time.time(), None
    for step in range(steps):
        # Most rows are short: spelling needs no far view, and attention over them is cheap. Every fourth step sees whole
        # stories, from the beginning on, so that far positions are never new.
        batch = rows(draw, 8, CONTEXT) if step % 4 == 0 else rows(draw, 24, 213)
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o, s in zip(optimizers, schedules):
            o.step()
            s.step()
            o.zero_grad(set_to_none=True)
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 50 == 49 or step + 1 == steps:
            print(f"step {step + 1} of {steps}, {time.time() - start:.0f} s: {smooth / math.log(2):.3f} bits per byte",
                  flush=True)
    return model


@torch.no_grad()
def expect(model, length):
    """The greedy continuation of each prompt in float64, and by how much the first choice beats the second."""
    model = model.double()
    cases = []
    for prompt in PROMPTS:
        tokens, margins = list(prompt.encode()), []
        for _ in range(length):
            logits = model(torch.tensor([tokens]))[0, -1]
            if not margins:
                first = [round(v, 9) for v in logits.tolist()]
            best = logits.topk(2).values
            margins.append(round((best[0] - best[1]).item(), 6))
            tokens.append(logits.argmax().item())
        cases.append({"prompt": prompt, "greedy": bytes(tokens[len(prompt):]).decode(), "smallest_margin": min(margins),
                      "margins": margins, "logits_after_prompt": first})
    return cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--expect-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)

    weights = options.out / "tales.safetensors"
    if not options.expect_only:
        model = train(options.steps, options.seed)
        save_file({f"model.{n}": p.detach().contiguous() for n, p in model.named_parameters()}, weights)
    model = Decoder()
    model.load_state_dict({n.removeprefix("model."): p for n, p in load_file(weights).items()})
    cases = expect(model, 200)
    (options.out / "expected.json").write_text(json.dumps(cases, indent=1) + "\n")
    for case in cases:
        print(f"{case['prompt']}|{case['greedy']}  (smallest margin {case['smallest_margin']})\n")


if __name__ == "__main__":
    main()
