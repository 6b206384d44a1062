// RUN: not weft-opt %s -convert-weft-to-gpu=profile=abacus 2>&1 | FileCheck %s

// CHECK: error: there is no profile 'abacus' of Vulkan devices; there are generic, lavapipe-8, lavapipe-8-coop, lavapipe-8-coop2, nvidia-32, nvidia-32-coop and nvidia-32-coop2
func.func private @f() {
  return
}
