//===- LinearKernelTest.cpp - packed matmuls against double -----------------------------------------------------===//
// Answers: is the product right for every number of rows, every shape of the last panel, every kind of extra and any
// strides, and does it touch nothing else?
//===------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

namespace weft::test {
namespace {

constexpr float sentinel = -12345.0f;

std::vector<float> randomNumbers(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = uniform(generator);
  return values;
}

std::string str(int64_t value) { return std::to_string(value); }

struct Shape {
  unsigned lanes;
  int64_t depth, columns, parts, panel;
};

void PrintTo(const Shape &s, std::ostream *out) {
  *out << s.lanes << " lanes, K " << s.depth << ", N " << s.columns << ", parts " << s.parts << ", panel " << s.panel;
}

/// Panels as WeftOps.td describes them. `weights` are the parts, each [columns, depth].
struct Packed {
  int64_t panels;
  std::vector<float> data;

  Packed(const Shape &s, const std::vector<float> &weights) {
    int64_t width = s.panel / s.parts;
    panels = (s.columns + width - 1) / width;
    data.assign(panels * s.depth * s.panel, 0);
    for (int64_t part = 0; part < s.parts; ++part)
      for (int64_t n = 0; n < s.columns; ++n)
        for (int64_t k = 0; k < s.depth; ++k)
          data[((n / width) * s.depth + k) * s.panel + part * width + n % width] =
              weights[(part * s.columns + n) * s.depth + k];
  }
};

class LinearKernel : public testing::TestWithParam<Shape> {};

// A bias by column, a factor by row, a residual of the result's shape: sum of all parts * row + column + residual.
TEST_P(LinearKernel, ComputesEveryNumberOfRows) {
  const Shape &s = GetParam();
  std::vector<float> weights = randomNumbers(s.parts * s.columns * s.depth, 1);
  Packed packed(s, weights);
  std::string accumulators, sum;
  for (int64_t part = 0; part < s.parts; ++part) {
    accumulators += "%a" + str(part) + ": f32, ";
    sum += "%s" + str(part + 1) + " = arith.addf %s" + str(part) + ", %a" + str(part) + " : f32\n";
  }
  std::unique_ptr<Jit> jit = Jit::compile(substitute(R"(
        func.func @kernel(%x: $in, %p: $weights, %c: $column, %f: memref<?xf32>, %residual: $out, %y: $out)
            attributes {llvm.emit_c_interface} {
          weft.packed_linear %x, %p extras %c, %f, %residual outs %y attributes {columns = $N, parts = $parts, extra_maps =
              [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>]} {
          ^bb0($accumulators %bias: f32, %factor: f32, %r: f32):
            %s0 = arith.constant 0.0 : f32
            $sum
            %0 = arith.mulf %s$parts, %factor : f32
            %1 = arith.addf %0, %bias : f32
            %2 = arith.addf %1, %r : f32
            weft.yield %2 : f32
          } : ($in, $weights, $column, memref<?xf32>, $out, $out) -> ()
          return
        })",
                                                     {{"in", "memref<?x$Kxf32>"},
                                                      {"out", "memref<?x$Nxf32>"},
                                                      {"weights", "memref<$Px$Kx$Wxf32>"},
                                                      {"column", "memref<$Nxf32>"},
                                                      {"accumulators", accumulators},
                                                      {"sum", sum},
                                                      {"parts", str(s.parts)},
                                                      {"K", str(s.depth)},
                                                      {"N", str(s.columns)},
                                                      {"P", str(packed.panels)},
                                                      {"W", str(s.panel)}}),
                                          s.lanes);
  ASSERT_TRUE(jit);

