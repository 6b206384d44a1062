//===- MaskPicture.cpp - what the compiler makes of a model's masks -----------------------------------------------===//
// Blocks are classified by the analyses that the kernels are made from, with numbers for the sizes; the pairs of
// partial blocks are then evaluated one by one, as the reference does.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/MaskPicture.h"
#include "compiler/inspect/KnownValues.h"
#include "compiler/inspect/Places.h"
#include "compiler/reference/Parallel.h"
#include "compiler/reference/ScalarBody.h"
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "dialects/Weft/Analysis/MaskIntervals.h"
#include "dialects/Weft/Analysis/MaskValues.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include <atomic>

using namespace mlir;

namespace weft {
namespace {

using reference::ScalarBody;
using reference::Tensor;
using Class = MaskPicture::Class;

constexpr int64_t block = 32;                   // positions, both ways: what kernels skip
constexpr int64_t mostCells = 32;               // of a picture, both ways
constexpr int64_t mostPairs = int64_t(1) << 27; // that are evaluated one by one
constexpr int64_t mostPicturesOfAMask = 64;     // batch entries times heads

/// A mask region whose values are known, but for arguments after the first four.
class Mask {
public:
  /// Copies the region; `missing` is told what it reads that is not known.
  static llvm::Expected<Mask> of(AttentionOp op, KnownValues &known, std::vector<std::string> &missing);

  bool reads(unsigned argument) const { return !region->getArgument(argument).use_empty(); }
  bool isKnown() const { return region->getNumArguments() == 4; }

  llvm::Error draw(int64_t batch, int64_t head, int64_t firstPosition, MaskPicture &picture);

private:
  Mask(std::unique_ptr<Region> region, const reference::Frame &frame) : region(std::move(region)), frame(&frame) {}
  llvm::Error findUniform(int64_t batch, int64_t head);
  BoundExpr::Numbers::Entries entries(Operation *load, ArrayRef<int64_t> first, ArrayRef<int64_t> last) const;
  llvm::Error countPairs(int64_t batch, int64_t head, int64_t firstPosition, ArrayRef<Class> classes,
                         MaskPicture &picture);

  std::unique_ptr<Region> region;
  const reference::Frame *frame;
  DenseMap<Value, int64_t> uniform; // inside the region
};

llvm::Expected<Mask> Mask::of(AttentionOp op, KnownValues &known, std::vector<std::string> &missing) {
  auto region = std::make_unique<Region>();
  IRMapping same;
  op.getMask().cloneInto(region.get(), same);
  Block &body = region->front();
  SetVector<Value> outside;
  getUsedValuesDefinedAbove(op.getMask(), op.getMask(), outside);
  for (Value value : outside) {
    auto found = known.find(value, missing);
    if (!found)
      return found.takeError();
    if (*found)
      continue;
    // What is read of it, or it itself where it is a number, can be anything.
    for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
      Operation *user = use.getOwner();
      if (user->getParentRegion() != region.get())
        continue;
      if (isa<tensor::ExtractOp>(user) && use.getOperandNumber() == 0)
        user->getResult(0).replaceAllUsesWith(body.addArgument(user->getResult(0).getType(), user->getLoc()));
      else if (!isa<ShapedType>(value.getType()))
        use.set(body.addArgument(value.getType(), user->getLoc()));
    }
  }
  for (Operation &operation : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&operation))
      operation.erase();
  return Mask(std::move(region), known.frame);
}

/// The numbers of everything that is the same for all queries and keys.
llvm::Error Mask::findUniform(int64_t batch, int64_t head) {
  Region copy;
  IRMapping copies;
  region->cloneInto(&copy, copies);
  MaskValues values(region->front(), /*acrossHeads=*/false);
  SmallVector<Value> originals, wanted;
  for (Operation &op : region->front().without_terminator())
    for (Value result : op.getResults())
      if (!values.varies(result) && result.getType().isIntOrIndex()) {
        originals.push_back(result);
        wanted.push_back(copies.lookup(result));
      }
  copy.front().getTerminator()->setOperands(wanted);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(copy.front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  auto body = ScalarBody::translate(copy.front(), *frame);
  if (!body)
    return body.takeError();
  reference::Slots slots = body->slots();
  body->argument(slots, 0).integer = batch;
  body->argument(slots, 1).integer = head;
  if (!body->execute(slots))
    return ScalarBody::error(slots);
  uniform = {{region->getArgument(0), batch}, {region->getArgument(1), head}};
  for (auto [i, value] : llvm::enumerate(originals))
    uniform[value] = body->result(slots, i).integer;
  return llvm::Error::success();
}

/// As the loops of a kernel find them: within the table, and not among too many.
BoundExpr::Numbers::Entries Mask::entries(Operation *load, ArrayRef<int64_t> first, ArrayRef<int64_t> last) const {
  const Tensor &table = (*frame)[load->getOperand(0)];
  SmallVector<int64_t> from, sizes;
  int64_t count = 1;
  for (auto [begin, end, size] : llvm::zip(first, last, table.shape)) {
    auto inside = [size = size](int64_t at) { return std::max<int64_t>(std::min(at, size - 1), 0); };
    from.push_back(inside(begin));
    sizes.push_back(std::min(inside(end) + 1, size) - from.back());
    count = std::min(count * sizes.back(), mostTableEntries + 1);
  }
  if (count < 1 || count > mostTableEntries) {
    Type type = load->getResult(0).getType();
    if (type.isInteger(1))
      return {0, 1};
    unsigned width = type.isIndex() ? 32 : type.getIntOrFloatBitWidth();
    return {llvm::minIntN(width), llvm::maxIntN(width)};
  }
  double least = std::numeric_limits<double>::infinity(), most = -least;
  SmallVector<int64_t> strides = reference::strides(table.shape);
  reference::forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    int64_t place = 0;
    for (auto [i, begin, stride] : llvm::zip(index, from, strides))
      place += (begin + i) * stride;
    least = std::min(least, table.values[place]);
    most = std::max(most, table.values[place]);
  });
  return {static_cast<int64_t>(least), static_cast<int64_t>(most)};
}

