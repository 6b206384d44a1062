//===- OneDnnContender.cpp - oneDNN among the contenders ----------------------------------------------------------===//
// Answers: how long does oneDNN take for a product with a matrix of weights that it has put into its own order before?
// It takes the number of threads from OMP_NUM_THREADS.
//
// With weights of bf16 or int8 the input is rounded in each call, as Weft does: to bf16, or to multiples of 1 / 127 of
// the largest number of all rows, where Weft looks at each row. That number is found once, ahead: a small gift.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

namespace weft::bench {
namespace {

using namespace dnnl;

class OneDnn : public Contender {
public:
  OneDnn() : engine(engine::kind::cpu, 0), stream(engine) {}

  Json prepare(const Json &work) override {
    std::string type = work.at("type");
    bool isInteger = type == "int8" && work.at("activations") == "int8";
    if (work.at("kind") != "matmul" || (type != "f32" && type != "bf16" && !isInteger))
      throw std::runtime_error("multiplies matrices of one type only: f32, bf16 or int8");
    int64_t rows = work.at("rows"), columns = work.at("columns"), depth = work.at("depth");
    input = readFloats(work.at("inputs").at(0).at("file"));
    weights = readFloats(work.at("weights").at("file"), work.at("weights").at("offset"), columns * depth);
    output.assign(rows * columns, 0);
    using Tag = memory::format_tag;
    constexpr auto f32 = memory::data_type::f32;
    auto narrow = isInteger ? memory::data_type::s8 : type == "bf16" ? memory::data_type::bf16 : f32;
    memory::desc inputs({rows, depth}, f32, Tag::ab), given({depth, columns}, isInteger ? narrow : f32, Tag::ba),
        rounded({rows, depth}, narrow, Tag::ab), outputs({rows, columns}, f32, Tag::ab),
        any({depth, columns}, narrow, Tag::any);
    primitive_attr ofInput, ofProduct;
    void *data = weights.data();
    if (isInteger) {
      roundToIntegers(ofInput, ofProduct, columns, depth);
      data = integers.data();
    }
#if DNNL_VERSION_MAJOR >= 3
    matmul::primitive_desc description(engine, rounded, any, outputs, ofProduct);
#else
    matmul::primitive_desc description(matmul::desc(rounded, any, outputs), ofProduct, engine);
#endif
    memory ordered(description.weights_desc(), engine), plain(given, engine, data);
    reorder(plain, ordered).execute(stream, plain, ordered);
    stream.wait();
    multiply = matmul(description);
    source = memory(inputs, engine, input.data());
    memory words = narrow == f32 ? source : memory(rounded, engine);
    round = narrow == f32 ? reorder() : reorder(reorder::primitive_desc(source, words, ofInput));
    arguments = {
        {DNNL_ARG_SRC, words}, {DNNL_ARG_WEIGHTS, ordered}, {DNNL_ARG_DST, memory(outputs, engine, output.data())}};
    const version_t *version = dnnl::version();
    return {{"version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                            std::to_string(version->patch)},
            {"implementation", description.impl_info_str()}};
  }

  void call() override {
    if (round)
      round.execute(stream, source, arguments.at(DNNL_ARG_SRC));
    multiply.execute(stream, arguments);
    stream.wait();
  }

  Numbers result() override { return output; }

private:
  /// A scale for all rows, and one for each column. oneDNN cannot round and reorder weights at once.
  void roundToIntegers(primitive_attr &ofInput, primitive_attr &ofProduct, int64_t columns, int64_t depth) {
#if DNNL_VERSION_MAJOR >= 3
    throw std::runtime_error("scales of int8 are written for oneDNN 2, which Debian 12 has");
#else
    auto most = [](const float *numbers, int64_t count) {
      float largest = 1e-30f;
      for (int64_t i = 0; i < count; ++i)
        largest = std::max(largest, std::abs(numbers[i]));
      return largest;
    };
    float ofRows = most(input.data(), input.size());
    std::vector<float> scales;
    integers.resize(columns * depth);
    for (int64_t c = 0; c < columns; ++c) {
      float ofColumn = most(&weights[c * depth], depth);
      for (int64_t d = 0; d < depth; ++d)
        integers[c * depth + d] = static_cast<int8_t>(std::lround(weights[c * depth + d] * (127 / ofColumn)));
      scales.push_back(ofColumn / 127 * ofRows / 127);
    }
    ofInput.set_output_scales(0, {127 / ofRows});
    ofProduct.set_output_scales(/*by columns=*/1 << 1, scales);
#endif
  }

  dnnl::engine engine;
  dnnl::stream stream;
  matmul multiply;
  reorder round; ///< of the input, where it is not f32 that is multiplied
  memory source;
  std::unordered_map<int, memory> arguments;
  Numbers input, weights, output;
  std::vector<int8_t> integers; ///< weights that were rounded
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::OneDnn contender;
  return weft::bench::serve(contender);
}
