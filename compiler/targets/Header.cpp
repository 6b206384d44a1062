//===- Header.cpp - the C header of a compiled model --------------------------------------------------------------===//
// Answers: what does the page say that a C program includes to use a compiled model?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Header.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace weft {
namespace {

llvm::StringRef name(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return "f32";
  case ElementType::I32:
    return "i32";
  case ElementType::I1:
    return "i1";
  }
  llvm_unreachable("unknown type");
}

/// Names are the model's own; "*/" must not end the comment that they stand in.
std::string inComment(llvm::StringRef text) {
  std::string result = text.str();
  for (size_t i; (i = result.find("*/")) != std::string::npos;)
    result.insert(i + 1, " ");
  return result;
}

/// "logits: f32 (batch, seq, vocab = 512)"
std::string describe(const TensorInterface &tensor, const ModelInterface &model) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << tensor.name << ": " << name(tensor.type) << " (";
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const SizeInterface &size = tensor.sizes[i];
    stream << (i ? ", " : "");
    const std::string &axis = tensor.axisNames[i];
    if (size.axis)
      stream << model.axes[*size.axis];
    else if (axis.empty())
      stream << size.size;
    else
      stream << axis << " = " << size.size;
  }
  stream << ")";
  return inComment(text);
}

void list(llvm::raw_ostream &out, llvm::StringRef role, llvm::ArrayRef<TensorInterface> tensors,
          const ModelInterface &model) {
  for (auto [i, tensor] : llvm::enumerate(tensors))
    out << " *   " << role << " " << i << "  " << describe(tensor, model) << "\n";
}

} // namespace

std::string cHeader(const ModelInterface &model, llvm::StringRef library, llvm::StringRef devices) {
  std::string text, symbol = model.symbol(), guard = llvm::StringRef(symbol).upper() + "_H";
  llvm::raw_string_ostream out(text);
  out << "/* Model '" << inComment(model.name) << "', compiled by Weft into " << inComment(library) << ",\n * for "
      << devices << "; see weft/runtime.h.\n";
  for (const EntryInterface &entry : model.entries) {
    out << " *\n * " << (entry.isStep ? "weft_step" : "weft_run") << ":";
    if (entry.isStep)
      out << " continues axis " << inComment(model.axes[*entry.positionAxis]) << ", up to " << entry.context
          << " positions";
    out << "\n";
    list(out, "input ", entry.inputs, model);
    list(out, "output", entry.outputs, model);
  }
  out << " */\n#ifndef " << guard << "\n#define " << guard << "\n\n#include <weft/runtime.h>\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "/* For weft_module_from_descriptor. */\nextern const weft_abi_module " << symbol << ";\n\n"
      << "#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

} // namespace weft
