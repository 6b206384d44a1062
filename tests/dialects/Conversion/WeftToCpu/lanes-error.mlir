// RUN: not weft-opt %s -convert-weft-to-cpu=lanes=4 2>&1 | FileCheck %s

// CHECK: error: lanes must be 8 or 16, but are 4
func.func private @f() {
  return
}
