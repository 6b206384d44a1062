// RUN: not weft-opt %s -convert-weft-to-gpu=profile=abacus 2>&1 | FileCheck %s

// CHECK: error: there is no profile 'abacus' of Vulkan devices; there are generic, lavapipe-8, lavapipe-8-coop, nvidia-32 and nvidia-32-coop
func.func private @f() {
  return
}
