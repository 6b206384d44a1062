"""What is measured: works, their shapes, who competes in them, what binds them, and the bars that they are held to."""

import dataclasses

HEADS, WIDTH = 12, 64


@dataclasses.dataclass
class Work:
    group: str
    name: str
    model: str                      # a .weft file, from the project's root
    spec: dict                      # what contenders are told, beside inputs, weights and artefact
    inputs: list                    # (type, shape, bound of integers) of each
    contenders: list                # "weft" first
    flops: float = 0                # of the type's multiply-adds
    bytes: float = 0                # that have to be read, at least
    axes: dict = dataclasses.field(default_factory=dict)
    past: list = None               # of a step: like inputs, what was fed before
    weights: bool = False           # whether the model has any
    type: str = "f32"               # of weights, as weft compile is told
    activations: str = "f32"        # the same
    arithmetic: str = "f32"         # of the peak that binds
    share: float = None             # bar: of the lower of the two limits
    ratio: float = None             # bar: how many times as fast as the best peer
    seconds: float = 0.03           # to measure in each round
    tolerance: float = 1e-4         # of differences of results, in terms of the largest number
    rounds: int = 9
    device: str = "cpu"             # or vulkan:N; times are then those of its kernels, and limits what the best of ours reach
    profile: str = None             # of Vulkan devices that the kernels are made for


def matmuls():
    for columns, depth in ((768, 768), (2304, 768), (3072, 768), (768, 3072)):
        for rows in (1, 2, 4, 8, 16, 128, 197, 256, 512, 1024):
            bars = {1: 0.85, 2: 0.65, 4: 0.70, 8: 0.90, 16: 0.90}
            yield Work("matmul", f"matmul {rows}x{columns}x{depth}", "tests/bench/Inputs/matmul.weft",
                       {"kind": "matmul", "rows": rows, "columns": columns, "depth": depth},
                       [("f32", [rows, depth], 0)], ["weft", "onednn", "openblas", "torch"],
                       flops=2 * rows * columns * depth, bytes=4 * columns * depth,
                       axes={"from": depth, "to": columns}, weights=True, share=bars.get(rows, 0.92), ratio=1.0)


def narrow_matmuls():
    """Weights in narrow types. Rows enough to be bound by arithmetic, or few enough to be bound by reading."""
    bits = {"bf16": 16, "int8": 8, "int4": 4.5}
    with open("/proc/cpuinfo") as cpu:
        dots = "avx512_bf16" in cpu.read()
    for type, activations, arithmetic in (("bf16", "f32", "bf16"), ("int8", "f32", "f32"), ("int4", "f32", "f32"),
                                          ("int8", "int8", "int8")):
        if activations == "int8" and not dots:
            continue
        for columns, depth in ((768, 768), (3072, 768), (768, 3072), (50257, 768)):
            for rows in (1, 8, 128, 197, 1024):
                if columns == 50257 and rows > 8:
                    continue
                name = type if activations == "f32" else f"{type} x {activations}"
                alike = type == arithmetic  # also what oneDNN multiplies
                widened = activations == "f32" and (rows < 8 or not dots)
                yield Work("types", f"matmul {name} {rows}x{columns}x{depth}", "tests/bench/Inputs/matmul.weft",
                           {"kind": "matmul", "rows": rows, "columns": columns, "depth": depth},
                           [("f32", [rows, depth], 0)], ["weft"] + ["onednn"] * alike,
                           flops=2 * rows * columns * depth, bytes=bits[type] / 8 * columns * depth,
                           axes={"from": depth, "to": columns}, weights=True,
                           type=type, activations=activations, arithmetic="f32" if widened else arithmetic,
                           tolerance=2e-2 if alike else 1e-4, share=0.90 if alike and rows >= 128 else None,
                           ratio=1.0 if alike and rows >= 128 else None)


def attentions():
    for mask in ("plain", "causal"):
        for length in (197, 512, 1000, 1024, 2048, 4096):
            pairs = length * (length + 1) / 2 if mask == "causal" else length * length
            share = 0.76 if mask == "causal" and length < 2000 else 0.84
            if length % 32:  # lanes are left over: at most 8 points below the bar of the lengths beside it
                share -= 0.08
            shape = [length, HEADS, WIDTH]
            yield Work("attention", f"attention {mask} {length}", f"tests/bench/Inputs/attend-{mask}.weft",
                       {"kind": "attention", "causal": mask == "causal"}, [("f32", shape, 0)] * 3,
                       ["weft", "torch"], flops=4 * pairs * HEADS * WIDTH, axes={"head": HEADS},
                       share=share, ratio=1.5 if mask == "causal" else 1.3, rounds=7)
    for length in (1024, 4096):
        pairs = sum(min(q + 1, 512) for q in range(length))
        yield Work("attention", f"attention window and soft cap {length}", "tests/bench/Inputs/attend-flex.weft",
                   {"kind": "flex", "window": 512, "softcap": 30}, [("f32", [length, HEADS, WIDTH], 0)] * 3,
                   ["weft", "torch flex"], flops=4 * pairs * HEADS * WIDTH, axes={"head": HEADS}, ratio=1.5, rounds=7)


