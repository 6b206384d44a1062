"""cancel.py FILE: one row of 64 numbers, 1e8 and -1e8 beside each other, then 1 some places further, else 0."""

import sys

from npy import write

row = ["0"] * 64
row[0], row[1], row[32] = "1e8", "-1e8", "1"
write(sys.argv[1], "f4", "1,64", ",".join(row))
