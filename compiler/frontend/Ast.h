//===- Ast.h - what a file says, as written -------------------------------------------------------------*- C++ -*-===//
// Answers: which declarations, statements and expressions does the text consist of? Names are not resolved and axes
// not checked yet. Texts point into the source, which must outlive the tree; an `Ast` owns its expressions.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Source.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Casting.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weft::frontend {

struct Ident {
  llvm::StringRef text;
  Loc loc;
};

enum class Operator { Add, Sub, Mul, Div, FloorDiv, Mod, Lt, Le, Gt, Ge, Eq, Ne, And, Or, Not, Neg };
llvm::StringRef spelling(Operator op);

//===-- expressions -----------------------------------------------------------------------------------------------===//

struct Expr {
  enum class Kind { Number, Name, Unary, Binary, If, Call, Index, Reduce, Attend };
  Expr(Kind kind, Loc loc) : kind(kind), loc(loc) {}
  virtual ~Expr() = default;

  const Kind kind;
  Loc loc;
  unsigned depth = 1; ///< of the tree below; bounded, so that recursion over trees is
};

template <Expr::Kind K> struct ExprBase : Expr {
  explicit ExprBase(Loc loc) : Expr(K, loc) {}
  static bool classof(const Expr *expr) { return expr->kind == K; }
};

struct NumberExpr : ExprBase<Expr::Kind::Number> {
  using ExprBase::ExprBase;
  bool isInteger = true;
  int64_t integer = 0;
  double real = 0;
};

struct NameExpr : ExprBase<Expr::Kind::Name> {
  using ExprBase::ExprBase;
  llvm::StringRef name;
};

struct UnaryExpr : ExprBase<Expr::Kind::Unary> {
  using ExprBase::ExprBase;
  Operator op = Operator::Neg;
  Expr *operand = nullptr;
};

struct BinaryExpr : ExprBase<Expr::Kind::Binary> {
  using ExprBase::ExprBase;
  Operator op = Operator::Add;
  Expr *left = nullptr, *right = nullptr;
};

struct IfExpr : ExprBase<Expr::Kind::If> {
  using ExprBase::ExprBase;
  Expr *condition = nullptr, *then = nullptr, *otherwise = nullptr;
};

/// One argument of a call, in any of the forms that the built-in blocks know.
struct Argument {
  enum class Kind {
    Value,  ///< an expression
    Name,   ///< "q_proj"
    Tied,   ///< tied "model.embed_tokens"
    Arrow,  ///< embed -> head dim
    Option, ///< eps = 1e-6
    Word    ///< bias, no bias, stored in_out, over seq, over tgt src, weight "in_proj_weight", bias "in_proj_bias"
  };
  Kind kind = Kind::Value;
  Loc loc;
  Expr *value = nullptr;                ///< Value, Option
  Ident word;                           ///< Name and Tied: the string; Option and Word: the first word
  Ident object, second;                 ///< Word: what follows it, where something does
  llvm::SmallVector<Ident, 2> from, to; ///< Arrow
};

struct CallExpr : ExprBase<Expr::Kind::Call> {
  using ExprBase::ExprBase;
  Ident callee;
  std::vector<Argument> arguments;
  std::optional<Ident> in; ///< the prefix of the names of weights inside
};

/// x[part = 0] picks along an axis, x[token = 1..5 -> part] cuts; doc[q] reads a tensor inside a formula.
struct IndexExpr : ExprBase<Expr::Kind::Index> {
  using ExprBase::ExprBase;
  struct Entry {
    std::optional<Ident> axis;
    Expr *value = nullptr;
    Expr *end = nullptr;     ///< of a range: x[token = 1..5 -> part]
    std::optional<Ident> to; ///< the axis that a range becomes
  };
  Expr *base = nullptr;
  llvm::SmallVector<Entry, 2> entries;
};

/// sum[axis] x, softmax[axis] x, ...
struct ReduceExpr : ExprBase<Expr::Kind::Reduce> {
  using ExprBase::ExprBase;
  Ident operation;
  llvm::SmallVector<Ident, 2> axes;
  Expr *operand = nullptr;
};

struct AttendExpr : ExprBase<Expr::Kind::Attend> {
  using ExprBase::ExprBase;
  CallExpr *call = nullptr; ///< attend(q, k, v, over axis)
  Expr *where = nullptr;    ///< names and calls of masks under and, or, not
  std::vector<Expr *> scores, weighs;
  Expr *scale = nullptr, *sink = nullptr;
  /// A result besides the attended values: with weights over key, with lse.
  struct Extra {
    bool weights; ///< else the log of the sum
    Loc loc;
    std::optional<Ident> over; ///< the name of the keys' positions in the weights
  };
  llvm::SmallVector<Extra, 2> extras; ///< in the order of the text
};

//===-- statements ------------------------------------------------------------------------------------------------===//

struct Statement {
  enum class Kind { Assign, Accumulate, Return, For, In };
  Kind kind = Kind::Assign;
  Loc loc;
  llvm::SmallVector<Ident, 1> targets; ///< Assign, Accumulate; For: the variable
  llvm::SmallVector<Expr *, 1> values; ///< Assign and Accumulate: one; Return: any; For: first and end
  std::optional<Ident> prefix;         ///< For, In
  std::vector<Statement> body;         ///< For, In
};

//===-- declarations ----------------------------------------------------------------------------------------------===//

struct AxisDecl {
  Ident name;
  Expr *size = nullptr; ///< null: known when running
};

/// x[seq, embed], tokens: i32[batch, seq], or just x in a formula.
struct Parameter {
  Ident name; ///< empty for a result without a name
  std::optional<Ident> element;
  bool hasAxes = false;
  llvm::SmallVector<Ident, 4> axes;
  Loc loc;
};

struct BlockDecl {
  Ident name;
  bool isModel = false;
  std::vector<Parameter> parameters, results;
  std::vector<Statement> body;
  Loc end; ///< the closing brace
};

struct FormulaDecl {
  enum class Kind {
    Mask,  ///< is a key admitted?
    Score, ///< of a query and a key, before the softmax
    Weigh, ///< of a probability, after it
    Def
  };
  Kind kind = Kind::Def;
  Ident name;
  std::vector<Parameter> parameters;
  std::vector<Parameter> tensors; ///< after ';': read at positions
  Expr *body = nullptr;
};

/// "mask"
llvm::StringRef spelling(FormulaDecl::Kind kind);
/// The clause of attention that takes such a formula: "where"; empty for a def.
llvm::StringRef clauseOf(FormulaDecl::Kind kind);

struct Ast {
  std::vector<AxisDecl> axes;
  std::vector<BlockDecl> blocks; ///< blocks and models, in the order of the file
  std::vector<FormulaDecl> formulas;
  std::vector<std::unique_ptr<Expr>> expressions;
};

} // namespace weft::frontend
