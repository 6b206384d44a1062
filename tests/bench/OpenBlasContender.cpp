//===- OpenBlasContender.cpp - OpenBLAS among the contenders ------------------------------------------------------===//
// Answers: how long does OpenBLAS take for a product with a matrix of weights? It is loaded when running, so that this
// is built without it.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include <dlfcn.h>
#include <stdexcept>

namespace weft::bench {
namespace {

class OpenBlas : public Contender {
public:
  Json prepare(const Json &work) override {
    if (work.at("kind") != "matmul" || work.at("type") != "f32")
      throw std::runtime_error("multiplies matrices of f32 only");
    open();
    rows = work.at("rows"), columns = work.at("columns"), depth = work.at("depth");
    input = readFloats(work.at("inputs").at(0).at("file"));
    weights = readFloats(work.at("weights").at("file"), work.at("weights").at("offset"), int64_t(columns) * depth);
    output.assign(size_t(rows) * columns, 0);
    setThreads(work.value("threads", 1));
    return {{"version", config()}};
  }

  void call() override {
    enum { RowMajor = 101, NoTrans = 111, Trans = 112 };
    if (rows == 1) // what its users call for one row
      gemv(RowMajor, NoTrans, columns, depth, 1, weights.data(), depth, input.data(), 1, 0, output.data(), 1);
    else
      gemm(RowMajor, NoTrans, Trans, rows, columns, depth, 1, input.data(), depth, weights.data(), depth, 0,
           output.data(), columns);
  }

  Numbers result() override { return output; }

private:
  template <typename Function> void find(void *library, const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function)
      throw std::runtime_error(std::string("there is no ") + name + " in libopenblas.so.0");
  }

  void open() {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);
    if (!library)
      throw std::runtime_error("libopenblas.so.0 cannot be loaded");
    find(library, "cblas_sgemm", gemm);
    find(library, "cblas_sgemv", gemv);
    find(library, "openblas_set_num_threads", setThreads);
    find(library, "openblas_get_config", config);
  }

  void (*gemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
               int) = nullptr;
  void (*gemv)(int, int, int, int, float, const float *, int, const float *, int, float, float *, int) = nullptr;
  void (*setThreads)(int) = nullptr;
  const char *(*config)() = nullptr;
  int rows = 0, columns = 0, depth = 0;
  Numbers input, weights, output;
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::OpenBlas contender;
  return weft::bench::serve(contender);
}
