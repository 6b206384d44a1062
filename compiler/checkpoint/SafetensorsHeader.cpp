//===- SafetensorsHeader.cpp - the JSON in front of the tensors ---------------------------------------------------===//
// Answers: which tensors does the header of a safetensors file declare, and is every number in it sound?
// A scan of the text bounds what the JSON reader will be given; then the events of nlohmann::json's reader (no document
// is built) fill one tensor at a time, so that each rule is checked where the value stands.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/SafetensorsHeader.h"
#include "compiler/checkpoint/Quote.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include <nlohmann/json.hpp>

namespace weft {
namespace {

/// A tensor's entry nests 2 deep; the rest is for keys of the future.
constexpr unsigned deepestNesting = 64;
/// The JSON reader copies a token several times. Metadata of real files holds strings of some megabytes.
constexpr size_t longestToken = 8 << 20;
/// Keeps a shape smaller than its text, and is what modules can declare.
constexpr size_t greatestRank = 8;

template <typename... Parts> std::string text(const Parts &...parts) {
  std::string result;
  llvm::raw_string_ostream stream(result);
  (stream << ... << parts);
  return result;
}

//===---- What the text must be, before any of it is understood ---------------------------------------------------===//

llvm::Error scan(llvm::StringRef header) {
  auto *next = reinterpret_cast<const llvm::UTF8 *>(header.bytes_begin());
  auto *end = reinterpret_cast<const llvm::UTF8 *>(header.bytes_end());
  if (!llvm::isLegalUTF8String(&next, end))
    return llvm::createStringError(text("header is not valid UTF-8 at byte ", next - header.bytes_begin()));

  unsigned depth = 0;
  size_t token = 0;
  bool inString = false;
  for (size_t i = 0; i < header.size(); ++i) {
    char c = header[i];
    if (c == '\0') // The JSON reader would take it for the end.
      return llvm::createStringError(text("header holds a NUL at byte ", i, "; trailing padding must be spaces"));
    if (++token > longestToken)
      return llvm::createStringError(
          text("header holds a string of more than ", longestToken, " bytes before byte ", i));
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
      continue;
    }
    if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepestNesting)
        return llvm::createStringError(text("header nests deeper than ", deepestNesting, " levels at byte ", i));
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
    if (llvm::StringRef(",:{}[] \t\r\n").contains(c))
      token = 0;
  }
  if (header.empty() || header.front() != '{')
    return llvm::createStringError(
        text("header must begin with '{', since it is a JSON object, but it ",
             header.empty() ? std::string("is empty") : "begins with " + quote(header.take_front(1))));
  return llvm::Error::success();
}

//===---- What the values must be ---------------------------------------------------------------------------------===//

/// A value as it comes: its kind, and for scalars what messages show of it.
struct Value {
  enum Kind { Null, Boolean, Integer, Real, String, Object, Array } kind;
  llvm::StringRef spelling = {};
  uint64_t integer = 0; ///< Integer only, which is not negative

  std::string describe() const {
    switch (kind) {
    case Null:
      return "null";
    case Object:
      return "an object";
    case Array:
      return "an array";
    case String:
      return quote(spelling);
    case Boolean:
    case Integer:
    case Real:
      return spelling.take_front(40).str();
    }
    llvm_unreachable("unknown kind");
  }
};

/// Receives the reader's events; each returns false to stop with `message` set.
class HeaderReader {
public:
  using json = nlohmann::json;

  explicit HeaderReader(llvm::ArrayRef<char> data) : data(data) {}

  std::vector<CheckpointTensor> tensors;
  std::string message;

