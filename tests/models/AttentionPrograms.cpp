//===- AttentionPrograms.cpp - random models of attention ---------------------------------------------------------===//
// Answers: how is a valid model drawn at random? Its shape first, then clauses that fit, and from all of it the text.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/AttentionWriter.h"
#include <algorithm>
#include <cmath>

namespace weft::test {

double Dice::normal() {
  double radius = std::sqrt(-2 * std::log(1 - real()));
  return radius * std::cos(2 * M_PI * real());
}

std::string join(const Names &names, const char *separator) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : separator) + name;
  return text;
}

static bool has(const Names &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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

//===-- the text --------------------------------------------------------------------------------------------------===//

Names Writer::positionsAndHeads() const {
  Names axes;
  if (!program.queries.empty())
    axes.push_back(program.queries);
  axes.insert(axes.end(), heads.begin(), heads.end());
  return axes;
}

std::string Writer::attend(const std::string &clauses) const {
  if (program.isCached())
    return "attend(q, cache(k, context, over seq), cache(v, context, over seq), over context) " + clauses;
  std::string over = program.queries.empty() || !cross ? program.keys : program.queries + " " + program.keys;
  return "attend(q, k, v, over " + over + ") " + clauses;
}

std::string Writer::text(const std::string &clauses) const {
  auto isInteger = [](Fill fill) { return fill == Fill::Documents || fill == Fill::Flags || fill == Fill::Lengths; };
  Names inputs, names, parameters, values, inside, outputs;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const ProgramInput &input = program.inputs[i];
    const char *type = isInteger(input.fill) ? "i32[" : "f32[";
    names.push_back(input.name);
    inputs.push_back(input.name + ": " + type + join(input.axes) + "]");
    parameters.push_back(input.name + ": " + type + join(stated[i].second) + "]");
  }
  for (const Names &axes : results) {
    Names all = batch;
    all.insert(all.end(), axes.begin(), axes.end());
    values.push_back("r" + std::to_string(values.size()));
    inside.push_back("[" + join(statesBatch ? all : axes) + "]");
    outputs.push_back("f32[" + join(all) + "]");
  }

  std::string text = axisText();
  for (const std::string &declaration : declarations)
    text += declaration;
  auto body = [&](const std::string &call) {
    return " {\n  " + join(values) + " = " + call + "\n  return " + join(values) + "\n}\n";
  };
  if (inBlock)
    text += "block attention(" + join(parameters) + ") -> " + join(inside) + body(attend(clauses));
  return text + "model m(" + join(inputs) + ") -> " + join(outputs) +
         body(inBlock ? "attention(" + join(names) + ")" : attend(clauses));
}

AttentionProgram Writer::write() {
  drawAxes();
  drawOperands();
  results.push_back(positionsAndHeads());
  results.back().push_back(valueWidth);
  std::string clauses = this->clauses();
  program.text = text(clauses);
  return std::move(program);
}

AttentionProgram randomProgram(uint64_t seed) { return Writer(seed).write(); }

} // namespace weft::test
