//===- Checkpoint.cpp - named tensors in a file -------------------------------------------------------------------===//
// Answers: is this a whole safetensors file, and where in it are a tensor's bytes?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/checkpoint/Quote.h"
#include "compiler/checkpoint/SafetensorsHeader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include <tuple>

namespace weft {
namespace {

/// The format's own limit.
constexpr uint64_t longestHeader = 100'000'000;

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> map(llvm::StringRef path) {
  namespace fs = llvm::sys::fs;
  fs::file_status status;
  if (std::error_code error = fs::status(path, status))
    return llvm::createStringError(error, error.message());
  // Opening a FIFO would wait, and a device has no size.
  if (status.type() != fs::file_type::regular_file)
    return llvm::createStringError(status.type() == fs::file_type::directory_file
                                       ? "is a directory; a .safetensors file is needed"
                                       : "is not a regular file; a .safetensors file is needed");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (std::error_code error = buffer.getError())
    return llvm::createStringError(error, error.message());
  return std::move(*buffer);
}

/// Tensors must follow each other without holes and fill the file: else bytes could be read twice, or carry what
/// nobody looks at.
llvm::Error checkLayout(llvm::ArrayRef<CheckpointTensor> tensors, llvm::ArrayRef<char> data) {
  std::vector<const CheckpointTensor *> order;
  order.reserve(tensors.size());
  for (const CheckpointTensor &tensor : tensors)
    order.push_back(&tensor);
  llvm::sort(order, [](auto *a, auto *b) {
    return std::tuple(a->bytes.begin(), a->bytes.end()) < std::tuple(b->bytes.begin(), b->bytes.end());
  });

  uint64_t end = 0;
  const CheckpointTensor *previous = nullptr;
  for (const CheckpointTensor *tensor : order) {
    uint64_t begin = tensor->bytes.data() - data.data();
    if (begin < end)
      return llvm::createStringError("tensor %s: data_offsets begin at %llu and overlap tensor %s, which ends at %llu",
                                     quote(tensor->name).c_str(), (unsigned long long)begin,
                                     quote(previous->name).c_str(), (unsigned long long)end);
    if (begin > end)
      return llvm::createStringError("tensor %s: data_offsets begin at %llu and leave a hole of %llu bytes before it",
                                     quote(tensor->name).c_str(), (unsigned long long)begin,
                                     (unsigned long long)(begin - end));
    end = begin + tensor->bytes.size();
    previous = tensor;
  }
  if (end < data.size())
    return llvm::createStringError("%llu trailing bytes after the last tensor, which ends at %llu of the data",
                                   (unsigned long long)(data.size() - end), (unsigned long long)end);
  return llvm::Error::success();
}

llvm::Expected<std::vector<CheckpointTensor>> readTensors(llvm::StringRef file) {
  if (file.size() < 8)
    return llvm::createStringError("file too small: %zu bytes, but a safetensors file begins with an 8-byte length",
                                   file.size());
  uint64_t length = llvm::support::endian::read64le(file.data());
  if (length > longestHeader)
    return llvm::createStringError("header length is %llu, but at most %llu is allowed; is this a safetensors file?",
                                   (unsigned long long)length, (unsigned long long)longestHeader);
  if (length > file.size() - 8)
    return llvm::createStringError("header length is %llu, but only %zu bytes follow it: the file is truncated, or it "
                                   "is no safetensors file",
                                   (unsigned long long)length, file.size() - 8);
  llvm::StringRef data = file.drop_front(8 + length);
  auto tensors = readSafetensorsHeader(file.substr(8, length), {data.data(), data.size()});
  if (tensors)
    if (auto error = checkLayout(*tensors, {data.data(), data.size()}))
      return std::move(error);
  return tensors;
}

} // namespace

llvm::Expected<std::unique_ptr<Checkpoint>> Checkpoint::open(llvm::StringRef path) {
  auto named = [&](llvm::Error error) {
    return llvm::createStringError("%s: %s", path.str().c_str(), llvm::toString(std::move(error)).c_str());
  };
  auto buffer = map(path);
  if (!buffer)
    return named(buffer.takeError());
  auto tensors = readTensors((*buffer)->getBuffer());
  if (!tensors)
    return named(tensors.takeError());

  auto checkpoint = std::make_unique<Checkpoint>();
  checkpoint->file = path.str();
  checkpoint->buffer = std::move(*buffer);
  checkpoint->all = std::move(*tensors);
  for (auto [i, tensor] : llvm::enumerate(checkpoint->all))
    checkpoint->index.try_emplace(tensor.name, i);
  return checkpoint;
}

bool isStoredAs(llvm::ArrayRef<int64_t> wanted, llvm::ArrayRef<int64_t> stored) {
  if (stored == wanted)
    return true;
  if (llvm::is_contained(wanted, 0))
    return false;
  const int64_t *at = stored.begin(), *end = stored.end();
  for (int64_t size : wanted) {
    int64_t product = 1;
    while (product < size && at != end)
      product *= *at++;
    if (product != size)
      return false;
  }
  return std::all_of(at, end, [](int64_t size) { return size == 1; });
}

const CheckpointTensor *Checkpoint::find(llvm::StringRef name) const {
  auto found = index.find(name);
  return found == index.end() ? nullptr : &all[found->second];
}

std::vector<std::string> Checkpoint::nearest(llvm::StringRef name, unsigned count) const {
  // The best so far, in order of distance; only what beats the last of them is measured to its end.
  std::vector<std::pair<unsigned, const CheckpointTensor *>> best;
  for (const CheckpointTensor &tensor : all) {
    bool full = best.size() == count;
    size_t longer = std::max(name.size(), tensor.name.size()), shorter = std::min(name.size(), tensor.name.size());
    if (count == 0 || (full && longer - shorter >= best.back().first))
      continue;
    unsigned limit = full ? best.back().first - 1 : longer; // 0 would mean none
    unsigned distance = limit == 0 ? tensor.name != name : name.edit_distance(tensor.name, true, limit);
    if (full && distance > limit)
      continue;
    if (full)
      best.pop_back();
    auto place = llvm::upper_bound(best, distance, [](unsigned d, auto &entry) { return d < entry.first; });
    best.insert(place, {distance, &tensor});
  }
  std::vector<std::string> names;
  for (auto &[distance, tensor] : best)
    names.push_back(tensor->name);
  return names;
}

} // namespace weft
