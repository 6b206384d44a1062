// RUN: not weft-opt %s -convert-weft-to-gpu=invocations=96 2>&1 | FileCheck %s

// CHECK: error: invocations must be a power of two, 64 at least, but are 96
func.func private @f() {
  return
}