  bool null() { return value({Value::Null}); }
  bool boolean(bool b) { return value({Value::Boolean, b ? "true" : "false"}); }
  bool number_integer(json::number_integer_t number) { return value({Value::Real, std::to_string(number)}); }
  bool number_unsigned(json::number_unsigned_t number) {
    return value({Value::Integer, std::to_string(number), number});
  }
  bool number_float(json::number_float_t, const std::string &spelling) { return value({Value::Real, spelling}); }
  bool string(std::string &spelling) { return value({Value::String, spelling}); }
  bool binary(json::binary_t &) { llvm_unreachable("JSON text has no binary values"); }
  bool start_object(size_t) { return value({Value::Object}); }
  bool start_array(size_t) { return value({Value::Array}); }
  bool end_array() { return leave(); }
  bool end_object() { return where == Tensor ? endTensor() : leave(); }
  bool key(std::string &name);
  bool parse_error(size_t position, const std::string &, const json::exception &error);

private:
  enum Where { Before, Top, Metadata, Tensor, Shape, Offsets, Ignored, After };

  bool value(const Value &value);
  bool tensorField(const Value &value);
  bool endTensor();
  bool leave();
  template <typename... Parts> bool fail(const Parts &...parts) {
    message = text(parts...);
    return false;
  }
  /// Of the tensor that is being read.
  template <typename... Parts> bool failTensor(const Parts &...parts) {
    return fail("tensor ", quote(name), ": ", parts...);
  }

  llvm::ArrayRef<char> data;
  Where where = Before;
  unsigned ignoredDepth = 0;
  llvm::StringSet<> names;
  /// Of the keys of __metadata__: their number is bounded by nothing but the file, so hashes stand for them.
  llvm::DenseSet<uint64_t> metadataKeys;
  std::string field;

  // The tensor that is being read.
  std::string name;
  llvm::SmallVector<std::string> fields;
  std::optional<StorageType> type;
  llvm::SmallVector<int64_t, greatestRank> shape;
  llvm::SmallVector<uint64_t, 2> offsets;
};

bool HeaderReader::key(std::string &key) {
  switch (where) {
  case Top:
    name = std::move(key);
    if (!names.insert(name).second)
      return fail("duplicate tensor ", quote(name));
    return true;
  case Metadata:
    field = std::move(key);
    // The two greatest numbers are the set's own.
    if (!metadataKeys.insert(llvm::xxh3_64bits(field) >> 1).second)
      return fail("__metadata__: duplicate key ", quote(field));
    return true;
  case Tensor:
    field = std::move(key);
    if (llvm::is_contained(fields, field))
      return failTensor("duplicate field ", quote(field));
    fields.push_back(field);
    return true;
  default:
    return true;
  }
}

bool HeaderReader::value(const Value &value) {
  bool opens = value.kind == Value::Object || value.kind == Value::Array;
  switch (where) {
  case Before:
    where = Top; // The scan has seen the brace.
    return true;
  case Top:
    if (name == "__metadata__") {
      where = Metadata;
      return value.kind == Value::Object || fail("__metadata__ must be an object of strings, not ", value.describe());
    }
    where = Tensor;
    fields.clear();
    type.reset();
    shape.clear();
    offsets.clear();
    return value.kind == Value::Object ||
           failTensor("must be an object with dtype, shape and data_offsets, not ", value.describe());
  case Metadata:
    return value.kind == Value::String ||
           fail("__metadata__: the value of ", quote(field), " must be a string, not ", value.describe());
  case Tensor:
    return tensorField(value);
  case Shape:
    if (value.kind != Value::Integer || value.integer > INT64_MAX)
      return failTensor("shape must hold integers from 0 to 2^63 - 1, not ", value.describe());
    if (shape.size() == greatestRank)
      return failTensor("shape has a rank of more than ", greatestRank, ", the greatest that is supported");
    shape.push_back(value.integer);
    return true;
  case Offsets:
    if (value.kind != Value::Integer)
      return failTensor("data_offsets must hold integers from 0 to 2^64 - 1, not ", value.describe());
    if (offsets.size() == 2)
      return failTensor("data_offsets must hold two offsets, begin and end, not more");
    offsets.push_back(value.integer);
    return true;
  case Ignored:
    ignoredDepth += opens;
    return true;
  case After:
    break;
  }
  llvm_unreachable("the JSON reader stops after the object");
}

