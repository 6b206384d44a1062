//===- LinalgLoopsTest.cpp - loops of weft-lower-linalg, run ----------------------------------------------------===//
// Answers: do formulas, reductions and copies compute what linalg says, in any layout?
//===------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <numeric>

namespace weft::test {
namespace {

std::vector<float> countUp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST(LinalgLoops, BroadcastsAndMergesDimensions) {
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    func.func @kernel(%x: memref<?x?x5xf32>, %bias: memref<5xf32>, %y: memref<?x?x5xf32>) attributes {llvm.emit_c_interface} {
      linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (c)>,
                                       affine_map<(a, b, c) -> (a, b, c)>],
                      iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%x, %bias : memref<?x?x5xf32>, memref<5xf32>) outs(%y : memref<?x?x5xf32>) {
      ^bb0(%u: f32, %v: f32, %old: f32):
        %0 = arith.addf %u, %v : f32
        linalg.yield %0 : f32
      }
      return
    })");
  ASSERT_TRUE(jit);
  for (int64_t batch : {0, 1, 40, 4000}) {
    std::vector<float> x = countUp(batch * 35), bias = countUp(5), y(batch * 35 + 1, -1);
    jit->call("kernel",
              {Descriptor(x.data(), {batch, 7, 5}), Descriptor(bias.data(), {5}), Descriptor(y.data(), {batch, 7, 5})});
    for (int64_t i = 0; i < batch * 35; ++i)
      ASSERT_EQ(y[i], x[i] + bias[i % 5]) << i;
    EXPECT_EQ(y.back(), -1);
  }
  EXPECT_GT(Jit::chunks, 1);
}

TEST(LinalgLoops, ReducesRowsColumnsAndAll) {
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    #full = affine_map<(i, j) -> (i, j)>
    func.func @kernel(%x: memref<?x?xf32>, %rows: memref<?xf32>, %columns: memref<?xf32>, %all: memref<f32>)
        attributes {llvm.emit_c_interface} {
      linalg.generic {indexing_maps = [#full, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
          ins(%x : memref<?x?xf32>) outs(%rows : memref<?xf32>) {
      ^bb0(%u: f32, %sum: f32):
        %0 = arith.addf %sum, %u : f32
        linalg.yield %0 : f32
      }
      linalg.generic {indexing_maps = [#full, affine_map<(i, j) -> (j)>], iterator_types = ["reduction", "parallel"]}
          ins(%x : memref<?x?xf32>) outs(%columns : memref<?xf32>) {
      ^bb0(%u: f32, %largest: f32):
        %0 = arith.maximumf %largest, %u : f32
        linalg.yield %0 : f32
      }
      linalg.generic {indexing_maps = [#full, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
          ins(%x : memref<?x?xf32>) outs(%all : memref<f32>) {
      ^bb0(%u: f32, %sum: f32):
        %0 = arith.addf %u, %sum : f32
        linalg.yield %0 : f32
      }
      return
    })");
  ASSERT_TRUE(jit);
  constexpr int64_t height = 37, width = 53;
  std::vector<float> x = countUp(height * width), rows(height, 1), columns(width, 500), all(1, 2);
  jit->call("kernel", {Descriptor(x.data(), {height, width}), Descriptor(rows.data(), {height}),
                       Descriptor(columns.data(), {width}), Descriptor(all.data(), {})});
  for (int64_t i = 0; i < height; ++i)
    EXPECT_EQ(rows[i], 1 + std::accumulate(&x[i * width], &x[i * width] + width, 0.0f));
  for (int64_t j = 0; j < width; ++j)
    EXPECT_EQ(columns[j], std::max(500.0f, x[(height - 1) * width + j]));
  EXPECT_EQ(all[0], 2 + std::accumulate(x.begin(), x.end(), 0.0f));

  // Nothing to reduce leaves the start.
  jit->call("kernel", {Descriptor(x.data(), {height, 0}), Descriptor(rows.data(), {height}),
                       Descriptor(columns.data(), {0}), Descriptor(all.data(), {})});
  EXPECT_EQ(rows[0], 1 + std::accumulate(x.begin(), x.begin() + width, 0.0f));
}

TEST(LinalgLoops, CopiesBetweenLayouts) {
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    func.func @kernel(%x: memref<?x?xf32, strided<[?, 1]>>, %y: memref<?x?xf32, strided<[?, ?]>>, %t: memref<?x?xf32>,
                      %s: memref<f32>, %r: memref<f32>) attributes {llvm.emit_c_interface} {
      memref.copy %x, %y : memref<?x?xf32, strided<[?, 1]>> to memref<?x?xf32, strided<[?, ?]>>
      linalg.transpose ins(%x : memref<?x?xf32, strided<[?, 1]>>) outs(%t : memref<?x?xf32>) permutation = [1, 0]
      memref.copy %s, %r : memref<f32> to memref<f32>
      return
    })");
  ASSERT_TRUE(jit);
  constexpr int64_t height = 6, width = 11, pitch = 13;
  std::vector<float> x = countUp(height * pitch), y(2 * height * pitch, -1), t(height * width), s{42}, r{0};
  jit->call("kernel",
            {Descriptor(x.data(), {height, width}, {pitch, 1}), Descriptor(y.data(), {height, width}, {2 * pitch, 2}),
             Descriptor(t.data(), {width, height}), Descriptor(s.data(), {}), Descriptor(r.data(), {})});
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j) {
      EXPECT_EQ(y[i * 2 * pitch + 2 * j], x[i * pitch + j]);
      EXPECT_EQ(y[i * 2 * pitch + 2 * j + 1], -1);
      EXPECT_EQ(t[j * height + i], x[i * pitch + j]);
    }
  EXPECT_EQ(r[0], 42);
}

TEST(LinalgLoops, KnowsIndicesAndScalars) {
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    func.func @kernel(%y: memref<?x?xf32>, %z: memref<?xf32>) attributes {llvm.emit_c_interface} {
      linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
          outs(%y : memref<?x?xf32>) {
      ^bb0(%old: f32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %c100 = arith.constant 100 : index
        %0 = arith.muli %i, %c100 : index
        %1 = arith.addi %0, %j : index
        %2 = arith.index_cast %1 : index to i32
        %3 = arith.sitofp %2 : i32 to f32
        linalg.yield %3 : f32
      }
      %seven = arith.constant 7.0 : f32
      linalg.fill ins(%seven : f32) outs(%z : memref<?xf32>)
      return
    })");
  ASSERT_TRUE(jit);
  std::vector<float> y(12), z(5);
  jit->call("kernel", {Descriptor(y.data(), {3, 4}), Descriptor(z.data(), {5})});
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 4; ++j)
      EXPECT_EQ(y[i * 4 + j], i * 100 + j);
  EXPECT_EQ(z, std::vector<float>(5, 7.0f));
}

} // namespace
} // namespace weft::test
