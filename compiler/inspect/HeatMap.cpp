//===- HeatMap.cpp - pictures of attention weights ----------------------------------------------------------------===//
// The page is heat_map.html with its data in place of a mark. Weights travel as 16 bits each: 0 to 65534, and 65535
// where there is no number.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/HeatMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/JSON.h"
#include <cmath>

namespace weft {
namespace {

constexpr llvm::StringLiteral page =
#include "compiler/inspect/HeatMapPage.inc"
    ;
constexpr llvm::StringLiteral mark = "/*DATA*/";

std::string encode(llvm::ArrayRef<float> weights) {
  std::string bytes;
  bytes.reserve(2 * weights.size());
  for (float weight : weights) {
    unsigned number = std::isnan(weight) ? 65535 : std::lround(std::min(std::max(weight, 0.0f), 1.0f) * 65534);
    bytes += static_cast<char>(number & 255);
    bytes += static_cast<char>(number >> 8);
  }
  return llvm::encodeBase64(bytes);
}

llvm::json::Array toArray(llvm::ArrayRef<std::string> texts) {
  llvm::json::Array array;
  for (const std::string &text : texts)
    array.push_back(llvm::json::fixUTF8(text)); // labels may be single bytes of a longer character
  return array;
}

} // namespace

void writeHeatMaps(llvm::StringRef title, llvm::ArrayRef<HeatMap> maps, llvm::raw_ostream &os) {
  llvm::json::Array list;
  for (const HeatMap &map : maps)
    list.push_back(llvm::json::Object{{"title", llvm::json::fixUTF8(map.title)},
                                      {"panels", toArray(map.panels)},
                                      {"queries", toArray(map.queries)},
                                      {"keys", toArray(map.keys)},
                                      {"weights", encode(map.weights)}});
  std::string data;
  llvm::raw_string_ostream stream(data);
  stream << llvm::json::Value(llvm::json::Object{{"title", llvm::json::fixUTF8(title)}, {"maps", std::move(list)}});
  auto [before, after] = page.split(mark);
  os << before;
  for (char c : data) // no text of a model may end the script
    if (c == '<')
      os << "\\u003c";
    else
      os << c;
  os << after;
}

} // namespace weft
