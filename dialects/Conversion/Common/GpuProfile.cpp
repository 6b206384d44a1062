//===- GpuProfile.cpp - the table of profiles ---------------------------------------------------------------------===//
#include "dialects/Conversion/Common/GpuProfile.h"
#include "llvm/ADT/STLExtras.h"

namespace weft {

// Mesa's device in software runs a subgroup as one vector, and the subgroups of a workgroup in turns from barrier to
// barrier; it goes through the code of those without work as well. Its compiler takes minutes for kernels of many
// matrix operations: the small tile has 8 of them.
static constexpr MatrixTile smallTile = {
    .subgroupsDown = 2, .subgroupsAcross = 2, .down = 2, .across = 2, .steps = 2, .ofAttention = 2};
static constexpr MatrixTile largeTile = {
    .subgroupsDown = 2, .subgroupsAcross = 4, .down = 4, .across = 2, .steps = 2, .ofAttention = 4, .unrolls = true};

static constexpr GpuProfile profiles[] = {
    {.name = "generic", .description = "every device with Vulkan 1.2", .invocations = 128, .sharedBytes = 16384},
    {.name = "lavapipe-8",
     .description = "Mesa's device in software, with vectors of 256 bits",
     .invocations = 128,
     .sharedBytes = 32768,
     .subgroup = 8,
     .subgroupsAlone = true,
     .itemsOfGroup = 32},
    {.name = "lavapipe-8-coop",
     .description = "the same from Mesa 26 on, which has cooperative matrices",
     .invocations = 128,
     .sharedBytes = 32768,
     .subgroup = 8,
     .subgroupsAlone = true,
     .itemsOfGroup = 32,
     .matrix = {8, 8, 8},
     .tile = smallTile},
    {.name = "lavapipe-8-coop2",
     .description = "the same, which reduces matrices, too",
     .invocations = 128,
     .sharedBytes = 32768,
     .subgroup = 8,
     .subgroupsAlone = true,
     .itemsOfGroup = 32,
     .matrix = {8, 8, 8},
     .tile = smallTile,
     .reducesMatrices = true},
    {.name = "nvidia-32",
     .description = "NVIDIA's GPUs",
     .invocations = 256,
     .sharedBytes = 49152,
     .subgroup = 32,
     .groupsAtOnce = 256},
    {.name = "nvidia-32-coop",
     .description = "NVIDIA's GPUs with tensor cores",
     .invocations = 256,
     .sharedBytes = 49152,
     .subgroup = 32,
     .groupsAtOnce = 256,
     .matrix = {16, 16, 16},
     .tile = largeTile},
    {.name = "nvidia-32-coop2",
     .description = "the same with drivers that reduce matrices",
     .invocations = 256,
     .sharedBytes = 49152,
     .subgroup = 32,
     .groupsAtOnce = 256,
     .matrix = {16, 16, 16},
     .tile = largeTile,
     .reducesMatrices = true},
};

llvm::ArrayRef<GpuProfile> gpuProfiles() { return profiles; }

const GpuProfile *gpuProfileNamed(llvm::StringRef name) {
  const GpuProfile *found = llvm::find_if(profiles, [&](const GpuProfile &profile) { return profile.name == name; });
  return found == std::end(profiles) ? nullptr : found;
}

const GpuProfile &genericProfile() { return profiles[0]; }

std::string gpuProfileNames() {
  std::string names;
  for (auto [i, profile] : llvm::enumerate(profiles))
    names += (i == 0 ? "" : i + 1 == std::size(profiles) ? " and " : ", ") + profile.name.str();
  return names;
}

} // namespace weft
