"""Compares an executable over bytes with what float64 computed: its greedy text, and its scores after each prompt.

usage: greedy.py EXECUTABLE EXPECTED.json [options of the executable]
"""

import array
import ast
import json
import pathlib
import subprocess
import sys
import tempfile

# Single precision against double, over four layers.
TOLERANCE = 8e-5


def write_npy(path, values):
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': (1, {len(values)}), }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
                     + array.array("i", list(values)).tobytes())


def read_npy(path):
    """(shape, values) of a file of f32."""
    data = path.read_bytes()
    length = int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10:10 + length].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    return header["shape"], array.array("f", data[10 + length:])


def main():
    executable, expected, *options = sys.argv[1:]
    for case in json.load(open(expected)):
        prompt, greedy = case["prompt"], case["greedy"]
        told = subprocess.run([executable, "--generate", "--prompt", prompt, "--length", str(len(greedy)), *options],
                              capture_output=True, text=True, check=True).stdout
        if told != prompt + greedy + "\n":
            same = next((i for i, (a, b) in enumerate(zip(told, prompt + greedy)) if a != b), len(told)) - len(prompt)
            sys.exit(f"byte {same} after {prompt!r} is another, where the first choice leads by "
                     f"{case['margins'][min(max(same, 0), len(greedy) - 1)]}:\n{told}")
        with tempfile.TemporaryDirectory() as folder:
            tokens, logits = pathlib.Path(folder, "tokens.npy"), pathlib.Path(folder, "logits.npy")
            write_npy(tokens, prompt.encode())
            run = [option for option in options if option != "--no-cache"]
            subprocess.run([executable, f"tokens={tokens}", "-o", logits, *run], check=True, stdout=subprocess.DEVNULL)
            shape, values = read_npy(logits)
        assert shape == (1, len(prompt), 256), shape
        worst = max(abs(a - b) for a, b in zip(values[-256:], case["logits_after_prompt"]))
        if not worst <= TOLERANCE:
            sys.exit(f"the scores after {prompt!r} differ by {worst}")


if __name__ == "__main__":
    main()
