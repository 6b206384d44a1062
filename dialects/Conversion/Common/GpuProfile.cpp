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

static constexpr GpuProfile lavapipe = {.name = "lavapipe-8",
                                        .description = "Mesa's device in software, with vectors of 256 bits",
                                        .invocations = 128,
                                        .sharedBytes = 32768,
                                        .subgroup = 8,
                                        .subgroupsAlone = true,
                                        .itemsOfGroup = 32};
static constexpr GpuProfile nvidia = {.name = "nvidia-32",
                                      .description = "NVIDIA's GPUs",
                                      .invocations = 256,
                                      .sharedBytes = 49152,
                                      .subgroup = 32,
                                      .groupsAtOnce = 256};

static constexpr GpuProfile withMatrices(GpuProfile profile, llvm::StringLiteral name, llvm::StringLiteral description,
                                         MatrixShape matrix, MatrixTile tile) {
  profile.name = name;
  profile.description = description;
  profile.matrix = matrix;
  profile.tile = tile;
  return profile;
}

static constexpr GpuProfile thatReduces(GpuProfile profile, llvm::StringLiteral name, llvm::StringLiteral description) {
  profile.name = name;
  profile.description = description;
  profile.reducesMatrices = true;
  return profile;
}

static constexpr GpuProfile lavapipeCoop = withMatrices(
    lavapipe, "lavapipe-8-coop", "the same from Mesa 26 on, which has cooperative matrices", {8, 8, 8}, smallTile);
static constexpr GpuProfile nvidiaCoop =
    withMatrices(nvidia, "nvidia-32-coop", "NVIDIA's GPUs with tensor cores", {16, 16, 16}, largeTile);

static constexpr GpuProfile profiles[] = {
    {.name = "generic", .description = "every device with Vulkan 1.2", .invocations = 128, .sharedBytes = 16384},
    lavapipe,
    lavapipeCoop,
    thatReduces(lavapipeCoop, "lavapipe-8-coop2", "the same, which reduces matrices, too"),
    nvidia,
    nvidiaCoop,
    thatReduces(nvidiaCoop, "nvidia-32-coop2", "the same with drivers that reduce matrices"),
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
