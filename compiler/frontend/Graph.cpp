//===- Graph.cpp - what a model computes, checked -----------------------------------------------------------------===//
// Answers: how are axes and elements spelled?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Graph.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weft::frontend;

bool weft::frontend::contains(ArrayRef<const Axis *> axes, const Axis *axis) { return is_contained(axes, axis); }

const Axis *weft::frontend::named(ArrayRef<const Axis *> axes, StringRef name) {
  for (const Axis *axis : axes)
    if (axis->name == name)
      return axis;
  return nullptr;
}

std::string weft::frontend::toString(ArrayRef<const Axis *> axes) {
  return "[" + join(map_range(axes, [](const Axis *axis) -> StringRef { return axis->name; }), ", ") + "]";
}

StringRef weft::frontend::spelling(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::I32:
    return "i32";
  case Element::Bool:
    return "a condition";
  case Element::Index:
    return "a position";
  case Element::Integer:
    return "an integer";
  }
  llvm_unreachable("an element without a spelling");
}
