//===- HeatMap.h - pictures of attention weights --------------------------------------------------------*- C++ -*-===//
// Answers: how do the weights of a model's attentions, layer by layer and head by head, become a page to look at?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace weft {

/// The weights of one attention: a matrix of queries by keys for each of its heads and entries of a batch.
struct HeatMap {
  std::string title;               ///< "layer 3, gpt2.weft:14"
  std::vector<std::string> panels; ///< what each matrix is: "head 5"
  /// What to write at queries and keys; as many as there are.
  std::vector<std::string> queries, keys;
  /// [panels, queries, keys], row-major; from 0 to 1. What is outside is drawn as the nearer end, NaN as missing.
  std::vector<float> weights;
};

/// Writes one HTML page that needs nothing else: a row of panels for each map; a click on a panel shows it large, with
/// labels, and the pointer's place tells query, key and weight.
void writeHeatMaps(llvm::StringRef title, llvm::ArrayRef<HeatMap> maps, llvm::raw_ostream &os);

/// The same as one picture for a document, in SVG: panels with their names, without labels. HeatMapSvg.cpp
void writeHeatMapsSvg(llvm::ArrayRef<HeatMap> maps, llvm::raw_ostream &os);

} // namespace weft
