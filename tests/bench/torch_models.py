"""GPT-2, BERT, ViT and Llama as plain modules of PyTorch, with the weights that `weft init` made."""

import ctypes
import mmap

import torch
import torch.nn.functional as F
from torch import nn

from protocol import tensors


def weights(path):
    """Name -> tensor of f32."""
    data = torch.from_file(path, size=_bytes(path), dtype=torch.uint8)
    return {name: data[offset:offset + 4 * _count(shape)].view(torch.float32).reshape(shape).clone()
            for name, (_, shape, offset) in tensors(path).items()}


def _bytes(path):
    import os
    return os.path.getsize(path)


def _count(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def linear(w, name, transposed=False):
    weight = w[name + ".weight"]
    layer = nn.Linear(*(weight.shape if transposed else weight.shape[::-1]), bias=name + ".bias" in w)
    layer.weight.data = weight.t().contiguous() if transposed else weight
    if layer.bias is not None:
        layer.bias.data = w[name + ".bias"]
    return layer


def norm(w, name, eps):
    layer = nn.LayerNorm(w[name + ".weight"].shape[0], eps)
    layer.weight.data, layer.bias.data = w[name + ".weight"], w[name + ".bias"]
    return layer


def embedding(w, name):
    return nn.Embedding.from_pretrained(w[name if name in w else name + ".weight"])


def heads(x):
    return x.view(x.shape[0], x.shape[1], 12, 64).transpose(1, 2)


def merged(x):
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], 768)


class Gpt2Layer(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.ln_1, self.ln_2 = norm(w, name + "ln_1", 1e-5), norm(w, name + "ln_2", 1e-5)
        self.c_attn, self.attn_proj = (linear(w, f"{name}attn.{part}", True) for part in ("c_attn", "c_proj"))
        self.c_fc, self.mlp_proj = (linear(w, f"{name}mlp.{part}", True) for part in ("c_fc", "c_proj"))

    def forward(self, x, past=None):
        q, k, v = (heads(part) for part in self.c_attn(self.ln_1(x)).split(768, 2))
        kept = k, v
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=past is None)
        x = x + self.attn_proj(merged(a))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh")), kept


class Gpt2(nn.Module):
    """Whole sequences: forward(tokens). A step of one token: forward(tokens, *pasts), keys and values of each layer."""

    def __init__(self, w):
        super().__init__()
        self.wte, self.wpe = embedding(w, "wte"), embedding(w, "wpe")
        self.layers = nn.ModuleList(Gpt2Layer(w, f"h.{i}.") for i in range(12))
        self.ln_f = norm(w, "ln_f", 1e-5)
        self.head = nn.Linear(768, self.wte.weight.shape[0], bias=False)
        self.head.weight = self.wte.weight

    def forward(self, tokens, *pasts):
        first = pasts[0].shape[2] if pasts else 0
        x = self.wte(tokens) + self.wpe(torch.arange(first, first + tokens.shape[1]))
        for i, layer in enumerate(self.layers):
            x, _ = layer(x, pasts[2 * i:2 * i + 2] if pasts else None)
        return self.head(self.ln_f(x)).float()

    def pasts(self, tokens):
        """Keys and values of these tokens."""
        x, kept = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1])), []
        for layer in self.layers:
            x, pair = layer(x)
            kept += [part.contiguous() for part in pair]
        return kept


class EncoderLayer(nn.Module):
    """Of BERT, with the norm after each part, or of ViT, with the norm before it."""

    def __init__(self, w, name, parts, before):
        super().__init__()
        self.before = before
        q, k, v, o, up, down, first, second = parts
        self.q, self.k, self.v, self.o = (linear(w, name + part) for part in (q, k, v, o))
        self.up, self.down = linear(w, name + up), linear(w, name + down)
        self.first, self.second = norm(w, name + first, 1e-12), norm(w, name + second, 1e-12)

    def attention(self, x, mask):
        a = F.scaled_dot_product_attention(heads(self.q(x)), heads(self.k(x)), heads(self.v(x)), attn_mask=mask)
        return self.o(merged(a))

    def forward(self, x, mask=None):
        if self.before:
            x = x + self.attention(self.first(x), mask)
            return x + self.down(F.gelu(self.up(self.second(x))))
        x = self.first(x + self.attention(x, mask))
        return self.second(x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    PARTS = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
             "intermediate.dense", "output.dense", "attention.output.LayerNorm", "output.LayerNorm")

    def __init__(self, w):
        super().__init__()
        self.words, self.positions, self.kinds = (
            embedding(w, f"embeddings.{part}") for part in ("word_embeddings", "position_embeddings",
                                                            "token_type_embeddings"))
        self.norm = norm(w, "embeddings.LayerNorm", 1e-12)
        self.layers = nn.ModuleList(EncoderLayer(w, f"encoder.layer.{i}.", self.PARTS, False) for i in range(12))
        self.pooler = linear(w, "pooler.dense")

    def forward(self, tokens, kinds, keep):
        x = self.norm(self.words(tokens) + self.positions(torch.arange(tokens.shape[1])) + self.kinds(kinds))
        mask = (keep != 0)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class Vit(nn.Module):
    PARTS = ("attention.attention.query", "attention.attention.key", "attention.attention.value",
             "attention.output.dense", "intermediate.dense", "output.dense", "layernorm_before", "layernorm_after")

    def __init__(self, w):
        super().__init__()
        name = "vit.embeddings."
        self.patches = nn.Conv2d(3, 768, 16, 16)
        self.patches.weight.data = w[name + "patch_embeddings.projection.weight"].reshape(768, 3, 16, 16)
        self.patches.bias.data = w[name + "patch_embeddings.projection.bias"]
        self.first = nn.Parameter(w[name + "cls_token"].reshape(1, 1, 768))
        self.positions = nn.Parameter(w[name + "position_embeddings"].reshape(1, 197, 768))
        self.layers = nn.ModuleList(EncoderLayer(w, f"vit.encoder.layer.{i}.", self.PARTS, True) for i in range(12))
        self.norm, self.classifier = norm(w, "vit.layernorm", 1e-12), linear(w, "classifier")

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.norm(x)[:, 0])


