# How lit finds and runs the tests that are files: .mlir for weft-opt, .weft for weft, .test for anything on a command line.
#
# The programs of the build (weft, weft-opt, weft-interpret) and of LLVM (FileCheck, not, split-file) go by their names.
# %examples, %shared, %runtime-include, %bench and %build are folders, %clang and %python programs.
# Features a test can REQUIRE:
#   shared   the folder ../shared beside the project is there (never in a user's clone)
#   slow     the run is a whole one, not `./dev test --quick`
#   avx512   this machine runs x86-64-v4 code
#   vulkan   this machine has a Vulkan device that models can run on
#   vulkan-coop   one with cooperative matrices, which %coop-weft finds: see tests/tools/mesa.py
#   vulkan-coop2  and with VK_NV_cooperative_matrix2
import os
import pathlib
import shlex
import sys

import lit.formats

config.name = "weft"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".weft", ".test"]
# Inputs are what tests read; the models in errors/ are read by a GoogleTest of the front end.
config.excludes = ["Inputs", "errors"]
config.test_source_root = os.path.join(config.weft_source_dir, "tests")
config.test_exec_root = os.path.join(config.weft_binary_dir, "tests", "lit")

bin_dir = os.path.join(config.weft_binary_dir, "bin")
config.environment["PATH"] = os.pathsep.join([bin_dir, config.llvm_tools_dir, config.environment["PATH"]])
# The artefacts that tests make are run on as many threads as the test asks for.
config.environment.pop("WEFT_THREADS", None)

shared = os.path.join(config.weft_source_dir, "..", "shared")
config.substitutions += [
    ("%examples", os.path.join(config.weft_source_dir, "examples")),
    ("%shared", os.path.normpath(shared)),
    ("%runtime-include", os.path.join(config.weft_source_dir, "runtime", "include")),
    ("%clang", config.clang),
    ("%python", sys.executable),
    ("%bench", os.path.join(config.weft_source_dir, "tests", "bench")),
    ("%build", config.weft_binary_dir),
]

if os.path.isdir(shared):
    config.available_features.add("shared")
if not lit_config.params.get("quick"):
    config.available_features.add("slow")
with open("/proc/cpuinfo") as cpu:
    flags = set(next(line for line in cpu if line.startswith("flags")).split())
if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
    config.available_features.add("avx512")

sys.path.insert(0, os.path.join(config.weft_source_dir, "tests", "tools"))
sys.dont_write_bytecode = True
import vulkan

config.environment, missing = vulkan.environment(config.environment, os.path.join(bin_dir, "weft"),
                                                 os.path.join(config.test_exec_root, "vulkan-cache"))
if not missing:
    config.available_features.add("vulkan")
words, missing, reduces = vulkan.matrices(config.environment, pathlib.Path(config.weft_binary_dir))
config.substitutions.append(("%coop-weft", shlex.join(words)))
if not missing:
    config.available_features.add("vulkan-coop")
if reduces:
    config.available_features.add("vulkan-coop2")
