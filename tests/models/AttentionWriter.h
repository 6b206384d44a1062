//===- AttentionWriter.h - a random model of attention, while it is drawn ----------------------------------*- C++
//-*-===//
// Answers: what do the parts of a program share? AttentionPrograms.cpp draws its shape and writes the text,
// AttentionFormulas.cpp draws clauses that fit: whatever a formula reads becomes an input, with an axis for each
// position that the formula gives and sometimes those of the batch and heads.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "tests/models/AttentionPrograms.h"

namespace weft::test {

using Fill = ProgramInput::Fill;
using Names = std::vector<std::string>;

std::string join(const Names &names, const char *separator = ", ");

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
  std::string vectorScore();
  std::string weighUse();
  std::string sink();
  std::string declare(const std::string &kind, const std::string &body);

  // Formulas over positions; they note what they use.
  std::string whole(int depth);
  std::string condition(int depth);
  std::string positionTensor(Fill fill, bool isI32);

  Names positionsAndHeads() const; ///< of the query
  std::string axisText() const;
  std::string attend(const std::string &clauses) const;
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
    bool vectors = false;                              ///< q and k are vectors
    Names tensors;                                     ///< as declared: "t0[seq]"
    std::vector<std::pair<std::string, Names>> inputs; ///< what they are given
  } formula;
  Names declarations;                                ///< of formulas
  std::vector<Names> results;                        ///< axes of what the attention gives, without the batch
  std::vector<std::pair<std::string, Names>> stated; ///< inputs, with the axes that the block states
  int formulas = 0, tensors = 0;
};

} // namespace weft::test
