//===- GpuProfile.h - what kernels for a GPU are made for -----------------------------------------------*- C++ -*-===//
// Answers: which kinds of Vulkan devices are there code for, and what does each let a kernel do?
//
// A profile is chosen when compiling. It is no device: every device that has what the kernels need runs them, and what
// they need is written beside each of them.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace weft {

/// Cooperative matrices: subgroups multiply `rows` x `depth` by `depth` x `columns` numbers of f16, and add in f32.
struct MatrixShape {
  int64_t rows = 0, columns = 0, depth = 0; ///< 0: there are none
  explicit operator bool() const { return rows > 0; }
};

/// How much of a product a workgroup computes by matrices: subgroups down and across, and the matrices of each of them.
struct MatrixTile {
  int64_t subgroupsDown = 0, subgroupsAcross = 0;
  int64_t down = 0, across = 0;
  int64_t steps = 0;       ///< matrices of the depth that lie in workgroup memory at a time
  int64_t ofAttention = 0; ///< subgroups of a workgroup that computes an attention
  bool unrolls = false;    ///< loops over matrices are written out
};

struct GpuProfile {
  llvm::StringLiteral name;
  llvm::StringLiteral description; ///< of the devices, for people
  int64_t invocations;             ///< of a workgroup; a power of two
  int64_t sharedBytes;             ///< of memory that a workgroup has
  int64_t subgroup = 0;            ///< invocations of a subgroup; 0: any number
  /// Where barriers and workgroup memory are dear, as on CPUs: few rows are a matter of one subgroup, which shuffles.
  /// Else only kernels with matrices depend on the size of a subgroup.
  bool subgroupsAlone = false;
  int64_t itemsOfGroup = 0; ///< invocations of a workgroup without barriers; 0: as many as of others
  /// Workgroups that the device runs at a time, where they are many more than a model has heads; else 0. A step then
  /// divides its keys into parts: see weft-divide-keys.
  int64_t groupsAtOnce = 0;
  MatrixShape matrix = {};
  MatrixTile tile = {};
  /// Subgroups reduce rows of matrices, and compute with single elements and their places: VK_NV_cooperative_matrix2.
  bool reducesMatrices = false;
};

/// All profiles, the most general first.
llvm::ArrayRef<GpuProfile> gpuProfiles();
/// Null for a name that there is none of.
const GpuProfile *gpuProfileNamed(llvm::StringRef name);
/// What every Vulkan device grants.
const GpuProfile &genericProfile();
/// The names, for messages: "generic, lavapipe-8 and nvidia-32".
std::string gpuProfileNames();

} // namespace weft