llvm::Error Mask::draw(int64_t batch, int64_t head, int64_t firstPosition, MaskPicture &picture) {
  if (llvm::Error error = findUniform(batch, head))
    return error;
  MaskBounds bounds = MaskBounds::of(*region);
  bool useful = false;
  MaskIntervals intervals = MaskIntervals::of(*region, /*acrossHeads=*/false, &useful);
  useful &= !bounds.exact;
  auto valueOf = [&](Value value) {
    auto found = uniform.find(value);
    return found != uniform.end() ? found->second : frame->integer(value);
  };
  auto table = [&](Operation *load, ArrayRef<int64_t> first, ArrayRef<int64_t> last) {
    return entries(load, first, last);
  };
  int64_t rows = llvm::divideCeil(picture.queries, block), columns = llvm::divideCeil(picture.keys, block);
  std::vector<Class> classes(rows * columns);
  auto classify = [&](size_t row) {
    BoundExpr::Numbers at;
    int64_t first = row * block;
    at.firstQuery = firstPosition + first;
    at.lastQuery = firstPosition + std::min(first + block, picture.queries) - 1;
    at.keys = picture.keys;
    at.firstHead = at.lastHead = head;
    at.uniform = valueOf;
    at.table = table;
    int64_t begin = bounds.admitted.begin.evaluate(at), end = bounds.admitted.end.evaluate(at);
    int64_t wholeBegin = bounds.whole.begin.evaluate(at), wholeEnd = bounds.whole.end.evaluate(at);
    for (int64_t column = 0; column < columns; ++column) {
      at.firstKey = column * block;
      at.lastKey = std::min(at.firstKey + block, picture.keys) - 1;
      bool isEmpty = at.lastKey < begin || at.firstKey >= end;
      bool isWhole = !isEmpty && at.firstKey >= wholeBegin && at.lastKey < wholeEnd;
      if (useful && !isEmpty && !isWhole) {
        isEmpty = !intervals.some.evaluate(at);
        isWhole = intervals.whole.evaluate(at);
      }
      classes[row * columns + column] = isEmpty   ? MaskPicture::Empty
                                        : isWhole ? MaskPicture::Whole
                                                  : MaskPicture::Partial;
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = reference::parallelFor(rows, classify))
    return error;
  picture.skipped = classes.empty() ? 0 : double(llvm::count(classes, MaskPicture::Empty)) / double(classes.size());

  // Blocks become cells, a power of two of them each way.
  int64_t scale = 1;
  while (llvm::divideCeil(std::max(rows, columns), scale) > mostCells)
    scale *= 2;
  picture.cell = scale * block;
  picture.rows = llvm::divideCeil(rows, scale);
  picture.columns = llvm::divideCeil(columns, scale);
  for (int64_t row = 0; row < picture.rows; ++row)
    for (int64_t column = 0; column < picture.columns; ++column) {
      std::optional<Class> all;
      for (int64_t r = row * scale; r < std::min((row + 1) * scale, rows); ++r)
        for (int64_t c = column * scale; c < std::min((column + 1) * scale, columns); ++c)
          all = !all || *all == classes[r * columns + c] ? classes[r * columns + c] : MaskPicture::Partial;
      picture.cells.push_back(*all);
    }
  return isKnown() ? countPairs(batch, head, firstPosition, classes, picture) : llvm::Error::success();
}

llvm::Error Mask::countPairs(int64_t batch, int64_t head, int64_t firstPosition, ArrayRef<Class> classes,
                             MaskPicture &picture) {
  int64_t columns = llvm::divideCeil(picture.keys, block);
  if (int64_t(llvm::count(classes, MaskPicture::Partial)) > mostPairs / (block * block))
    return llvm::Error::success();
  auto body = ScalarBody::translate(region->front(), *frame);
  if (!body)
    return body.takeError();
  std::atomic<int64_t> admitted = 0;
  auto count = [&](size_t i) -> llvm::Error {
    reference::Slots slots = body->slots();
    body->argument(slots, 0).integer = batch;
    body->argument(slots, 1).integer = head;
    int64_t query = i, sum = 0;
    for (int64_t column = 0; column < columns; ++column) {
      Class known = classes[query / block * columns + column];
      int64_t end = std::min((column + 1) * block, picture.keys);
      sum += known == MaskPicture::Whole ? end - column * block : 0;
      for (int64_t key = column * block; known == MaskPicture::Partial && key < end; ++key) {
        body->argument(slots, 2).integer = firstPosition + query;
        body->argument(slots, 3).integer = key;
        if (!body->execute(slots))
          return ScalarBody::error(slots);
        sum += body->result(slots).integer != 0;
      }
    }
    admitted += sum;
    return llvm::Error::success();
  };
  if (llvm::Error error = reference::parallelFor(picture.queries, count))
    return error;
  double pairs = double(picture.queries) * double(picture.keys);
  picture.refused = pairs ? 1 - double(admitted) / pairs : 0;
  return llvm::Error::success();
}

bool isSame(const MaskPicture &a, const MaskPicture &b) {
  return a.queries == b.queries && a.keys == b.keys && a.cells == b.cells && a.skipped == b.skipped &&
         a.refused == b.refused && a.missing == b.missing;
}

/// "heads 0 to 3 and 5"
std::string listOf(StringRef what, ArrayRef<int64_t> numbers) {
  std::string list;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
      ++last;
    list += (list.empty() ? "" : ", ") + std::to_string(numbers[i]);
    if (last > i)
      list += " to " + std::to_string(numbers[last]);
    i = last + 1;
  }
  return (what + (numbers.size() > 1 ? "s " : " ") + list).str();
}

