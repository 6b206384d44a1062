//===- SafetensorsWriter.cpp - tensors into a file ----------------------------------------------------------------===//
// Answers: how is a .safetensors file written, the same bytes for the same tensors?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/checkpoint/Quote.h"
#include "compiler/checkpoint/WholeFile.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <nlohmann/json.hpp>

namespace weft {
namespace {

llvm::Error check(const TensorToWrite &tensor, llvm::StringSet<> &names) {
  auto *begin = reinterpret_cast<const llvm::UTF8 *>(tensor.name.data());
  if (!llvm::isLegalUTF8String(&begin, begin + tensor.name.size()) || tensor.name == "__metadata__")
    return llvm::createStringError("a tensor cannot be named %s", quote(tensor.name).c_str());
  if (!names.insert(tensor.name).second)
    return llvm::createStringError("duplicate tensor %s", quote(tensor.name).c_str());
  uint64_t elements = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  if (elements != tensor.values.size())
    return llvm::createStringError("tensor %s: shape %s has %llu elements, but %zu are given",
                                   quote(tensor.name).c_str(), shapeText(tensor.shape).c_str(),
                                   (unsigned long long)elements, tensor.values.size());
  return llvm::Error::success();
}

} // namespace

llvm::Error writeSafetensors(llvm::StringRef path, llvm::ArrayRef<TensorToWrite> tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  llvm::StringSet<> names;
  uint64_t end = 0;
  for (const TensorToWrite &tensor : tensors) {
    if (auto error = check(tensor, names))
      return llvm::createStringError(llvm::Twine("cannot write ") + path + ": " + llvm::toString(std::move(error)));
    uint64_t begin = end;
    end += tensor.values.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.append(llvm::offsetToAlignment(text.size(), llvm::Align(8)), ' '); // so that numbers are aligned when mapped

  auto file = WholeFile::create(path);
  if (!file)
    return file.takeError();
  llvm::raw_fd_ostream &out = file->stream();
  char length[8];
  llvm::support::endian::write64le(length, text.size());
  out << llvm::StringRef(length, sizeof(length)) << text;
  for (const TensorToWrite &tensor : tensors)
    out.write(reinterpret_cast<const char *>(tensor.values.data()), tensor.values.size() * sizeof(float));
  return file->commit();
}

} // namespace weft
