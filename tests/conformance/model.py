"""A model under construction: its text, and the arrays that it is to be run with."""

# What an input of each type is to a model.
TYPES = {"<f4": "f32", "<i8": "i32", "<i4": "i32", "|b1": "bool"}


class Inexpressible(Exception):
    """Raised where the language cannot say what an operator does, with the reason."""


class Model:
    def __init__(self):
        self.sizes, self.open = {}, set()  # of axes; those that are known when running only
        self.declarations = []             # masks, scores, blocks
        self.statements = []               # of the model
        self.inputs = {}                   # name -> (axes, array)
        self.weights = {}                  # name -> array
        self.results = []                  # (number of the case's output, axes, expression)

    def axis(self, name, size, open=False):
        """Declares an axis and returns its name."""
        self.sizes[name] = size
        if open:
            self.open.add(name)
        return name

    def input(self, name, axes, array):
        """Declares an input: the array's numbers as they lie, over these axes."""
        self.inputs[name] = (list(axes), array.reshaped([self.sizes[axis] for axis in axes]))
        return name

    def result(self, output, axes, expression):
        self.results.append((output, list(axes), expression))

    def text(self):
        axes = ", ".join(name if name in self.open else f"{name} = {size}" for name, size in self.sizes.items())
        inputs = ", ".join(f"{name}: {TYPES[array.dtype]}[{', '.join(axes)}]"
                           for name, (axes, array) in self.inputs.items())
        outputs = ", ".join(f"out{i}: f32[{', '.join(axes)}]" for i, (_, axes, _) in enumerate(self.results))
        values = ", ".join(expression for *_, expression in self.results)
        lines = [f"axes {axes}", *self.declarations, f"model m({inputs}) -> {outputs} {{",
                 *(f"  {statement}" for statement in self.statements), f"  return {values}", "}"]
        return "\n".join(lines) + "\n"
