"""Which Vulkan device is measured, and what its limits are.

A GPU is timed by its own clock, kernel by kernel: what inputs take to get there and outputs to come back is not in it, as
it is not in the peers' times. What the host waits for a whole call is kept beside it. Limits are those of our own kernels:
the largest product of the group in the type that is multiplied, and a copy. Kernels are made for the best profile that the
device can run."""

import re
import subprocess

import works
from data import Failure

# What a device's description holds, and profiles for it, the best first.
PROFILES = (("NVIDIA", ("nvidia-32-coop", "nvidia-32")), ("llvmpipe", ("lavapipe-8-coop", "lavapipe-8")))


class Device:
    """The best device, as `weft devices` lists it; a failure where there is none."""

    def __init__(self, data, wanted="vulkan"):
        weft = data.weft
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

        self.profile = next((profile for word, profiles in PROFILES if word in self.text for profile in profiles
                             if self.runs(data, profile)), "generic")

    def runs(self, data, profile):
        """Whether a product of f16 runs there, which multiplies by matrices where the profile has some."""
        sizes = ["--axis", "from=64", "--axis", "to=64"]
        weights = data.home.folder / "profile.safetensors"
        data.run(data.weft, "init", "tests/bench/Inputs/matmul.weft", *sizes, "-o", weights)
        command = [data.weft, "bench", "tests/bench/Inputs/matmul.weft", *sizes, "-w", weights, "--size", "row=32", "-q",
                   "--repeat", "1", "--type", "f16", "--device", self.name, "--vulkan-profile", profile]
        found = subprocess.run(list(map(str, command)), cwd=data.home.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
        if found.returncode not in (0, 3):  # 3: no device can run it
            raise Failure(f"{' '.join(map(str, command))} ended with exit code {found.returncode}:\n{found.stdout}")
        return found.returncode == 0

    def describe(self):
        return f"{self.name}: {self.text}\nKernels are made for the profile {self.profile}." + (
            "" if self.real else "\nThere is no GPU here: these are figures of a device in software, and sizes are smaller.")

    def works(self):
        return list(works.vulkans(self.name, self.real, self.profile))

    def limits(self, work):
        """Name of a rate -> the work that reaches it."""
        all, multiplied = self.works(), "f16" if work.type == "f16" else "f32"
        products = (other for other in all if other.spec["kind"] == "matmul" and other.type == multiplied)
        return {"peak": max(products, key=lambda other: other.flops),
                "read": next(other for other in all if other.spec["kind"] == "copy")}