class RmsNorm(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.weight = nn.Parameter(w[name + ".weight"])

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, 1e-5)


class LlamaLayer(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.input, self.after = RmsNorm(w, name + "input_layernorm"), RmsNorm(w, name + "post_attention_layernorm")
        self.q, self.k, self.v, self.o = (linear(w, f"{name}self_attn.{part}_proj") for part in "qkvo")
        self.gate, self.up, self.down = (linear(w, f"{name}mlp.{part}_proj") for part in ("gate", "up", "down"))

    def forward(self, x, angles, past=None):
        cosines, sines = angles

        def rotated(x):
            a, b = x.chunk(2, -1)
            return torch.cat([a * cosines - b * sines, b * cosines + a * sines], -1)
        q, k, v = (part(h).view(*h.shape[:2], -1, 64).transpose(1, 2)
                   for h in [self.input(x)] for part in (self.q, self.k, self.v))
        q, k = rotated(q), rotated(k)
        kept = k, v
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=past is None, enable_gqa=True)
        x = x + self.o(a.transpose(1, 2).flatten(2))
        h = self.after(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h)), kept


class Llama(nn.Module):
    """Called like Gpt2. Angles are found in f32."""

    def __init__(self, w):
        super().__init__()
        self.tokens = embedding(w, "model.embed_tokens")
        self.layers = nn.ModuleList(LlamaLayer(w, f"model.layers.{i}.") for i in range(16))
        self.norm = RmsNorm(w, "model.norm")
        self.head = nn.Linear(2048, self.tokens.weight.shape[0], bias=False)
        self.head.weight = self.tokens.weight

    def run(self, tokens, pasts):
        first = pasts[0].shape[2] if pasts else 0
        angles = torch.arange(first, first + tokens.shape[1])[:, None] * 10000 ** (-torch.arange(0, 64, 2) / 64)
        x, kept = self.tokens(tokens), []
        angles = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for i, layer in enumerate(self.layers):
            x, pair = layer(x, angles, pasts[2 * i:2 * i + 2] or None)
            kept += [part.contiguous() for part in pair]
        return x, kept

    def forward(self, tokens, *pasts):
        return self.head(self.norm(self.run(tokens, pasts)[0])).float()

    def pasts(self, tokens):
        return self.run(tokens, ())[1]


MODELS = {"gpt2": Gpt2, "bert": Bert, "vit": Vit, "llama": Llama}


def array(input):
    """A tensor of an input file."""
    type = {"f32": torch.float32, "i32": torch.int32}[input["type"]]
    count = _count(input["shape"])
    data = in_huge_pages(count, type)
    return data.copy_(torch.from_file(input["file"], size=count, dtype=type)).reshape(input["shape"])


def in_huge_pages(count, type):
    """A tensor in memory like that of Numbers.h."""
    page = 2 << 20
    memory = mmap.mmap(-1, count * type.itemsize + page)
    memory.madvise(mmap.MADV_HUGEPAGE)
    begin = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % page
    return torch.frombuffer(memory, dtype=type, count=count, offset=begin)


def built(work):
    """A model and the tensors that it is called with. With bf16, all numbers are; with int8 they are still f32."""
    model = MODELS[work["model"]](weights(work["weights"]["file"])).eval().requires_grad_(False)
    if work["type"] == "bf16":
        model = model.bfloat16()
    inputs = [array(input) for input in work["inputs"]]
    inputs = [x.long() if x.dtype == torch.int32 else x for x in inputs]
    if "after" in work:
        inputs += model.pasts(array(work["past"][0]).long())
    return model, inputs
