//===- MaskDrawing.cpp - masks as text and as SVG -----------------------------------------------------------------===//
#include "compiler/inspect/MaskPicture.h"
#include "llvm/Support/Format.h"

namespace weft {

static std::string titleOf(const MaskPicture &picture) {
  std::string title = "attention at " + picture.place;
  if (!picture.part.empty())
    title += ", " + picture.part;
  if (picture.uses > 1)
    title += ", " + std::to_string(picture.uses) + " uses";
  title += ": " + std::to_string(picture.queries) + " queries by " + std::to_string(picture.keys) + " keys";
  return title + ", a cell is " + std::to_string(picture.cell) + " by " + std::to_string(picture.cell);
}

static std::string percent(double share) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f %%", 100 * share);
  return text;
}

static std::string sharesOf(const MaskPicture &picture) {
  std::string text = percent(picture.skipped) + " of the blocks are skipped; ";
  if (picture.refused)
    return text + "the mask refuses " + percent(*picture.refused) + " of the pairs";
  return text + (picture.missing.empty() ? "the pairs that the mask refuses are too many to count"
                                         : "what the mask refuses is decided when running");
}

static std::string missingOf(const MaskPicture &picture) {
  std::string text;
  for (const std::string &what : picture.missing)
    text += (text.empty() ? "" : ", ") + what;
  return text.empty() ? text : "decided when running, by " + text + ": drawn is what is known before";
}

//===-- text ------------------------------------------------------------------------------------------------------===//

void printMasks(llvm::ArrayRef<MaskPicture> pictures, llvm::raw_ostream &os) {
  constexpr llvm::StringLiteral characters = ".+#"; // by MaskPicture::Class
  for (const MaskPicture &picture : pictures) {
    os << titleOf(picture) << "\n";
    if (std::string missing = missingOf(picture); !missing.empty())
      os << "  " << missing << "\n";
    for (int64_t row = 0; row < picture.rows; ++row) {
      os << "  ";
      for (int64_t column = 0; column < picture.columns; ++column) // two of them are as wide as high
        for (int i = 0; i < 2; ++i)
          os << characters[picture.cells[row * picture.columns + column]];
      os << "\n";
    }
    os << "  " << sharesOf(picture) << "\n\n";
  }
  if (!pictures.empty())
    os << "queries from top to bottom, keys from left to right: .. nothing is admitted, and it is skipped;\n"
       << "++ tested pair by pair; ## all is admitted, and nothing is tested\n";
}

//===-- SVG -------------------------------------------------------------------------------------------------------===//

static std::string escaped(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    if (c == '<')
      result += "&lt;";
    else if (c == '&')
      result += "&amp;";
    else
      result += c;
  return result;
}

static void writeText(llvm::raw_ostream &os, int64_t x, int64_t y, llvm::StringRef text, bool strong = false) {
  os << "<text x=\"" << x << "\" y=\"" << y << "\"" << (strong ? " font-weight=\"bold\"" : "") << ">" << escaped(text)
     << "</text>\n";
}

static constexpr llvm::StringLiteral colours[] = {"#f1f3f5", "#f2b84b", "#2f6fab"}; // by MaskPicture::Class

/// One rectangle for each stretch of cells of one class.
static void writeCells(llvm::raw_ostream &os, const MaskPicture &picture, int64_t left, int64_t top, int64_t size) {
  for (int64_t row = 0; row < picture.rows; ++row)
    for (int64_t column = 0, next; column < picture.columns; column = next) {
      const MaskPicture::Class *cells = &picture.cells[row * picture.columns];
      for (next = column; next < picture.columns && cells[next] == cells[column];)
        ++next;
      os << "<rect x=\"" << left + column * size << "\" y=\"" << top + row * size << "\" width=\""
         << (next - column) * size << "\" height=\"" << size << "\" fill=\"" << colours[cells[column]] << "\"/>\n";
    }
  os << "<rect x=\"" << left << "\" y=\"" << top << "\" width=\"" << picture.columns * size << "\" height=\""
     << picture.rows * size << "\" fill=\"none\" stroke=\"#868e96\"/>\n";
}

void writeMasksAsSvg(llvm::StringRef title, llvm::ArrayRef<MaskPicture> pictures, llvm::raw_ostream &os) {
  constexpr int64_t margin = 20, line = 20, size = 10, least = 760;
  int64_t width = least, height = margin + 3 * line;
  for (const MaskPicture &picture : pictures) {
    width = std::max(width, picture.columns * size + 2 * margin);
    height += picture.rows * size + (picture.missing.empty() ? 3 : 4) * line + margin;
  }
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height << "\" viewBox=\"0 0 "
     << width << " " << height << "\" font-family=\"sans-serif\" font-size=\"13\">\n"
     << "<title>" << escaped(title) << "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  int64_t y = margin + line / 2;
  writeText(os, margin, y, title, /*strong=*/true);
  y += line;
  constexpr llvm::StringLiteral legend[] = {"skipped", "tested pair by pair", "computed without the mask"};
  int64_t x = margin;
  for (auto [colour, meaning] : llvm::zip(colours, legend)) {
    os << "<rect x=\"" << x << "\" y=\"" << y - 11 << "\" width=\"12\" height=\"12\" fill=\"" << colour
       << "\" stroke=\"#868e96\"/>\n";
    writeText(os, x + 18, y, meaning);
    x += 40 + 7 * static_cast<int64_t>(meaning.size());
  }
  y += line;
  for (const MaskPicture &picture : pictures) {
    y += line;
    writeText(os, margin, y, titleOf(picture), /*strong=*/true);
    if (std::string missing = missingOf(picture); !missing.empty())
      writeText(os, margin, y += line, missing);
    y += line / 2;
    writeCells(os, picture, margin, y, size);
    y += picture.rows * size + line;
    writeText(os, margin, y, sharesOf(picture));
    y += line / 2;
  }
  os << "</svg>\n";
}

} // namespace weft