def decodes():
    for heads, keys in ((12, 12), (32, 8)):
        for length in (256, 512, 1024, 2048, 4096, 8192):
            past, one = length - 1, lambda n, h: ("f32", [1, n, h, WIDTH], 0)
            yield Work("decode", f"decode {length}, {heads} heads of {keys}", "tests/bench/Inputs/decode.weft",
                       {"kind": "decode", "heads": heads, "keys": keys, "length": length},
                       [one(1, heads), one(1, keys), one(1, keys)], ["weft", "torch"],
                       flops=4 * heads * WIDTH * length, bytes=8 * keys * WIDTH * length,
                       axes={"head": heads, "kv_head": keys},
                       past=[one(past, heads), one(past, keys), one(past, keys)], share=0.88)


def transformer(layers, embed, hidden, length, pairs):
    """Operations of the layers of a transformer with matrices of these sizes."""
    return layers * (2 * length * (4 * embed * embed + 2 * embed * hidden) + 4 * pairs * embed)


GPT2_WEIGHTS = 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 50257 * 768


def models():
    peers = ["torch eager", "torch compile", "onnxruntime", "openvino"]
    length = 512
    yield Work("models", "gpt2 prefill 512", "examples/gpt2/gpt2.weft", {"kind": "model", "model": "gpt2"},
               [("i32", [1, length], 50257)], ["weft"] + peers, weights=True, ratio=1.25, seconds=0, rounds=5,
               flops=transformer(12, 768, 3072, length, length * (length + 1) / 2) + 2 * length * 768 * 50257)
    for type, bits in (("bf16", 16), ("int8", 8), ("int4", 4.5)):
        alike = [] if type == "int4" else peers  # of the last no peer has groups of 32
        yield Work("models", f"gpt2 step at 512 {type}", "examples/gpt2/gpt2.weft",
                   {"kind": "model", "model": "gpt2", "after": 512}, [("i32", [1, 1], 50257)], ["weft"] + alike,
                   past=[("i32", [1, length], 50257)], weights=True, type=type, share=0.85, seconds=0.25,
                   ratio=1.3 if alike else None, tolerance=5e-2,
                   bytes=bits / 8 * GPT2_WEIGHTS + 4 * 2 * 12 * 768 * (length + 1), flops=2 * GPT2_WEIGHTS)
    yield Work("models", "gpt2 step at 512", "examples/gpt2/gpt2.weft", {"kind": "model", "model": "gpt2", "after": 512},
               [("i32", [1, 1], 50257)], ["weft"] + peers, past=[("i32", [1, length], 50257)], weights=True, share=0.85,
               ratio=1.3, seconds=0.25, bytes=4 * (GPT2_WEIGHTS + 2 * 12 * 768 * (length + 1)), flops=2 * GPT2_WEIGHTS)
    # A Llama of 1B in bf16, beside PyTorch in bf16; its weights are 2.5 GB.
    embed, hidden, keys, vocab, layers, length = 2048, 8192, 512, 128256, 16, 128
    of_layers = layers * (2 * embed * (embed + keys) + 3 * embed * hidden)
    llama = {"model": "tests/bench/Inputs/llama-1b.weft", "weights": True, "type": "bf16", "tolerance": 5e-2,
             "ratio": 1.2, "rounds": 5, "contenders": ["weft", "torch eager"]}
    yield Work("models", "llama 1b prefill 128 bf16", spec={"kind": "model", "model": "llama"},
               inputs=[("i32", [1, length], vocab)], seconds=0, arithmetic="bf16",
               flops=2 * length * (of_layers + embed * vocab) + layers * 4 * embed * length * (length + 1) / 2, **llama)
    yield Work("models", "llama 1b step at 128 bf16", spec={"kind": "model", "model": "llama", "after": length},
               inputs=[("i32", [1, 1], vocab)], past=[("i32", [1, length], vocab)], seconds=0.3,
               bytes=2 * (of_layers + embed * vocab) + 4 * 2 * layers * keys * (length + 1),
               flops=2 * (of_layers + embed * vocab), **llama)
    for batch in (1, 4):
        length = 128
        yield Work("models", f"bert-base {batch}x{length}", "examples/bert/bert.weft", {"kind": "model", "model": "bert"},
                   [("i32", [batch, length], 30522), ("i32", [batch, length], 2), ("i32", [batch, length], -1)],
                   ["weft"] + peers, weights=True, ratio=1.2, seconds=0, rounds=5,
                   flops=batch * transformer(12, 768, 3072, length, length * length))
        length = 197
        yield Work("models", f"vit-b/16 {batch}", "tests/bench/Inputs/vit.weft", {"kind": "model", "model": "vit"},
                   [("f32", [batch, 3, 224, 224], 0)], ["weft"] + peers, weights=True, ratio=1.2, seconds=0, rounds=5,
                   flops=batch * (transformer(12, 768, 3072, length, length * length) + 2 * 196 * 768 * 768))


