"""How the standard's Attention and FlexAttention are said in the language.

Similarity, scale, soft cap, an added mask, softmax, values: the order of the operator is that of `attend`. Packed widths
(the 3-D form) and split ones (4-D) are the same numbers in another order of axes.
"""

from conformance.model import TYPES, Inexpressible, Model


class Attention:
    """One case: the shapes, then clause by clause."""

    def __init__(self, case):
        self.case, self.model = case, Model()
        self.q, self.k, self.v = case.inputs[:3]
        self.mode = case.attribute("qk_matmul_output_mode", 0)
        self.packed = len(self.q.shape) == 3
        self.mask_input, self.past_key, self.past_value, self.lengths = (*case.inputs[3:], *[None] * 4)[:4]
        self.score, self.where = [], []  # clauses
        self.tensors = []                # what they read

    def refuse(self):
        """What the language cannot say."""
        if any(array and array.dtype == "<f2" for array in self.case.inputs):
            raise Inexpressible("inputs and outputs of a model are f32, not f16")

    def describe(self):
        """Axes and operands. Grouped heads are two axes where the scores are wanted, so that names match."""
        case, model = self.case, self.model
        if self.packed:
            heads, key_heads = case.attribute("q_num_heads"), case.attribute("kv_num_heads")
            batch, queries, width = self.q.shape
            keys, width, value_width = self.k.shape[1], width // heads, self.v.shape[2] // key_heads
        else:
            batch, heads, queries, width = self.q.shape
            key_heads, keys, value_width = self.k.shape[1], self.k.shape[2], self.v.shape[3]
        past = self.past_key.shape[2] if self.past_key else 0
        model.axis("batch", batch, open=True)
        model.axis("seq", queries, open=True)
        model.axis("src", keys, open=not past)
        self.keys = "src"
        if past:  # the caller's cache goes before
            model.axis("past", past)
            self.keys = model.axis("total", past + keys)
        if heads == key_heads:
            self.heads = self.key_heads = [model.axis("head", heads)]
        elif case.wants("qk_matmul_output"):
            self.heads = [model.axis("kv_head", key_heads), model.axis("group", heads // key_heads)]
            self.key_heads = ["kv_head"]
        else:
            self.heads, self.key_heads = [model.axis("head", heads)], [model.axis("kv_head", key_heads)]
        self.width = self.value_width = model.axis("dim", width)
        if value_width != width:
            self.value_width = model.axis("wide", value_width)
        model.input("q", self.order("seq", self.heads, self.width), self.q)
        for name, array, before, width in (("k", self.k, self.past_key, self.width),
                                           ("v", self.v, self.past_value, self.value_width)):
            model.input(name, self.order("src", self.key_heads, width), array)
            if past:
                model.input(f"past_{name}", ["batch", *self.key_heads, "past", width], before)
                model.statements.append(f"{name} = concat(past_{name}, {name}, past src -> total)")

    def order(self, positions, heads, width):
        return ["batch", positions, *heads, width] if self.packed else ["batch", *heads, positions, width]

    # ---- clauses -----------------------------------------------------------------------------------------------------

    def place(self):
        """The position of query q among the keys."""
        if self.lengths:
            return "(q + length[b] - seq)"
        return "(q + past)" if self.past_key else "q"

    def positions(self):
        """Causal and windowed masks, and lengths: one formula over positions."""
        case, conditions = self.case, []
        left, right = case.attribute("left_window_size", -1), case.attribute("right_window_size", -1)
        if case.attribute("is_causal", 0):
            conditions.append(f"k <= {self.place()}")
        if left >= 0:
            conditions.append(f"{self.place()} - k <= {left}")
        if right >= 0:
            conditions.append(f"k - {self.place()} <= {right}")
        if self.lengths:
            self.model.input("length", ["batch"], self.lengths)
            conditions.append("k < length[b]")
        if not conditions:
            return
        formula = " and ".join(conditions)
        if self.lengths:
            self.declare("mask", "seen", "b, q, k", "length: i32[batch]", formula, ["length"])
        else:
            self.declare("mask", "seen", "q, k", "", formula, [])

    def declare(self, kind, name, parameters, tensors, formula, arguments):
        head = f"{kind} {name}({parameters}{'; ' + tensors if tensors else ''})"
        self.model.declarations.append(f"{head} = {formula}")
        use = f"{name}({', '.join(arguments)})" if arguments else name
        self.tensors += arguments
        (self.where if kind == "mask" else self.score).append(use)

    def given_mask(self):
        """A mask given at run time: a condition, or a number to add. Dimensions of size 1 are the same all along."""
        array, model = self.mask_input, self.model
        axes = []
        sizes = list(array.shape)
        batch, heads, queries, keys = [1] * (4 - len(sizes)) + sizes
        if batch > 1:
            axes.append("batch")
        if heads > 1:
            axes += self.heads
        read = []
        if queries == model.sizes["seq"]:
            axes.append("seq")
            read.append(("seq", "q"))
        key_axis = self.keys
        if keys != model.sizes[self.keys]:
            key_axis = model.axis("masked", keys, open=True)  # keys past its end are not admitted
        axes.append(key_axis)
        read.append((key_axis, "k"))
        model.input("given", axes, array)
        element = f"given[{', '.join(at for _, at in read)}]"
        parameters = ", ".join(at for _, at in read)
        tensor = f"[{', '.join(axis for axis, _ in read)}]"
        if key_axis != self.keys:
            self.declare("mask", "inside", "k", "", f"k < {keys}", [])
        if array.dtype == "|b1":
            self.declare("mask", "allowed", parameters, f"given: bool{tensor}", element, ["given"])
        else:
            self.declare("score", "biased", f"s, {parameters}", f"given{tensor}", f"s + {element}", ["given"])

    # ---- the whole ---------------------------------------------------------------------------------------------------

    def clauses(self):
        scale, cap = self.case.attribute("scale"), self.case.attribute("softcap", 0.0)
        if cap:
            self.score.append(f"softcap({cap!r})")
        if self.mask_input:
            self.given_mask()
        self.positions()
        text = f" where {' and '.join(self.where)}" if self.where else ""
        text += f" score {' then '.join(self.score)}" if self.score else ""
        return text if scale is None else f"{text} scale {scale!r}"

    def build(self):
        model = self.model
        self.refuse()
        self.describe()
        clauses = self.clauses()
        inside = {"q": ["batch", "seq", *self.heads, self.width],
                  "k": ["batch", self.keys, *self.key_heads, self.width],
                  "v": ["batch", self.keys, *self.key_heads, self.value_width]}
        inside |= {name: model.inputs[name][0] for name in self.tensors}
        results = {"a": ["batch", "seq", *self.heads, self.value_width]}
        if self.case.wants("qk_matmul_output") and self.mode == 3:
            clauses += " with weights"
            results["p"] = ["batch", "seq", *self.heads, self.keys]
        self.declare_block(inside, results, f"attend(q, k, v, over seq {self.keys}){clauses}")
        model.statements.append(f"{', '.join(results)} = attention({', '.join(inside)})")
        model.result(0, self.order("seq", self.heads, self.value_width), "a")
        for name, width in (("key", self.width), ("value", self.value_width)):
            if self.case.wants(f"present_{name}"):
                model.result(self.case.output(f"present_{name}"), ["batch", *self.key_heads, self.keys, width], name[0])
        if self.case.wants("qk_matmul_output"):
            model.result(self.case.output("qk_matmul_output"), ["batch", *self.heads, "seq", self.keys],
                         "p" if "p" in results else self.scores())
        return model

    def declare_block(self, inside, results, attend):
        """A block that sees positions, heads and width in the order that tells them apart."""
        parameters = ", ".join(f"{name}: {TYPES[self.model.inputs[name][1].dtype]}[{', '.join(axes)}]"
                               for name, axes in inside.items())
        types = ", ".join(f"[{', '.join(axes)}]" for axes in results.values())
        names = ", ".join(results)
        self.model.declarations.append(f"block attention({parameters}) -> {types} {{\n  {names} = {attend}\n"
                                       f"  return {names}\n}}")

    def scores(self):
        """The scores at a point of their way: after the scale, the soft cap or the mask."""
        scale, cap = self.case.attribute("scale"), self.case.attribute("softcap", 0.0)
        text = f"(sum[dim] q * k) {'/ sqrt(dim)' if scale is None else f'* {scale!r}'}"
        if self.mode >= 1 and cap:
            text = f"{cap!r} * tanh({text} / {cap!r})"
        if self.mode >= 2:
            if self.where:
                raise Inexpressible("a mask that keeps a key out leaves no score")
            text += " + given" if self.mask_input else ""
        return text


class FlexAttention(Attention):
    """Attention whose scores and probabilities go through graphs, which become formulas."""

    BINARY = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
    UNARY = {"Tanh": "tanh", "Exp": "exp", "Abs": "abs", "Sqrt": "sqrt"}

    def formula(self, graph, parameter):
        values = {graph["inputs"][0]: parameter}
        for constant in graph["initializers"]:
            (number,) = constant["value"]
            values[constant["name"]] = repr(number)
        for node in graph["nodes"]:
            operands = [values[name] for name in node["inputs"]]
            if node["op"] in self.BINARY:
                text = f"({operands[0]} {self.BINARY[node['op']]} {operands[1]})"
            else:
                text = f"{self.UNARY[node['op']]}({operands[0]})"
            (name,) = node["outputs"]
            values[name] = text
        return values[graph["outputs"][0]]

    def clauses(self):
        graph = self.case.attribute("score_mod")
        if graph:
            self.declare("score", "changed", "s", "", self.formula(graph, "s"), [])
        graph = self.case.attribute("prob_mod")
        if not graph:
            return super().clauses()
        self.model.declarations.append(f"weigh weighed(p) = {self.formula(graph, 'p')}")
        return super().clauses() + " weigh weighed"


def attention(case):
    return Attention(case).build()


def flex_attention(case):
    return FlexAttention(case).build()


OPERATORS = {"Attention": attention, "FlexAttention": flex_attention}
