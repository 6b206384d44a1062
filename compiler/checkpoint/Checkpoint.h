//===- Checkpoint.h - named tensors in a file -----------------------------------------------------------*- C++ -*-===//
// Answers: which tensors does this weight file hold, of which type and shape, and where are their bytes?
// The file is mapped, never copied; every number in it is compared with the file's size before it is used.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft {

/// Types that weight files hold. Only the first four can be read as numbers, see readAsFloat.
enum class StorageType { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool, U64, U32, U16, F8E4M3, F8E5M2, F8E8M0, C64 };

llvm::StringRef name(StorageType type); ///< as safetensors spells it: "F32"
unsigned byteWidth(StorageType type);
std::optional<StorageType> storageTypeNamed(llvm::StringRef name);
llvm::ArrayRef<StorageType> allStorageTypes();

struct CheckpointTensor {
  std::string name;
  StorageType type = StorageType::F32;
  std::vector<int64_t> shape;
  llvm::ArrayRef<char> bytes; ///< row-major; may be unaligned; lives as long as the Checkpoint
  int64_t elements() const;
};

class Checkpoint {
public:
  /// Opens a .safetensors file. The error names the file, the tensor and field, the value and what is allowed.
  static llvm::Expected<std::unique_ptr<Checkpoint>> open(llvm::StringRef path);

  const CheckpointTensor *find(llvm::StringRef name) const; ///< null when there is none
  llvm::ArrayRef<CheckpointTensor> tensors() const { return all; }
  llvm::StringRef path() const { return file; }
  /// Up to `count` names of tensors in order of edit distance from `name`.
  std::vector<std::string> nearest(llvm::StringRef name, unsigned count = 3) const;

private:
  std::string file;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::vector<CheckpointTensor> all;
  llvm::StringMap<unsigned> index;
};

/// Converts elements to float (F64, F32, F16 and BF16; others are an error naming the tensor and its type).
llvm::Error readAsFloat(const CheckpointTensor &tensor, llvm::MutableArrayRef<float> out);

/// Whether a tensor of shape `stored` is, element after element, one of shape `wanted`: neighbouring dimensions may be
/// one, and dimensions of size 1 say nothing.
bool isStoredAs(llvm::ArrayRef<int64_t> wanted, llvm::ArrayRef<int64_t> stored);

/// One tensor to be written.
struct TensorToWrite {
  std::string name;
  std::vector<int64_t> shape;
  llvm::ArrayRef<float> values;
};
/// Writes a .safetensors file of F32 tensors, whole or not at all (a temporary beside it, then a rename).
llvm::Error writeSafetensors(llvm::StringRef path, llvm::ArrayRef<TensorToWrite> tensors);

} // namespace weft
