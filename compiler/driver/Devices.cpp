//===- Devices.cpp - weft devices -------------------------------------------------------------------------------===//
// Answers: which devices can models run on here, and why can one not be used?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Commands.h"
#include "weft/runtime.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace weft::driver {

static void print(llvm::StringRef name, llvm::StringRef description, llvm::StringRef exclusion) {
  llvm::outs() << llvm::formatv("{0,-10} {1}", name, description);
  if (!exclusion.empty())
    llvm::outs() << (description.empty() ? "cannot be used: " : "; cannot be used: ") << exclusion;
  llvm::outs() << "\n";
}

int devices() {
  size_t count = 0;
  weft_error vulkan = {};
  weft_list_devices(nullptr, 0, &count, nullptr);
  std::vector<weft_device_info> found(count);
  weft_list_devices(found.data(), found.size(), &count, &vulkan);
  found.resize(std::min(found.size(), count)); // one may have come or gone between the two
  for (const weft_device_info &device : found)
    print(device.name, device.description, device.exclusion);
  if (vulkan.status != WEFT_OK)
    print("vulkan", "", vulkan.message);
  return Done;
}

} // namespace weft::driver
