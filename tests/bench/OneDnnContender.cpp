//===- OneDnnContender.cpp - oneDNN among the contenders ----------------------------------------------------------===//
// Answers: how long does oneDNN take for a product with a matrix of weights that it has put into its own order before?
// It takes the number of threads from OMP_NUM_THREADS.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

namespace weft::bench {
namespace {

using namespace dnnl;

class OneDnn : public Contender {
public:
  OneDnn() : engine(engine::kind::cpu, 0), stream(engine) {}

  Json prepare(const Json &work) override {
    if (work.at("kind") != "matmul" || work.value("type", "f32") != "f32")
      throw std::runtime_error("multiplies matrices of f32 only");
    int64_t rows = work.at("rows"), columns = work.at("columns"), depth = work.at("depth");
    input = readFloats(work.at("inputs").at(0).at("file"));
    weights = readFloats(work.at("weights").at("file"), work.at("weights").at("offset"), columns * depth);
    output.assign(rows * columns, 0);
    using Tag = memory::format_tag;
    constexpr auto f32 = memory::data_type::f32;
    memory::desc inputs({rows, depth}, f32, Tag::ab), given({depth, columns}, f32, Tag::ba),
        outputs({rows, columns}, f32, Tag::ab), any({depth, columns}, f32, Tag::any);
#if DNNL_VERSION_MAJOR >= 3
    matmul::primitive_desc description(engine, inputs, any, outputs);
#else
    matmul::primitive_desc description(matmul::desc(inputs, any, outputs), engine);
#endif
    memory ordered(description.weights_desc(), engine), plain(given, engine, weights.data());
    reorder(plain, ordered).execute(stream, plain, ordered);
    stream.wait();
    multiply = matmul(description);
    arguments = {{DNNL_ARG_SRC, memory(inputs, engine, input.data())},
                 {DNNL_ARG_WEIGHTS, ordered},
                 {DNNL_ARG_DST, memory(outputs, engine, output.data())}};
    const version_t *version = dnnl::version();
    return {{"version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                            std::to_string(version->patch)},
            {"implementation", description.impl_info_str()}};
  }

  void call() override {
    multiply.execute(stream, arguments);
    stream.wait();
  }

  std::vector<float> result() override { return output; }

private:
  dnnl::engine engine;
  dnnl::stream stream;
  matmul multiply;
  std::unordered_map<int, memory> arguments;
  std::vector<float> input, weights, output;
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::OneDnn contender;
  return weft::bench::serve(contender);
}