bool HeaderReader::tensorField(const Value &value) {
  if (field == "dtype") {
    type = value.kind == Value::String ? storageTypeNamed(value.spelling) : std::nullopt;
    if (type)
      return true;
    auto allowed = llvm::map_range(allStorageTypes(), [](StorageType type) { return weft::name(type); });
    return failTensor("dtype is ", value.describe(), "; allowed are ", llvm::join(allowed, ", "));
  }
  if (field == "shape" || field == "data_offsets") {
    where = field == "shape" ? Shape : Offsets;
    return value.kind == Value::Array || failTensor(field, " must be an array of integers, not ", value.describe());
  }
  // The format leaves room for fields to come.
  if (value.kind == Value::Object || value.kind == Value::Array) {
    where = Ignored;
    ignoredDepth = 1;
  }
  return true;
}

/// Size in bytes, or none where it does not fit.
std::optional<uint64_t> checkedBytes(llvm::ArrayRef<int64_t> shape, StorageType type) {
  std::optional<uint64_t> bytes = 1;
  for (int64_t size : shape)
    if (bytes)
      bytes = llvm::checkedMulUnsigned<uint64_t>(*bytes, size);
  // Elements must fit in i64 and bytes in u64, so both products are looked at.
  if (!bytes || *bytes > INT64_MAX)
    return std::nullopt;
  return llvm::checkedMulUnsigned<uint64_t>(*bytes, byteWidth(type));
}

bool HeaderReader::endTensor() {
  where = Top;
  for (llvm::StringRef required : {"dtype", "shape", "data_offsets"})
    if (!llvm::is_contained(fields, required))
      return failTensor("field ", required, " is missing");
  if (offsets.size() != 2)
    return failTensor("data_offsets must hold two offsets, begin and end, not ", offsets.size());

  auto [begin, end] = std::pair(offsets[0], offsets[1]);
  std::string range = text("data_offsets [", begin, ", ", end, "]");
  std::optional<uint64_t> bytes = checkedBytes(shape, *type);
  if (!bytes)
    return failTensor("size overflow: shape ", shapeText(shape), " of ", weft::name(*type),
                      " has more bytes than 64 bits can count");
  if (begin > end)
    return failTensor(range, ": the end lies before the begin");
  if (end - begin != *bytes)
    return failTensor("shape ", shapeText(shape), " of ", weft::name(*type), " needs ", *bytes, " bytes, but ", range,
                      " hold ", end - begin);
  if (end > data.size())
    return failTensor(range, " end past the ", data.size(), " bytes of data: the file is truncated, or they are wrong");

  tensors.push_back({name, *type, {shape.begin(), shape.end()}, data.slice(begin, *bytes)});
  return true;
}

bool HeaderReader::leave() {
  switch (where) {
  case Top:
    where = After;
    break;
  case Metadata:
    where = Top;
    break;
  case Shape:
  case Offsets:
    where = Tensor;
    break;
  case Ignored:
    if (--ignoredDepth == 0)
      where = Tensor;
    break;
  default:
    llvm_unreachable("the JSON reader pairs brackets");
  }
  return true;
}

bool HeaderReader::parse_error(size_t position, const std::string &, const json::exception &error) {
  if (where == After)
    return fail("header has trailing characters after its JSON object, at byte ", position - 1,
                "; only spaces are allowed there");
  // "[json.exception.parse_error.101] parse error at ...: syntax error while ... - the reason; last read: 'token'"
  llvm::StringRef what = error.what();
  llvm::StringRef reason = what.split(" - ").second;
  if (reason.empty())
    reason = what;
  reason = reason.split("; last read").first;
  bool escape = reason.contains("surrogate") || reason.contains("\\u") || reason.contains("backslash");
  return fail("header is not valid JSON at byte ", position, ": ", escape ? "bad escape, " : "",
              reason.take_front(200));
}

} // namespace

llvm::Expected<std::vector<CheckpointTensor>> readSafetensorsHeader(llvm::StringRef header, llvm::ArrayRef<char> data) {
  if (auto error = scan(header))
    return std::move(error);
  HeaderReader reader(data);
  if (!nlohmann::json::sax_parse(header.begin(), header.end(), &reader))
    return llvm::createStringError(reader.message);
  return std::move(reader.tensors);
}

} // namespace weft