BITS = {"f32": 32, "f16": 16, "bf16": 16, "int8": 8, "int4": 4.5}


def vulkans(device, real, profile):
    """Of a device: what its memory and its products reach at most, then the kernels of transformers. In software, smaller.

    Types are those of weights; f16 is also what matrices multiply, in attention as well, where the profile has some. What
    comes in and goes out is f32 for all types."""
    def work(name, model, inputs, type="f32", **more):
        peer = "torch cuda" if type == "f32" else f"torch cuda-{type}"
        more = {"contenders": ["weft"] + [peer] * (type in ("f32", "f16", "bf16")), "rounds": 5 if real else 3,
                "seconds": 0.05} | more
        spec = {"kind": "model"} | more.pop("spec", {})
        kind, _, rest = name.partition(" ")
        name = name if type == "f32" else f"{kind} {type} {rest}"
        return Work("vulkan", name, f"tests/bench/Inputs/{model}.weft", spec, inputs, device=device, profile=profile, type=type,
                    tolerance=1e-4 if type == "f32" else 2e-2, **more)

    f32 = lambda *shape: ("f32", list(shape), 0)
    rows = 65536 if real else 4096
    yield work(f"copy {rows * 4096 >> 20} MiB", "copy", [f32(rows, 1024)], spec={"kind": "copy"}, bytes=8 * rows * 1024)
    sizes = ((8192, 8192, 8192), (4096, 4096, 4096), (512, 4096, 4096), (1, 4096, 4096), (1, 14336, 4096)) if real else (
        (256, 768, 768), (32, 768, 768), (1, 768, 768))
    for rows, columns, depth in sizes:
        # Integers are for steps: with many rows their products are those of f32.
        for type in BITS if rows == 1 else ("f32", "f16", "bf16"):
            yield work(f"matmul {rows}x{columns}x{depth}", "matmul", [f32(rows, depth)], type, flops=2 * rows * columns * depth,
                       bytes=BITS[type] / 8 * columns * depth + 4 * (rows * depth + rows * columns), weights=True,
                       spec={"kind": "matmul", "rows": rows, "columns": columns, "depth": depth},
                       axes={"from": depth, "to": columns})
    for width in (64, 128):
        heads = 2048 // width if real else 256 // width
        for mask in ("plain", "causal"):
            for length in (1024, 2048, 4096, 8192, 16384) if real else (256, 1024):
                pairs = length * (length + 1) / 2 if mask == "causal" else length * length
                for type in ("f32", "f16") if real or "coop" in profile else ("f32",):
                    yield work(f"attention {mask} {length}, {heads} heads of {width}", f"attend-{mask}",
                               [f32(length, heads, width)] * 3, type, spec={"kind": "attention", "causal": mask == "causal"},
                               flops=4 * pairs * heads * width, bytes=16 * length * heads * width,
                               axes={"head": heads, "dim": width})
    for heads, keys in ((12, 12), (32, 8)):
        for length in (1024, 4096, 8192) if real else (256, 1024):
            past = length - 1
            yield work(f"decode {length}, {heads} heads of {keys}", "decode",
                       [f32(1, 1, heads, WIDTH), f32(1, 1, keys, WIDTH), f32(1, 1, keys, WIDTH)],
                       spec={"kind": "decode", "heads": heads, "keys": keys, "length": length},
                       flops=4 * heads * WIDTH * length, bytes=8 * keys * WIDTH * length,
                       axes={"head": heads, "kv_head": keys},
                       past=[f32(1, past, heads, WIDTH), f32(1, past, keys, WIDTH), f32(1, past, keys, WIDTH)])
    blocks = {"gpt2": (768, 12, 12, 64, 2 * 768 * 3072), "llama": (2048, 32, 8, 64, 3 * 2048 * 5632)}
    for name, (embed, heads, keys, dim, mlp) in blocks.items():
        length = 512 if real else 32
        matrices = embed * dim * (2 * heads + 2 * keys) + mlp
        pairs = length * (length + 1) / 2
        for type in ("f32", "f16", "bf16"):
            yield work(f"{name} block {length}", f"{name}-block", [f32(1, length, embed)], type, weights=True,
                       contenders=["weft"], flops=2 * length * matrices + 4 * pairs * heads * dim,
                       bytes=BITS[type] / 8 * matrices)
        for type in BITS:
            yield work(f"{name} block step at {length}", f"{name}-block", [f32(1, 1, embed)], type, weights=True,
                       contenders=["weft"], past=[f32(1, length, embed)], flops=2 * matrices,
                       bytes=BITS[type] / 8 * matrices + 8 * keys * dim * (length + 1))


GROUPS = {"matmul": matmuls, "types": narrow_matmuls, "attention": attentions, "decode": decodes, "models": models}