/// The pictures of one attention, heads that look the same together.
llvm::Expected<std::vector<MaskPicture>> draw(AttentionOp op, KnownValues &known) {
  auto query = cast<RankedTensorType>(op.getQuery().getType()), key = cast<RankedTensorType>(op.getKey().getType());
  if (!query.hasStaticShape() || !key.hasStaticShape())
    return reference::failure(op, "has sizes that are known when running only; fix them with --axis");
  MaskPicture empty;
  empty.place = placeOf(op.getLoc());
  empty.queries = query.getDimSize(1);
  empty.keys = key.getDimSize(1);
  auto mask = Mask::of(op, known, empty.missing);
  if (!mask)
    return mask.takeError();
  int64_t firstPosition = 0;
  if (Value past = op.getPast()) {
    auto found = known.find(past, empty.missing);
    if (!found)
      return found.takeError();
    firstPosition = *found ? known.frame.integer(past) : 0;
  }
  int64_t batches = mask->reads(0) ? query.getDimSize(0) : 1, heads = mask->reads(1) ? query.getDimSize(2) : 1;
  std::vector<MaskPicture> pictures;
  std::vector<SmallVector<int64_t>> members;
  int64_t drawn = std::min(batches * heads, mostPicturesOfAMask);
  for (int64_t i = 0; i < drawn; ++i) {
    MaskPicture picture = empty;
    if (llvm::Error error = mask->draw(i / heads, i % heads, firstPosition, picture))
      return std::move(error);
    auto same = llvm::find_if(pictures, [&](const MaskPicture &other) { return isSame(other, picture); });
    if (same == pictures.end()) {
      pictures.push_back(std::move(picture));
      members.emplace_back();
      same = pictures.end() - 1;
    }
    members[same - pictures.begin()].push_back(i);
  }
  for (auto [picture, numbers] : llvm::zip(pictures, members)) {
    if (batches > 1 && heads > 1) {
      for (int64_t number : numbers)
        picture.part += (picture.part.empty() ? "" : ", ") +
                        ("batch " + Twine(number / heads) + " head " + Twine(number % heads)).str();
    } else if (drawn > 1 && pictures.size() > 1) {
      picture.part = listOf(heads > 1 ? "head" : "batch", numbers);
    }
    if (drawn < batches * heads)
      picture.part += (picture.part.empty() ? "the first " : " of the first ") + std::to_string(drawn);
  }
  return pictures;
}

} // namespace

llvm::Expected<std::vector<MaskPicture>> drawMasks(func::FuncOp entry, ArrayRef<std::optional<Tensor>> inputs,
                                                   const Checkpoint *checkpoint) {
  KnownValues known(entry, inputs, checkpoint);
  SmallVector<AttentionOp> attentions;
  entry.walk([&](AttentionOp op) {
    if (!op.getMask().empty())
      attentions.push_back(op);
  });
  std::vector<MaskPicture> pictures;
  for (AttentionOp op : attentions) {
    auto drawn = draw(op, known);
    if (!drawn)
      return drawn.takeError();
    for (MaskPicture &picture : *drawn) {
      auto same = llvm::find_if(pictures, [&](const MaskPicture &other) {
        return other.place == picture.place && other.part == picture.part && isSame(other, picture);
      });
      if (same != pictures.end())
        ++same->uses;
      else
        pictures.push_back(std::move(picture));
    }
  }
  return pictures;
}

} // namespace weft
