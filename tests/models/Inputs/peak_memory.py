"""Runs a program and prints by how many MiB its memory outgrew its arrays: peak_memory.py ROWS COMMAND...

Each name=FILE.npy of the command is made first, [ROWS, 8, 64] of normal numbers; there is one such result.
"""

import array
import random
import resource
import subprocess
import sys

rows, command = int(sys.argv[1]), sys.argv[2:]
paths = [argument.partition("=")[2] for argument in command if argument.endswith(".npy") and "=" in argument]
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 8, 64), }}"
header += " " * (-(len(header) + 11) % 64) + "\n"
block = array.array("f", (random.gauss(0, 1) for _ in range(64 * 64)))
for path in paths:
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        for _ in range(rows * 8 // 64):
            block.tofile(file)
subprocess.run(command, check=True)
arrays = (len(paths) + 1) * rows * 8 * 64 * 4
print(f"beyond arrays: {max(0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 - arrays) >> 20} MiB")
