"""How operators of the ONNX standard, attention aside, are said in the language."""

import math

from conformance.model import Inexpressible, Model


def each_axis(model, array, open=True):
    """An axis for each dimension."""
    return [model.axis(f"axis{i}", size, open) for i, size in enumerate(array.shape)]


def dimension(case, array, default):
    return case.attribute("axis", default) % len(array.shape)


# ---- element by element, and along an axis ---------------------------------------------------------------------------

def elementwise(case, expression):
    model = Model()
    axes = each_axis(model, case.inputs[0])
    model.input("x", axes, case.inputs[0])
    model.result(0, axes, expression)
    return model


def gelu(case):
    return elementwise(case, "gelu_tanh(x)" if case.attribute("approximate", "none") == "tanh" else "gelu(x)")


def swish(case):
    return elementwise(case, f"x * sigmoid({case.attribute('alpha', 1.0)!r} * x)")


def softmax(case):
    model = elementwise(case, "")
    axes, x = model.inputs["x"]
    model.results = []
    model.result(0, axes, f"softmax[{axes[dimension(case, x, -1)]}] x")
    return model


def log_softmax(case):
    model = softmax(case)
    axes, x = model.inputs["x"]
    axis = axes[dimension(case, x, -1)]
    model.statements = [f"y = x - max[{axis}] x"]
    model.results = []
    model.result(0, axes, f"y - log(sum[{axis}] exp(y))")
    return model


# ---- norms -----------------------------------------------------------------------------------------------------------

def norm(case, call, weights):
    """A norm goes over all dimensions from `axis` on, which lie together: one axis to the model."""
    x = case.inputs[0]
    axis = dimension(case, x, -1)
    model = Model()
    model.axis("lead", math.prod(x.shape[:axis]), open=True)
    model.axis("width", math.prod(x.shape[axis:]))
    model.input("x", ["lead", "width"], x)
    for name, array in zip(weights, case.inputs[1:]):
        model.weights[f"norm.{name}"] = array.reshaped([model.sizes["width"]])
    epsilon = case.attribute("epsilon", 1e-5)
    model.result(0, ["lead", "width"], f'{call}(x, "norm", eps = {epsilon!r})')
    return model, epsilon


def layer_normalization(case):
    model, epsilon = norm(case, "layer_norm", ["weight", "bias"])
    model.statements = ["centre = mean[width] x", "rest = x - centre"]
    model.result(1, ["lead"], "centre")
    model.result(2, ["lead"], f"1 / sqrt(mean[width](rest * rest) + {epsilon!r})")
    return model


def rms_normalization(case):
    return norm(case, "rms_norm", ["weight"])[0]


# ---- positions -------------------------------------------------------------------------------------------------------

