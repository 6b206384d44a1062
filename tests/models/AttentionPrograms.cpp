//===- AttentionPrograms.cpp - random models of attention ---------------------------------------------------------===//
// Answers: how is a valid model drawn at random? The shape first, then clauses that fit it: whatever a formula reads
// becomes an input, with an axis for each position that the formula gives and sometimes those of the batch and heads.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/AttentionPrograms.h"
#include <algorithm>
#include <cmath>

namespace weft::test {

double Dice::normal() {
  double radius = std::sqrt(-2 * std::log(1 - real()));
  return radius * std::cos(2 * M_PI * real());
}

namespace {

using Fill = ProgramInput::Fill;
using Names = std::vector<std::string>;

std::string join(const Names &names, const char *separator = ", ") {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : separator) + name;
  return text;
}

bool has(const Names &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A number as the language writes it, of few digits.
std::string literal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

class Writer {
public:
  explicit Writer(uint64_t seed) : dice(seed) { program.seed = seed; }
  AttentionProgram write();

private:
  void drawAxes();
  void drawOperands();

  // Clauses.
  std::string clauses();
  std::string mask(int depth);
  std::string maskLeaf();
  std::string scoreUse();
  std::string declare(const char *kind, const std::string &body, bool usesScore);

  // Formulas over positions; they note what they use.
  std::string whole(int depth);
  std::string condition(int depth);
  std::string positionTensor(Fill fill, bool isI32);

  std::string axisText() const;
  std::string text(const std::string &clauses) const;
  /// Whether formulas know of a head.
  bool hasHeads() const { return !heads.empty() && !program.queries.empty(); }
  std::string input(const std::string &name, const Names &axes, Fill fill, bool canPermute);
  void permute(Names &axes);

  Dice dice;
  AttentionProgram program;
  Names batch, heads, keyHeads; ///< axes
  int64_t queryHeads = 1;
  std::string width, valueWidth;
  bool inBlock = true, cross = false;
  bool statesBatch = false;   ///< the block, which is then not lifted over it: a mask reads a tensor at `b`
  bool admitsNothing = false; ///< the last score may be -inf
  Names axisOrder;
  std::map<std::string, std::string> sizeTexts;

  struct Formula {
    bool q = false, k = false, h = false, b = false;
    Names tensors;                                     ///< as declared: "t0[seq]"
    std::vector<std::pair<std::string, Names>> inputs; ///< what they are given
  } formula;
  Names declarations, parameters;                    ///< of formulas; of the block, after q, k and v
  std::vector<std::pair<std::string, Names>> stated; ///< inputs, with the axes that the block states
  int formulas = 0, tensors = 0;
};

//===-- axes ------------------------------------------------------------------------------------------------------===//

void Writer::permute(Names &axes) {
  for (size_t i = axes.size(); i > 1; --i)
    std::swap(axes[i - 1], axes[dice.number(0, i - 1)]);
}

void Writer::drawAxes() {
  auto axis = [&](const std::string &name, int64_t size) {
    axisOrder.push_back(name);
    if (size) {
      program.sizes[name] = size;
      sizeTexts[name] = std::to_string(size);
    }
    return name;
  };
  bool cached = dice.chance(12);
  if (dice.chance(85))
    batch.push_back(axis("batch", dice.chance(10) ? dice.number(1, 3) : 0));
  if (dice.chance(5))
    batch.push_back(axis("beam", dice.number(1, 3)));
  inBlock = dice.chance(75);
  statesBatch = dice.chance(40);

  const std::vector<int64_t> lengths = {1, 7, 20, 31, 64, 65, 129};
  cross = !cached && dice.chance(40);
  if (!cross || dice.chance(85))
    program.queries = axis("seq", !cached && dice.chance(15) ? dice.of(lengths) : 0);
  program.keys = cross ? axis("src", dice.chance(15) ? dice.of(lengths) : 0) : program.queries;
  if (cached) {
    program.context = dice.number(40, 200);
    program.keys = axis("context", program.context);
  }

  // No heads, as many as keys have, or groups: as two axes, or as one that each key head shares.
  // Without positions of its own, a query has no axis that the keys lack: it would be taken for one of positions.
  int64_t kind = dice.number(0, program.queries.empty() ? 2 : 4), groups = dice.of<int64_t>({2, 3, 4, 7});
  if (kind == 1 || kind == 2) {
    queryHeads = dice.number(1, 6);
    heads = keyHeads = {axis("head", queryHeads)};
  } else if (kind == 3) {
    int64_t shared = dice.number(1, 3);
    queryHeads = groups * shared;
    heads = {axis("head", queryHeads)};
    if (shared > 1 || dice.chance(50))
      keyHeads = {axis("kv_head", shared)};
  } else if (kind == 4) {
    int64_t shared = dice.number(1, 3);
    queryHeads = groups * shared;
    heads = {axis("kv_head", shared), axis("group", groups)};
    keyHeads = {"kv_head"};
  }
  const std::vector<int64_t> common = {4, 8, 16, 32, 64}, widths = {1, 2, 3, 5, 12, 24, 31, 40, 48, 80, 96, 128, 256};
  width = axis("dim", dice.of(dice.chance(50) ? common : widths));
  valueWidth = dice.chance(50) ? width : axis("wide", dice.of(dice.chance(50) ? common : widths));
}

std::string Writer::axisText() const {
  Names texts;
  for (const std::string &name : axisOrder) {
    auto size = sizeTexts.find(name);
    texts.push_back(size == sizeTexts.end() ? name : name + " = " + size->second);
  }
  return "axes " + join(texts) + "\n";
}

/// Declares an input of the model; in the model's own body, order tells heads from the batch.
std::string Writer::input(const std::string &name, const Names &axes, Fill fill, bool canPermute) {
  Names order = axes;
  if (inBlock && canPermute && dice.chance(40))
    permute(order);
  program.inputs.push_back({name, order, fill});
  Names inside;
  for (const std::string &axis : axes)
    if (statesBatch || !has(batch, axis))
      inside.push_back(axis);
  stated.emplace_back(name, inside);
  return name;
}

void Writer::drawOperands() {
  auto axes = [&](const std::string &positions, const Names &heads, const std::string &width) {
    Names all = batch;
    if (!positions.empty())
      all.push_back(positions);
    all.insert(all.end(), heads.begin(), heads.end());
    all.push_back(width);
    return all;
  };
  std::string keys = program.isCached() ? program.queries : program.keys;
  input("q", axes(program.queries, heads, width), Fill::Query, true);
  input("k", axes(keys, keyHeads, width), Fill::Key, true);
  input("v", axes(keys, keyHeads, valueWidth), Fill::Value, true);
}

//===-- formulas --------------------------------------------------------------------------------------------------===//

/// Reads a tensor at positions of the query, the key or both, or at a distance. With a cache, nothing along the
/// sequence can be read.
std::string Writer::positionTensor(Fill fill, bool isI32) {
  std::string name = "t" + std::to_string(tensors++), local = "x" + std::to_string(formula.tensors.size());
  Names indexed, at;
  bool canQuery = !program.queries.empty() && !program.isCached(), canKey = !program.isCached();
  bool query = canQuery && dice.chance(40), key = canKey && (!query || dice.chance(60));
  if (query && key && program.queries == program.keys)
    query = false; // one axis twice
  if (query) {
    indexed.push_back(program.queries);
    at.push_back("q");
    formula.q = true;
  }
  if (key) {
    indexed.push_back(program.keys);
    at.push_back("k");
    formula.k = true;
  }
  if (indexed.empty() || dice.chance(25)) {
    if (!sizeTexts.count("slot")) {
      axisOrder.push_back("slot");
      program.sizes["slot"] = dice.number(1, 40);
      sizeTexts["slot"] = std::to_string(program.sizes["slot"]);
    }
    indexed.push_back("slot");
    std::string distance = dice.chance(50) ? "k - q + " + std::to_string(dice.number(0, 20))
                                           : "(q * 3 + k) % " + std::to_string(dice.number(1, 50));
    at.push_back(distance);
    formula.q = formula.k = true;
  }
  Names axes = indexed;
  for (const Names &more : {batch, heads})
    for (const std::string &axis : more)
      if (dice.chance(35))
        axes.insert(axes.begin(), axis);
  input(name, axes, fill, true);
  formula.tensors.push_back(local + (isI32 ? ": i32[" : "[") + join(indexed) + "]");
  formula.inputs.emplace_back(name, axes);
  return local + "[" + join(at) + "]";
}

/// A whole number of moderate size.
std::string Writer::whole(int depth) {
  if (depth == 0 || dice.chance(25)) {
    switch (dice.number(0, 7)) {
    case 0:
      return std::to_string(dice.number(0, 40));
    case 1:
      if (hasHeads()) {
        formula.h = true;
        return "h";
      }
      [[fallthrough]];
    case 2:
      if (!batch.empty()) {
        formula.b = true;
        return "b";
      }
      [[fallthrough]];
    case 3:
    case 4:
    case 5:
      formula.q = true;
      return "q";
    default:
      formula.k = true;
      return "k";
    }
  }
  std::string a = whole(depth - 1);
  switch (dice.number(0, 8)) {
  case 0:
  case 1:
    return "(" + a + " + " + whole(depth - 1) + ")";
  case 2:
  case 3:
    return "(" + a + " - " + whole(depth - 1) + ")";
  case 4:
    return "(" + a + " * " + std::to_string(dice.number(2, 4)) + ")";
  case 5:
    return "(" + a + " // " + std::to_string(dice.number(1, 20)) + ")";
  case 6:
    return "(" + a + " % " + std::to_string(dice.number(1, 20)) + ")";
  case 7:
    return "abs(" + a + ")";
  default:
    return (dice.chance(50) ? "min(" : "max(") + a + ", " + whole(depth - 1) + ")";
  }
}

std::string Writer::condition(int depth) {
  if (depth > 0 && dice.chance(30)) {
    std::string a = condition(depth - 1);
    switch (dice.number(0, 3)) {
    case 0:
      return "(" + a + " and " + condition(depth - 1) + ")";
    case 1:
      return "(" + a + " or " + condition(depth - 1) + ")";
    case 2:
      return "(not " + a + ")";
    default: {
      std::string then = condition(depth - 1);
      return "(if " + a + " then " + then + " else " + condition(depth - 1) + ")";
    }
    }
  }
  std::string left = whole(2);
  return left + " " + dice.of<std::string>({"<", "<=", ">", ">=", "==", "!="}) + " " + whole(1);
}

/// Declares the formula just written and returns how it is used.
std::string Writer::declare(const char *kind, const std::string &body, bool usesScore) {
  std::string name = "f" + std::to_string(formulas++);
  Names parameters;
  for (auto [used, parameter] :
       {std::pair(usesScore, "s"), {formula.b, "b"}, {formula.h, "h"}, {formula.q, "q"}, {formula.k, "k"}})
    if (used)
      parameters.push_back(parameter);
  std::string head = std::string(kind) + " " + name + "(" + join(parameters);
  if (!formula.tensors.empty())
    head += "; " + join(formula.tensors);
  declarations.push_back(head + ") = " + body + "\n");
  Names arguments;
  for (const auto &[name, axes] : formula.inputs)
    arguments.push_back(name);
  formula = {};
  return arguments.empty() ? name : name + "(" + join(arguments) + ")";
}

//===-- clauses ---------------------------------------------------------------------------------------------------===//

std::string Writer::maskLeaf() {
  auto count = [&](int64_t first, int64_t last) { return "(" + std::to_string(dice.number(first, last)) + ")"; };
  switch (dice.number(0, 11)) {
  case 0:
  case 1:
    return "causal";
  case 2:
    return "window" + count(0, 40);
  case 3:
    return "local" + count(0, 30);
  case 4:
    return "prefix" + count(0, 30);
  case 5:
    return "dilated" + count(1, 9);
  case 6:
    return "chunked" + count(1, 40);
  case 7: // documents: the same number at both
    if (!program.isCached() && !program.queries.empty()) {
      std::string name = "t" + std::to_string(tensors++), other = name;
      Names axes = {program.queries};
      if (!batch.empty() && dice.chance(60))
        axes.insert(axes.begin(), batch.front());
      input(name, axes, Fill::Documents, true);
      formula.tensors = {"x0: i32[" + program.queries + "]"};
      formula.inputs = {{name, axes}};
      if (cross) {
        other = "t" + std::to_string(tensors++);
        axes.back() = program.keys;
        input(other, axes, Fill::Documents, true);
        formula.tensors.push_back("x1: i32[" + program.keys + "]");
        formula.inputs.emplace_back(other, axes);
      }
      formula.q = formula.k = true;
      return declare("mask", std::string("x0[q] == ") + (cross ? "x1[k]" : "x0[k]"), false);
    }
    [[fallthrough]];
  case 8: // padding
    if (batch.size() == 1 && (statesBatch || !inBlock)) {
      std::string name = "t" + std::to_string(tensors++);
      input(name, batch, Fill::Lengths, true);
      formula.tensors = {"x0: i32[" + batch.front() + "]"};
      formula.inputs = {{name, batch}};
      formula.b = formula.k = true;
      return declare("mask", "k < x0[b]", false);
    }
    [[fallthrough]];
  case 9: { // a mask given at run time
    std::string read = positionTensor(Fill::Flags, true);
    return declare("mask", read + " != 0", false);
  }
  default: {
    std::string body = condition(2);
    return declare("mask", body, false);
  }
  }
}

std::string Writer::mask(int depth) {
  if (depth > 0 && dice.chance(55)) {
    if (dice.chance(25))
      return "not " + ("(" + mask(depth - 1) + ")");
    std::string left = mask(depth - 1);
    return "(" + left + (dice.chance(60) ? " and " : " or ") + mask(depth - 1) + ")";
  }
  return maskLeaf();
}

std::string Writer::scoreUse() {
  switch (dice.number(0, 11)) {
  case 0:
  case 1:
    return "softcap(" + literal(dice.of<double>({0.5, 2, 5, 30})) + ")";
  case 2:
    if (hasHeads())
      return "alibi";
    [[fallthrough]];
  case 3:
  case 4: {
    std::string read = positionTensor(Fill::Bias, false);
    return declare("score", "s + " + read, true);
  }
  case 5: {
    std::string read = positionTensor(Fill::Bias, false);
    return declare("score", "s * " + read, true);
  }
  case 6:
    formula.q = formula.k = true;
    return declare("score", "s - " + literal(dice.real()) + " * abs(q - k)", true);
  case 7:
    formula.q = formula.k = true;
    return declare("score", "s * (1 + 0.25 * sin(" + literal(dice.real()) + " * (q - k)))", true);
  case 8:
    return declare("score", "s / (1 + abs(s) / 4)", true);
  case 9: {
    std::string test = condition(1);
    admitsNothing = dice.chance(30);
    return declare("score", "if " + test + " then s else " + (admitsNothing ? "-inf" : "s - 2"), true);
  }
  case 10:
    if (dice.chance(20))
      return "uniform";
    [[fallthrough]];
  default: {
    std::string number = whole(2);
    return declare("score", "s + 0.01 * " + number, true);
  }
  }
}

std::string Writer::clauses() {
  Names clauses;
  // A step sees no later key, so a whole sequence must not.
  if (program.isCached())
    clauses.push_back("where causal" + (dice.chance(60) ? " and " + mask(2) : ""));
  else if (dice.chance(75))
    clauses.push_back("where " + mask(3));
  if (dice.chance(55)) {
    std::string chain = scoreUse();
    // -inf times a number would be infinite or NaN.
    while (!admitsNothing && dice.chance(25))
      chain += " then " + scoreUse();
    clauses.push_back("score " + chain);
  }
  if (dice.chance(30))
    clauses.push_back("scale " + dice.of<std::string>({"1", "0.3", "1 / dim", "2 / sqrt(dim)", "0.0125"}));
  permute(clauses);
  return join(clauses, " ");
}

//===-- the text --------------------------------------------------------------------------------------------------===//

std::string Writer::text(const std::string &clauses) const {
  Names result;
  if (!program.queries.empty())
    result.push_back(program.queries);
  result.insert(result.end(), heads.begin(), heads.end());
  result.push_back(valueWidth);
  std::string over = program.queries.empty() ? "over " + program.keys
                     : cross                 ? "over " + program.queries + " " + program.keys
                                             : "over " + program.queries;
  std::string k = "k", v = "v";
  if (program.isCached()) {
    k = "cache(k, context, over seq)";
    v = "cache(v, context, over seq)";
    over = "over context";
  }
  std::string attend = "attend(q, " + k + ", " + v + ", " + over + ") " + clauses;

  std::string text = axisText();
  for (const std::string &declaration : declarations)
    text += declaration;
  auto isInteger = [](Fill fill) { return fill == Fill::Documents || fill == Fill::Flags || fill == Fill::Lengths; };
  Names inputs, names, parameters;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const ProgramInput &input = program.inputs[i];
    const char *type = isInteger(input.fill) ? "i32[" : "f32[";
    names.push_back(input.name);
    inputs.push_back(input.name + ": " + type + join(input.axes) + "]");
    parameters.push_back(input.name + ": " + type + join(stated[i].second) + "]");
  }
  Names output = batch;
  output.insert(output.end(), result.begin(), result.end());
  if (statesBatch)
    result = output;
  if (inBlock)
    text += "block attention(" + join(parameters) + ") -> [" + join(result) + "] {\n  return " + attend + "\n}\n";
  text += "model m(" + join(inputs) + ") -> f32[" + join(output) + "] {\n  return " +
          (inBlock ? "attention(" + join(names) + ")" : attend) + "\n}\n";
  return text;
}

AttentionProgram Writer::write() {
  drawAxes();
  drawOperands();
  std::string clauses = this->clauses();
  program.text = text(clauses);
  return std::move(program);
}

} // namespace

AttentionProgram randomProgram(uint64_t seed) { return Writer(seed).write(); }

} // namespace weft::test
