"""How bench.py and its contenders talk: one JSON object to a line, requests in, answers out.

  {"do": "prepare", "work": {...}}             facts about it; the work was done once
  {"do": "run", "seconds": s}                  {"seconds": [...]}: of each call until s have passed, one at least;
                                               by a GPU's clock perhaps, then "waited" says what its host waited
  {"do": "result", "file": f}                  {}: f32 numbers of the last call are in the file
  {"do": "compare", "wanted": f, "found": g}   {"difference": d, "largest": n}; programs in C++ only
An answer {"error": text} says why not. Contender.cpp is the same for programs in C++.
"""

import json
import os
import sys
import time

SETTLING = 0.03  # seconds: Contender.cpp says of what


def serve(contender):
    """Answers requests for an object with prepare(work), call() and result()."""
    # Libraries print what they like; only answers go where answers are read.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = answer(contender, request)
        except Exception as error:  # whatever a library raises is a reason
            reply = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def answer(contender, request):
    if request["do"] == "prepare":
        facts = contender.prepare(request["work"]) or {}
        for _ in range(3):  # what compiles when first called does so now
            contender.call()
        return facts
    if request["do"] == "run":
        times, begin = [], time.perf_counter()
        before, limit = begin, request.get("seconds", 0) + SETTLING
        while not times or before - begin < limit:
            contender.call()
            after = time.perf_counter()
            if before - begin < SETTLING:
                times.clear()
            own = contender.seconds() if hasattr(contender, "seconds") else None  # by a clock of its own, a GPU's
            times.append(after - before if own is None else own)
            before = after
        return {"seconds": times}
    if request["do"] == "result":
        import numpy
        numpy.ascontiguousarray(contender.result(), dtype=numpy.float32).tofile(request["file"])
        return {}
    return {"error": f"there is no request '{request['do']}'"}


def tensors(path):
    """Name -> (dtype, shape, offset of the first byte in the file) of a safetensors file."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], 8 + length + t["data_offsets"][0]) for name, t in header.items()}