def rotary_embedding(case):
    """Pairs are turned by angles that the caller's tables hold; the rest of the width stays as it is."""
    x, cos, sin = case.inputs[:3]
    positions = case.inputs[3] if len(case.inputs) > 3 else None
    batch, heads, length, width = x.shape
    turned = case.attribute("rotary_embedding_dim", 0) or width
    model = Model()
    model.axis("batch", batch, open=True)
    model.axis("seq", length, open=True)
    model.axis("head", heads)
    if width % turned:
        raise Inexpressible(f"the rest of {width - turned} numbers is no multiple of the {turned} that are turned")
    pieces = [model.axis("piece", width // turned)] if turned < width else []
    model.axis("pair", turned // 2)
    model.axis("part", 2)
    inner = ["pair", "part"] if case.attribute("interleaved", 0) else ["part", "pair"]
    axes = ["batch", "head", "seq", *pieces, *inner]
    model.input("x", axes, x)
    if positions:
        model.axis("place", cos.shape[0])
        model.input("at", ["batch", "seq"], positions)
        for name, table in (("cos", cos), ("sin", sin)):
            model.weights[f"{name}.weight"] = table
            model.statements.append(f'{name}s = lookup(at, "{name}", place -> pair)')
    else:
        for name, table in (("coss", cos), ("sins", sin)):
            model.input(name, ["batch", "seq", "pair"], table)
    model.statements += ["a = x[part = 0]", "b = x[part = 1]",
                         "y = if position(part) == 0 then a * coss - b * sins else a * sins + b * coss"]
    model.result(0, axes, "if position(piece) == 0 then y else x" if pieces else "y")
    return model


# ---- convolution -----------------------------------------------------------------------------------------------------

def causal_conv(case):
    """A channel's last positions, weighted. Those before the first are the state; the last ones become the next state."""
    x, weight, bias, state = (*case.inputs, None, None)[:4]
    kernel = weight.shape[2]
    model = Model()
    for name, size in zip(("batch", "channel", "seq"), x.shape):
        model.axis(name, size)
    model.axis("tap", kernel)
    model.input("x", ["batch", "channel", "seq"], x)
    model.input("weight", ["channel", "tap"], weight)

    def at(place):
        """What lies at a place of state and input together."""
        found = f"sum[src](if position(src) + {kernel - 1} == {place} then xs else 0)"
        if state:
            found += f" + sum[old](if position(old) == {place} then state else 0)"
        return found

    model.axis("src", x.shape[2])
    model.statements.append("xs = rename(x, seq -> src)")
    if kernel > 1:
        model.axis("old", kernel - 1)
        model.axis("new", kernel - 1)
    if state:
        model.input("state", ["batch", "channel", "old"], state)
    model.statements.append(f"seen = {at('position(seq) + position(tap)')}")
    model.statements.append("y = sum[tap] seen * weight")
    if bias:
        model.input("shift", ["channel"], bias)
        model.statements.append("y += shift")
    activation = case.attribute("activation", "none")
    model.result(0, ["batch", "channel", "seq"], {"none": "y", "silu": "silu(y)", "swish": "silu(y)"}[activation])
    if kernel > 1:
        model.result(1, ["batch", "channel", "new"], at("position(new) + seq"))
    return model


# ---- recurrences -----------------------------------------------------------------------------------------------------

def linear_attention(case):
    """A state for each key head, which forgets, learns a value for a key, and answers a query, position by position."""
    query, key, value, past, decay, beta = (*case.inputs, None, None, None)[:6]
    rule = case.attribute("update_rule", "gated_delta")
    heads, key_heads = case.attribute("q_num_heads"), case.attribute("kv_num_heads")
    width, value_width = query.shape[2] // heads, value.shape[2] // key_heads
    model = Model()
    model.axis("batch", query.shape[0], open=True)
    model.axis("seq", query.shape[1], open=True)
    model.axis("kv_head", key_heads)
    model.axis("group", heads // key_heads)
    model.axis("dim", width)
    model.axis("wide", value_width)
    inside = {}

    def operand(name, axes, array):
        model.input(name, ["batch", "seq", *axes], array)
        inside[name] = axes

    operand("q", ["kv_head", "group", "dim"], query)
    operand("k", ["kv_head", "dim"], key)
    operand("v", ["kv_head", "wide"], value)
    body = []
    if "gated" in rule:
        operand("decay", ["kv_head", "dim"] if decay.shape[2] > key_heads else ["kv_head"], decay)
        body.append("state = state * exp(decay)")
    if "delta" in rule:
        operand("beta", ["kv_head"] if beta.shape[2] == key_heads else [], beta)
        body.append("state += beta * k * (v - sum[dim](state * k))")
    else:
        body.append("state += k * v")
    scale = case.attribute("scale", 0.0)
    body.append(f"return sum[dim](q * state) {f'* {scale!r}' if scale else '/ sqrt(dim)'}, state")
    parameters = ", ".join(f"{name}[{', '.join(axes)}]" for name, axes in inside.items())
    state = ["kv_head", "dim", "wide"]
    model.declarations.append(f"block place({parameters}, state[{', '.join(state)}]) -> y: [kv_head, group, wide], "
                              f"state: [{', '.join(state)}] {{\n" + "".join(f"  {line}\n" for line in body) + "}")
    start = ", state = past" if past else ""
    if past:
        model.input("past", ["batch", *state], past)
    model.statements.append(f"y, state = scan(place, {', '.join(inside)}{start}, over seq)")
    model.result(0, ["batch", "seq", "kv_head", "group", "wide"], "y")
    model.result(1, ["batch", *state], "state[seq = last]")
    return model


OPERATORS = {
    "CausalConvWithState": causal_conv,
    "Gelu": gelu,
    "LayerNormalization": layer_normalization,
    "LinearAttention": linear_attention,
    "LogSoftmax": log_softmax,
    "RMSNormalization": rms_normalization,
    "RotaryEmbedding": rotary_embedding,
    "Softmax": softmax,
    "Swish": swish,
}
