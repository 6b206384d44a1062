"""Under which conditions do tests use Vulkan?"""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mesa


def environment(base, weft, cache):
    """(variables, reason): the environment for tests, and why they cannot use Vulkan, "" where they can.

    With the validation layer, where it is installed: any message of it fails the call that it comes from. On a device in
    software with one thread, since several tests run at once, and with the vectors that kernels are tested with.
    """
    variables = {"WEFT_VULKAN_CACHE": str(cache), "LP_NUM_THREADS": "1", "LP_NATIVE_VECTOR_WIDTH": "256"}
    ours = ("WEFT_VULKAN_LOADER", "WEFT_VULKAN_MEMORY", "WEFT_VULKAN_VALIDATION", "WEFT_VULKAN_ORDER")
    inherited = {name: value for name, value in base.items() if name not in ours}
    if not os.path.exists(weft):
        return {**inherited, **variables}, "weft is not built"

    def devices(validation):
        command = [weft, "devices"]
        process = subprocess.run(command, env={**inherited, **variables, "WEFT_VULKAN_VALIDATION": validation},
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        usable = [line for line in process.stdout.splitlines() if re.match(r"vulkan:\d", line) and "cannot be used" not in line]
        return usable, process.stdout

    usable, listed = devices("0")
    if not usable:
        return {**inherited, **variables}, listed.partition("\n")[2].strip() or "weft devices lists none"
    if devices("1")[0]:
        variables["WEFT_VULKAN_VALIDATION"] = "1"
    return {**inherited, **variables}, ""


def matrices(base, build):
    """(words, reason, reduces): how `weft` is started to find a device with cooperative matrices, why there is none, "" where
    there is, and whether it reduces them: VK_NV_cooperative_matrix2.

    With the Mesa that `./dev test --vulkan-coop` fetches into the build folder, or else on the devices of this machine.
    """
    weft, folder = build / "bin" / "weft", build / "mesa"
    if not weft.exists():
        return [], "weft is not built", False
    words = [str(weft)]
    if mesa.is_there(folder):
        mesa.give_runtime(folder, build / "lib")
        words = ["env", *(f"{name}={value}" for name, value in mesa.variables(folder).items()), *mesa.command(folder, weft)]
    process = subprocess.run([*words, "devices"], env=base, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if "cooperative matrices" in process.stdout:
        return words, "", "VK_NV_cooperative_matrix2" in process.stdout
    return words, "no device here has cooperative matrices; ./dev test --vulkan-coop fetches a Mesa that has", False
