//===- AttentionFormulas.cpp - random masks, scores and other clauses ---------------------------------------------===//
// Answers: which formulas and clauses does a random program have? Formulas note what they use, so that the declaration
// that is made of one names just that.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/AttentionWriter.h"
#include <algorithm>
#include <cstdio>

namespace weft::test {

/// A number as the language writes it, of few digits.
static std::string literal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
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
std::string Writer::declare(const std::string &kind, const std::string &body) {
  std::string name = "f" + std::to_string(formulas++);
  Names parameters;
  for (auto [used, parameter] : {std::pair(kind == "score" && !formula.vectors, "s"),
                                 {kind == "weigh", "p"},
                                 {formula.b, "b"},
                                 {formula.h, "h"},
                                 {formula.q, "q"},
                                 {formula.k, "k"}})
    if (used)
      parameters.push_back(parameter);
  if (formula.vectors)
    for (const char *vector : {"q[dim]", "k[dim]"})
      parameters.push_back(vector);
  std::string head = kind + " " + name + "(" + join(parameters);
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
      return declare("mask", std::string("x0[q] == ") + (cross ? "x1[k]" : "x0[k]"));
    }
    [[fallthrough]];
  case 8: // padding: one number for each of the batch, which goes along with it or is read at its place
    if (batch.size() == 1) {
      std::string name = "t" + std::to_string(tensors++);
      bool read = statesBatch && dice.chance(50);
      input(name, batch, Fill::Lengths, true);
      formula.tensors = {"x0: i32[" + (read ? batch.front() : "") + "]"};
      formula.inputs = {{name, batch}};
      formula.k = true;
      formula.b = read;
      return declare("mask", read ? "k < x0[b]" : "k < x0");
    }
    [[fallthrough]];
  case 9: { // a mask given at run time
    std::string read = positionTensor(Fill::Flags, true);
    return declare("mask", read + " != 0");
  }
  default: {
    std::string body = condition(2);
    return declare("mask", body);
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
    program.callsFunctions = true;
    return "softcap(" + literal(dice.of<double>({0.5, 2, 5, 30})) + ")";
  case 2:
    if (hasHeads())
      return "alibi";
    [[fallthrough]];
  case 3:
  case 4: {
    std::string read = positionTensor(Fill::Bias, false);
    return declare("score", "s + " + read);
  }
  case 5: {
    std::string read = positionTensor(Fill::Bias, false);
    return declare("score", "s * " + read);
  }
  case 6:
    formula.q = formula.k = true;
    return declare("score", "s - " + literal(dice.real()) + " * abs(q - k)");
  case 7:
    formula.q = formula.k = true;
    program.callsFunctions = true;
    return declare("score", "s * (1 + 0.25 * sin(" + literal(dice.real()) + " * (q - k)))");
  case 8:
    return declare("score", "s / (1 + abs(s) / 4)");
  case 9: {
    std::string test = condition(1);
    admitsNothing = dice.chance(30);
    return declare("score", "if " + test + " then s else " + (admitsNothing ? "-inf" : "s - 2"));
  }
  case 10:
    if (dice.chance(20))
      return "uniform";
    [[fallthrough]];
  default: {
    std::string number = whole(2);
    return declare("score", "s + 0.01 * " + number);
  }
  }
}

/// A score over vectors, which replaces the products.
std::string Writer::vectorScore() {
  formula.vectors = true;
  program.multiplies = false;
  program.callsFunctions = true; // one of them does
  auto along = [&] {
    std::string name = "t" + std::to_string(tensors++);
    Names axes = {width};
    for (const std::string &axis : heads)
      if (dice.chance(35))
        axes.insert(axes.begin(), axis);
    input(name, axes, Fill::Width, true);
    formula.tensors.push_back("w[dim]");
    formula.inputs.emplace_back(name, axes);
    return "w";
  };
  switch (dice.number(0, 5)) {
  case 0:
    return declare("score", std::string("sum[dim] ") + along() + " * tanh(q + k)");
  case 1:
    return declare("score", "sum[dim] q * k / sqrt(sum[dim](q * q) + 0.1) / sqrt(sum[dim](k * k) + 0.1)");
  case 2:
    return declare("score", "-mean[dim] (q - k) * (q - k)");
  case 3:
    return declare("score", "-0.3 * sum[dim] abs(q - k)");
  case 4:
    return declare("score", std::string("sum[dim](q * k) / sqrt(dim) + 0.5 * mean[dim](") + along() + " * k)");
  default:
    return declare("score", std::string("sum[dim] ") + along() + " * q * k");
  }
}

/// What becomes of a probability.
std::string Writer::weighUse() {
  switch (dice.number(0, 4)) {
  case 0:
    return declare("weigh", "p * " + literal(dice.real()));
  case 1:
    return declare("weigh", "p / (1 + p)");
  case 2: {
    std::string test = condition(1);
    return declare("weigh", "if " + test + " then p else 0");
  }
  case 3:
    return declare("weigh", "min(p, 0.3)");
  default: {
    std::string read = positionTensor(Fill::Bias, false);
    return declare("weigh", "p * " + read);
  }
  }
}

std::string Writer::sink() {
  Names axes;
  if (hasHeads())
    for (const std::string &axis : heads)
      if (dice.chance(60))
        axes.push_back(axis);
  if (axes.empty())
    return literal(3 * dice.normal());
  return input("t" + std::to_string(tensors++), axes, Fill::Bias, false);
}

std::string Writer::clauses() {
  Names clauses;
  // A step sees no later key, so a whole sequence must not.
  if (program.isCached())
    clauses.push_back("where causal" + (dice.chance(60) ? " and " + mask(2) : ""));
  else if (dice.chance(75))
    clauses.push_back("where " + mask(3));
  if (dice.chance(60)) {
    std::string chain = dice.chance(25) ? vectorScore() : scoreUse();
    // -inf times a number would be infinite or NaN.
    while (!admitsNothing && dice.chance(25))
      chain += " then " + scoreUse();
    clauses.push_back("score " + chain);
  }
  if (dice.chance(30))
    clauses.push_back("scale " + dice.of<std::string>({"1", "0.3", "1 / dim", "2 / sqrt(dim)", "0.0125"}));
  if (dice.chance(15))
    clauses.push_back("sink " + sink());
  if (dice.chance(15))
    clauses.push_back("weigh " + weighUse() + (dice.chance(20) ? " then " + weighUse() : ""));
  permute(clauses);
  // Further results, in the order of the text.
  Names asked;
  if (!program.isCached() && dice.chance(20))
    asked.push_back("weights");
  if (dice.chance(20))
    asked.push_back("lse");
  permute(asked);
  for (const std::string &what : asked) {
    clauses.push_back("with " + what);
    Names axes = positionsAndHeads();
    if (what == "weights" && program.keys == program.queries) {
      axisOrder.push_back("key");
      clauses.back() += " over key";
      axes.push_back("key");
    } else if (what == "weights") {
      axes.push_back(program.keys);
    }
    results.push_back(axes);
  }
  return join(clauses, " ");
}

} // namespace weft::test
