//===- HeatMapSvg.cpp - attention weights as one picture ----------------------------------------------------------===//
// Answers: how do heat maps become a small file for a document? Weights are rounded to a few colours, and all cells of
// one colour in a panel are one path; the darkest is the panel's ground.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/HeatMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include <cmath>

namespace weft {
namespace {

// The scale of heat_map.html, at equal distances of the square root of a weight.
constexpr llvm::StringLiteral colours[] = {"#0d083c", "#32105c", "#540f6d", "#7a1d68", "#a02a63", "#c2424b",
                                           "#e35933", "#ee7f29", "#f9a41e", "#fbd261", "#fcffa4"};
constexpr llvm::StringLiteral missing = "#c8c8c8";
constexpr int64_t side = 132, gap = 12, margin = 10, line = 18;

size_t colourOf(float weight) {
  float root = std::sqrt(std::min(std::max(weight, 0.0f), 1.0f));
  return std::lround(root * (std::size(colours) - 1));
}

void writeText(llvm::StringRef text, int64_t x, int64_t y, llvm::raw_ostream &os) {
  os << "<text x=\"" << x << "\" y=\"" << y << "\">";
  llvm::printHTMLEscaped(text, os);
  os << "</text>\n";
}

void writePanel(const HeatMap &map, size_t panel, int64_t x, int64_t y, llvm::raw_ostream &os) {
  int64_t queries = map.queries.size(), keys = map.keys.size();
  std::vector<std::string> cells(std::size(colours) + 1); // the last: of what is missing
  for (int64_t q = 0; q < queries; ++q)
    for (int64_t k = 0; k < keys; ++k) {
      float weight = map.weights[(panel * queries + q) * keys + k];
      std::string &path = std::isnan(weight) ? cells.back() : cells[colourOf(weight)];
      path += "M" + std::to_string(k) + " " + std::to_string(q) + "h1v1h-1z";
    }
  os << "<svg x=\"" << x << "\" y=\"" << y << "\" width=\"" << side << "\" height=\"" << side << "\" viewBox=\"0 0 "
     << keys << " " << queries << "\" preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\">\n"
     << "<rect width=\"" << keys << "\" height=\"" << queries << "\" fill=\"" << colours[0] << "\"/>\n";
  for (size_t i = 1; i < cells.size(); ++i)
    if (!cells[i].empty())
      os << "<path fill=\"" << (i == std::size(colours) ? missing : colours[i]) << "\" d=\"" << cells[i] << "\"/>\n";
  os << "</svg>\n";
}

} // namespace

void writeHeatMapsSvg(llvm::ArrayRef<HeatMap> maps, llvm::raw_ostream &os) {
  size_t columns = 1;
  for (const HeatMap &map : maps)
    columns = std::max(columns, map.panels.size());
  int64_t height = 2 * line + side + gap;
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << 2 * margin + columns * (side + gap) - gap
     << "\" height=\"" << 2 * margin + maps.size() * height - gap
     << "\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"#fff\"/>\n";
  for (auto [row, map] : llvm::enumerate(maps)) {
    int64_t top = margin + row * height;
    writeText(map.title, margin, top + line - 6, os);
    for (size_t panel = 0; panel < map.panels.size(); ++panel) {
      int64_t left = margin + panel * (side + gap);
      writePanel(map, panel, left, top + line, os);
      writeText(map.panels[panel], left, top + side + 2 * line - 4, os);
    }
  }
  os << "</svg>\n";
}

} // namespace weft
