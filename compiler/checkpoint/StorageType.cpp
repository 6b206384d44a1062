//===- StorageType.cpp - element types of weight files ------------------------------------------------------------===//
// Answers: how wide is an element, and which float does it stand for?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/checkpoint/Quote.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <cmath>
#include <cstring>

namespace weft {
namespace {

struct Row {
  StorageType type;
  llvm::StringLiteral name;
  unsigned bytes;
};
constexpr Row rows[] = {
    {StorageType::F64, "F64", 8},        {StorageType::F32, "F32", 4},        {StorageType::F16, "F16", 2},
    {StorageType::BF16, "BF16", 2},      {StorageType::I64, "I64", 8},        {StorageType::I32, "I32", 4},
    {StorageType::I16, "I16", 2},        {StorageType::I8, "I8", 1},          {StorageType::U8, "U8", 1},
    {StorageType::Bool, "BOOL", 1},      {StorageType::U64, "U64", 8},        {StorageType::U32, "U32", 4},
    {StorageType::U16, "U16", 2},        {StorageType::F8E4M3, "F8_E4M3", 1}, {StorageType::F8E5M2, "F8_E5M2", 1},
    {StorageType::F8E8M0, "F8_E8M0", 1}, {StorageType::C64, "C64", 8},
};

const Row &rowOf(StorageType type) {
  const Row *row = llvm::find_if(rows, [=](const Row &row) { return row.type == type; });
  assert(row != std::end(rows) && "every type has its row");
  return *row;
}

/// Reads the i-th element of bytes that may lie at any address.
template <typename T> T load(llvm::ArrayRef<char> bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

float fromBF16(uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// Exact, without branches: the exponent is moved to its place in a float, and a multiplication by 2^112 repairs its
/// bias, for subnormal numbers as well. Infinities and NaNs have the greatest exponent and get float's.
float fromF16(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  float value = llvm::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  bits |= magnitude >= 0x0f800000 ? 0x7f800000u : 0u;
  return llvm::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
}

llvm::Error readF64(const CheckpointTensor &tensor, llvm::MutableArrayRef<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    double value = load<double>(tensor.bytes, i);
    out[i] = static_cast<float>(value);
    if (std::isinf(out[i]) && std::isfinite(value))
      return llvm::createStringError("tensor %s: element %zu is %g, which does not fit in F32",
                                     quote(tensor.name).c_str(), i, value);
  }
  return llvm::Error::success();
}

} // namespace

llvm::StringRef name(StorageType type) { return rowOf(type).name; }
unsigned byteWidth(StorageType type) { return rowOf(type).bytes; }

std::optional<StorageType> storageTypeNamed(llvm::StringRef name) {
  for (const Row &row : rows)
    if (row.name == name)
      return row.type;
  return std::nullopt;
}

llvm::ArrayRef<StorageType> allStorageTypes() {
  static const auto types = llvm::map_to_vector(rows, [](const Row &row) { return row.type; });
  return types;
}

int64_t CheckpointTensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

llvm::Error readAsFloat(const CheckpointTensor &tensor, llvm::MutableArrayRef<float> out) {
  if (out.size() * byteWidth(tensor.type) != tensor.bytes.size())
    return llvm::createStringError("tensor %s: shape %s has %lld elements, not the %zu that are read",
                                   quote(tensor.name).c_str(), shapeText(tensor.shape).c_str(),
                                   static_cast<long long>(tensor.elements()), out.size());
  switch (tensor.type) {
  case StorageType::F32:
    if (!out.empty())
      std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return llvm::Error::success();
  case StorageType::BF16:
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = fromBF16(load<uint16_t>(tensor.bytes, i));
    return llvm::Error::success();
  case StorageType::F16:
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = fromF16(load<uint16_t>(tensor.bytes, i));
    return llvm::Error::success();
  case StorageType::F64:
    return readF64(tensor, out);
  default:
    return llvm::createStringError("tensor %s: type %s cannot be read as numbers; allowed are F64, F32, F16 and BF16",
                                   quote(tensor.name).c_str(), name(tensor.type).str().c_str());
  }
}

} // namespace weft
