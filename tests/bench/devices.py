"""Which Vulkan device is measured, and what its limits are.

A GPU is timed by its own clock, kernel by kernel: what inputs take to get there and outputs to come back is not in it, as
it is not in the peers' times. What the host waits for a whole call is kept beside it. Limits are those of our own kernels:
the largest product of the group, and a copy."""

import re
import subprocess

import works
from data import Failure


class Device:
    """The best device, as `weft devices` lists it; a failure where there is none."""

    def __init__(self, weft, wanted="vulkan"):
        listed = subprocess.run([weft, "devices"], stdout=subprocess.PIPE, text=True).stdout
        lines = re.findall(r"^(vulkan:\d+) +(.*)$", listed, re.MULTILINE)
        usable = {name: text for name, text in lines if "cannot be used" not in text}
        if wanted not in usable:
            # Real ones before those in software, as the runtime prefers them.
            ranked = sorted(usable, key=lambda name: "in software" in usable[name])
            if wanted != "vulkan" or not ranked:
                raise Failure(f"there is no device {wanted}:\n{listed}")
            wanted = ranked[0]
        self.name, self.text = wanted, usable[wanted]
        self.real = "in software" not in self.text

    def describe(self):
        return f"{self.name}: {self.text}" + ("" if self.real else
                                              "\nThere is no GPU here: these are figures of a device in software.")

    def works(self):
        return list(works.vulkans(self.name, self.real))

    def limits(self):
        """Name of a rate -> the work that reaches it."""
        all = self.works()
        return {"peak": max(all, key=lambda work: work.flops if work.spec["kind"] == "matmul" else 0),
                "read": next(work for work in all if work.spec["kind"] == "copy")}