  std::vector<float> rowOfFirst;
  for (int64_t rows : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 129, 260}) {
    std::vector<float> x = randomNumbers(rows * s.depth, 2), bias = randomNumbers(s.columns, 3),
                       factor = randomNumbers(rows, 4), residual = randomNumbers(rows * s.columns, 5);
    std::vector<float> y(rows * s.columns + 64, sentinel);
    jit->call("kernel",
              {Descriptor(x.data(), {rows, s.depth}), Descriptor(packed.data.data(), {packed.panels, s.depth, s.panel}),
               Descriptor(bias.data(), {s.columns}), Descriptor(factor.data(), {rows}),
               Descriptor(residual.data(), {rows, s.columns}), Descriptor(y.data(), {rows, s.columns})});
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t n = 0; n < s.columns; ++n) {
        double exact = 0, size = 1;
        for (int64_t part = 0; part < s.parts; ++part)
          for (int64_t k = 0; k < s.depth; ++k) {
            double product = static_cast<double>(x[r * s.depth + k]) * weights[(part * s.columns + n) * s.depth + k];
            exact += product;
            size += std::abs(product);
          }
        exact = exact * factor[r] + bias[n] + residual[r * s.columns + n];
        ASSERT_NEAR(y[r * s.columns + n], exact, 1e-6 * size) << rows << " rows, at " << r << ", " << n;
      }
    for (size_t i = rows * s.columns; i < y.size(); ++i)
      ASSERT_EQ(y[i], sentinel) << rows << " rows: written past the end";
    // The first row is the same for all: it must give the same bits whichever tile it is in.
    if (rows == 1)
      rowOfFirst.assign(y.begin(), y.begin() + s.columns);
    if (rows > 1) {
      EXPECT_TRUE(std::equal(rowOfFirst.begin(), rowOfFirst.end(), y.begin())) << rows << " rows";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LinearKernel,
                         testing::Values(Shape{16, 64, 64, 1, 32}, Shape{16, 33, 200, 1, 32}, Shape{16, 7, 5, 1, 32},
                                         Shape{16, 1, 33, 1, 32}, Shape{16, 40, 56, 2, 32}, Shape{16, 40, 20, 4, 32},
                                         Shape{8, 64, 64, 1, 32}, Shape{8, 33, 203, 1, 32}, Shape{8, 40, 56, 2, 32},
                                         Shape{8, 9, 31, 1, 8}, Shape{16, 2100, 70, 1, 32}));

// Rows of a slice, [batch, position] apart by strides; extras transposed and broadcast; the result a slice too.
TEST(LinearKernelStrides, FollowsAnyStridesAndMaps) {
  constexpr int64_t batch = 3, positions = 5, depth = 24, columns = 40;
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    func.func @kernel(%x: memref<?x?x24xf32, strided<[?, ?, 1], offset: ?>>, %p: memref<2x24x32xf32>,
                      %t: memref<40x?xf32>, %u: memref<1x?xf32>, %y: memref<?x?x40xf32, strided<[?, ?, 1], offset: ?>>)
        attributes {llvm.emit_c_interface} {
      weft.packed_linear %x, %p extras %t, %u outs %y attributes {columns = 40 : i64, extra_maps =
          [affine_map<(d0, d1, d2) -> (d2, d0)>, affine_map<(d0, d1, d2) -> (0, d1)>]} {
      ^bb0(%a: f32, %byColumnAndBatch: f32, %byPosition: f32):
        %0 = arith.mulf %a, %byPosition : f32
        %1 = arith.addf %0, %byColumnAndBatch : f32
        weft.yield %1 : f32
      } : (memref<?x?x24xf32, strided<[?, ?, 1], offset: ?>>, memref<2x24x32xf32>, memref<40x?xf32>, memref<1x?xf32>,
           memref<?x?x40xf32, strided<[?, ?, 1], offset: ?>>) -> ()
      return
    })");
  ASSERT_TRUE(jit);
  constexpr int64_t xRow = 31, xBatch = 7 * xRow, yRow = 44, yBatch = 9 * yRow;
  Shape shape{16, depth, columns, 1, 32};
  std::vector<float> weights = randomNumbers(columns * depth, 1), x = randomNumbers(batch * xBatch, 2),
                     byColumn = randomNumbers(columns * batch, 3), byPosition = randomNumbers(positions, 4);
  Packed packed(shape, weights);
  std::vector<float> y(batch * yBatch, sentinel);
  jit->call("kernel", {Descriptor(x.data(), {batch, positions, depth}, {xBatch, xRow, 1}),
                       Descriptor(packed.data.data(), {2, depth, 32}), Descriptor(byColumn.data(), {columns, batch}),
                       Descriptor(byPosition.data(), {1, positions}),
                       Descriptor(y.data(), {batch, positions, columns}, {yBatch, yRow, 1})});
  for (int64_t i = 0; i < batch * yBatch; ++i) {
    int64_t b = i / yBatch, s = i % yBatch / yRow, n = i % yRow;
    if (s >= positions || n >= columns) {
      ASSERT_EQ(y[i], sentinel) << "written between the rows at " << i;
      continue;
    }
    double exact = 0;
    for (int64_t k = 0; k < depth; ++k)
      exact += static_cast<double>(x[b * xBatch + s * xRow + k]) * weights[n * depth + k];
    exact = exact * byPosition[s] + byColumn[n * batch + b];
    ASSERT_NEAR(y[i], exact, 1e-5) << b << ", " << s << ", " << n;
  }
}

// One row is work for several threads, and so are many rows of a narrow product.
TEST(LinearKernelChunks, DividesFewRowsAndFewColumns) {
  auto chunksFor = [](int64_t rows, int64_t depth, int64_t columns) -> int64_t {
    Shape shape{16, depth, columns, 1, 32};
    Packed packed(shape, randomNumbers(columns * depth, 1));
    std::unique_ptr<Jit> jit = Jit::compile(substitute(R"(
      func.func @kernel(%x: $in, %p: $weights, %y: $out) attributes {llvm.emit_c_interface} {
        weft.packed_linear %x, %p outs %y attributes {columns = $N} {
        ^bb0(%a: f32):
          weft.yield %a : f32
        } : ($in, $weights, $out) -> ()
        return
      })",
                                                       {{"in", "memref<?x$Kxf32>"},
                                                        {"out", "memref<?x$Nxf32>"},
                                                        {"weights", "memref<$Px$Kx32xf32>"},
                                                        {"K", str(depth)},
                                                        {"N", str(columns)},
                                                        {"P", str(packed.panels)}}));
    if (!jit)
      return -1;
    std::vector<float> x(rows * depth), y(rows * columns);
    jit->call("kernel",
              {Descriptor(x.data(), {rows, depth}), Descriptor(packed.data.data(), {packed.panels, depth, 32}),
               Descriptor(y.data(), {rows, columns})});
    return Jit::chunks;
  };
  EXPECT_GE(chunksFor(1, 768, 768), 8);
  EXPECT_GE(chunksFor(1000, 256, 32), 8);
  EXPECT_EQ(chunksFor(1, 64, 64), 1); // not worth waking a thread
}

} // namespace
} // namespace weft::test
