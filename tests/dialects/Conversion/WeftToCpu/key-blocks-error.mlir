// RUN: not weft-opt %s -convert-weft-to-cpu=report-key-blocks 2>&1 | FileCheck %s

// CHECK: error: the module does not declare weft_key_block, which is to be called
func.func private @f() {
  return
}
