"""Files that contenders read: inputs, weights and artefacts. What is there already is made no second time."""

import array
import hashlib
import json
import pathlib
import random
import subprocess

from protocol import tensors


class Failure(Exception):
    """Something that has to work did not."""


def numbers(type, shape, bound, seed):
    """Bytes of random numbers: integers below `bound` (ones where that is negative), or f32 of mean 0 and deviation 1."""
    count = 1
    for size in shape:
        count *= size
    generator = random.Random(seed)
    if type == "i32":
        return array.array("i", [1] * count if bound < 0 else [generator.randrange(bound) for _ in range(count)]).tobytes()
    raw = array.array("h", generator.randbytes(2 * count))
    return array.array("f", map((3 ** 0.5 / 32768).__mul__, raw)).tobytes()


class Data:
    def __init__(self, home):
        self.home = home
        self.weft = home.build / "bin" / "weft"
        self.made = set()

    def run(self, *command):
        process = subprocess.run(list(map(str, command)), cwd=self.home.root, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        if process.returncode != 0:
            raise Failure(f"{' '.join(map(str, command))} ended with exit code {process.returncode}:\n{process.stdout}")

    def inputs(self, wanted, seed):
        """Descriptions of input files, for contenders."""
        result = []
        for place, (type, shape, bound) in enumerate(wanted):
            key = hashlib.sha1(json.dumps([type, shape, bound, seed, place]).encode()).hexdigest()[:12]
            path = self.home.folder / f"input-{key}.bin"
            if not path.exists():
                path.write_bytes(numbers(type, shape, bound, f"{seed} {place}"))
            result.append({"file": str(path), "type": type, "shape": shape})
        return result

    def compiled(self, work):
        """Paths of the library and of the weights, which may be None."""
        axes = [word for axis, size in sorted(work.axes.items()) for word in ("--axis", f"{axis}={size}")]
        stem = pathlib.Path(work.model).stem + "".join(f"-{size}" for _, size in sorted(work.axes.items()))
        types = "" if work.type == "f32" else f"-{work.type}-{work.activations}"
        weights, library = None, self.home.folder / f"{stem}{types}.so"
        options = ["-q", *axes, "--type", work.type, "--activations", work.activations]
        if work.device != "cpu":
            library = library.with_suffix(f".{work.profile}.so")
            options += ["--target", "vulkan", "--vulkan-profile", work.profile, "--profile"]
        if work.weights:
            weights = self.home.folder / f"{stem}.safetensors"
            if not weights.exists():
                self.run(self.weft, "init", work.model, *axes, "-o", weights)
            options += ["--weights", weights]
            if weights.stat().st_size > 2 << 30:  # more than an artefact holds
                options += ["--weights-out", library.with_suffix(".weights")]
        if library not in self.made:  # anew in each run: the compiler may have changed
            self.run(self.weft, "compile", work.model, *options, "-o", library)
            self.made.add(library)
        return library, weights

    def spec(self, work, threads):
        """Everything that a contender is told."""
        library, weights = self.compiled(work)
        spec = work.spec | {"type": work.type, "activations": work.activations, "threads": threads, "device": work.device,
                            "artefact": str(library), "inputs": self.inputs(work.inputs, 1)}
        if work.past is not None:
            spec["past"] = self.inputs(work.past, 2)
        if weights:
            name, (_, shape, offset) = next(iter(tensors(weights).items()))
            spec["weights"] = {"file": str(weights), "offset": offset}
        return spec
