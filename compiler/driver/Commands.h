//===- Commands.h - what each subcommand of weft is asked -----------------------------------------------*- C++ -*-===//
// Answers: which options does a subcommand take, as data? weft.cpp fills these in; one file per command carries them
// out. Every command returns an exit code: 0 done, 1 the input is at fault, 2 usage, 3 the machine is.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace weft {
struct ProfiledCall;
}

namespace weft::driver {

enum ExitCode { Done = 0, BadInput = 1, Usage = 2, Machine = 3 };

/// A model file with what belongs to it.
struct ModelOptions {
  std::string file;              ///< .weft, or .mlir with `from`
  std::string weights;           ///< .safetensors; empty: none
  std::vector<std::string> axes; ///< "seq=128"
  std::string from = "model";    ///< phase that a .mlir file is in
  bool strict = false;           ///< unused weights are errors
  bool attentionWeights = false; ///< of every attention, as further outputs
};

/// How numbers are stored, by the names of the command line.
struct TypeOptions {
  std::string weights = "f32";
  std::string activations = "f32"; ///< or int8, in matmuls
};

struct CompileOptions {
  ModelOptions model;
  TypeOptions types;
  std::vector<std::string> targets; ///< "cpu", "vulkan"; none: cpu, or what the device asks for
  std::vector<std::string> cpus = {"native"};
  std::vector<std::string> profiles; ///< of Vulkan devices; none: generic
  std::string output;
  std::string emit; ///< a phase: print IR and stop
  std::string dumpDirectory;
  std::string weightsOut;
  unsigned optimization = 3;
  bool quiet = false;
  std::vector<ProfiledCall> *profile = nullptr; ///< the code counts the time of these calls, which it fills in
};

struct RunOptions {
  CompileOptions compile;             ///< `model.file` may be an artefact
  std::string onlyForModels;          ///< an option of `compile` that was given and that an artefact has no use for
  std::vector<std::string> arguments; ///< for the artefact: name=input.npy, -o, --time, ...
  std::string plot;       ///< a page, or with .svg a picture, of the weights of every attention; empty: none
  std::string plotLabels; ///< a file with a line for each position
};

struct InspectOptions {
  ModelOptions model;
  TypeOptions types;
  std::string target = "cpu", cpu = "native", profile;
  std::string phase, dumpDirectory;
  bool roofline = false, remarks = false;
  bool dispatches = false; ///< of a call on a GPU
  int64_t past = 0;
  bool mask = false;
  std::string maskSvg;             ///< a file to draw the masks into
  std::vector<std::string> inputs; ///< for masks that read them: name=input.npy
};

struct VerifyOptions {
  ModelOptions model;
  TypeOptions types;
  std::vector<std::string> targets; ///< none: cpu, or what the device asks for
  std::string device;               ///< that code for a GPU runs on: "vulkan:1"; empty: the best
  std::vector<std::string> cpus = {"native"};
  std::vector<std::string> profiles; ///< of Vulkan devices; none: generic
  std::vector<std::string> inputs;   ///< name=input.npy; others are random
  std::vector<std::string> sizes;    ///< of axes in random inputs: "seq=129"
  uint64_t seed = 1;
  bool quiet = false;
};

struct BenchOptions {
  CompileOptions compile;         ///< `model.file` may be a library
  std::string onlyForModels;      ///< an option of `compile` that was given and that a library has no use for
  std::vector<std::string> sizes; ///< of axes that are known when running: "seq=512"
  int64_t past = -1;              ///< positions in the cache before a step; -1: 128, or as many as leave room for one
  int threads = 0;                ///< 0: as many as there are CPUs
  int repeat = 0;                 ///< calls; 0: for about a second, five at least
  bool profile = false;           ///< of each kernel
  std::string device;             ///< "vulkan:1"; empty: what the library says
};

struct InitOptions {
  ModelOptions model;
  std::string output;
  uint64_t seed = 1;
};

int compile(const CompileOptions &options);
int run(const RunOptions &options);
int inspect(const InspectOptions &options);
int inspectMasks(const InspectOptions &options); ///< what `inspect --mask` does
int verify(const VerifyOptions &options);
int check(const ModelOptions &options);
int init(const InitOptions &options);
int bench(const BenchOptions &options);
int devices();

} // namespace weft::driver
