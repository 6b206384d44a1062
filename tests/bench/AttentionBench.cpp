//===- AttentionBench.cpp - what the clauses of attention cost ----------------------------------------------------===//
// Answers: how near to the machine's limit is plain attention, and how much time does each mask and score add?
//
// A clause is measured beside plain attention of the same work: as many scores as the clause's mask leaves, in tiles of
// 32 queries and 8 keys, as the loop nest takes them. Where a mask shows each query a short run of keys, plain
// attention has several short sequences instead of a long one, so that as many keys come from memory; where a query may
// see any key, fewer queries, since a long run of keys comes from a slower cache than a short one. The two alternate,
// and what is reported is the median of the quotients of neighbours: a
// machine whose speed drifts, or that others use as well, slows both. Times are those of the one thread that computes.
// (Google Benchmark runs one benchmark after the other, so that a drift between them looks like a difference.)
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Numbers.h"
#include "tests/bench/PeakFlops.h"
#include "weft/runtime.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

using weft::bench::threadSeconds;

constexpr int64_t heads = 8, width = 64, documents = 4, window = 512, prefix = 64;

struct Settings {
  std::string json;              // where the numbers go, or ""
  std::vector<std::string> only; // the clauses to measure; none: all
  int64_t rows = 4096;
  int rounds = 15;
};

struct Variant {
  const char *model;
  double allowed; // share of time that the clause may add
  std::function<bool(int64_t q, int64_t k)> admits;
  bool shortRuns; // of keys, for each query
};

std::vector<Variant> variants(int64_t rows) {
  auto everything = [](int64_t, int64_t) { return true; };
  auto causal = [](int64_t q, int64_t k) { return k <= q; };
  auto near = [](int64_t q, int64_t k) { return k <= q && q - k < window; };
  auto global = [](int64_t q, int64_t k) { return k <= q && (q - k < window || k < prefix); };
  auto same = [=](int64_t q, int64_t k) { return q * documents / rows == k * documents / rows; };
  return {{"causal", 0.05, causal, false},   {"window", 0.05, near, true},       {"global", 0.05, global, true},
          {"documents", 0.08, same, true},   {"alibi", 0.05, everything, false}, {"softcap", 0.05, everything, false},
          {"table", 0.05, everything, false}};
}

struct Shape {
  int64_t queries, keys, sequences = 1;
  bool operator==(const Shape &other) const {
    return queries == other.queries && keys == other.keys && sequences == other.sequences;
  }
};

/// Plain attention that computes as many tiles of scores.
Shape plainOfSameWork(const Variant &variant, int64_t rows) {
  constexpr int64_t queries = 32, keys = 8;
  auto admitsAny = [&](int64_t firstQuery, int64_t firstKey) {
    for (int64_t q = firstQuery; q < std::min(firstQuery + queries, rows); ++q)
      for (int64_t k = firstKey; k < std::min(firstKey + keys, rows); ++k)
        if (variant.admits(q, k))
          return true;
    return false;
  };
  int64_t blocks = 0, computed = 0; // keys of all blocks of queries
  for (int64_t q = 0; q < rows; q += queries, ++blocks)
    for (int64_t k = 0; k < rows; k += keys)
      computed += admitsAny(q, k) ? std::min(keys, rows - k) : 0;
  if (variant.shortRuns) {
    int64_t keysOfQuery = std::max<int64_t>(1, computed / blocks), sequences = std::max<int64_t>(1, rows / keysOfQuery);
    return {rows / sequences, keysOfQuery, sequences};
  }
  return {std::min(rows, (computed + rows - 1) / rows * queries), rows};
}

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

//===-- models ----------------------------------------------------------------------------------------------------===//

/// A compiled model with numbers for its inputs, told by their names.
class Model {
public:
  explicit Model(const std::string &name) {
    weft_error error;
    std::string path = compile(name);
    weft_context_options options{/*threads=*/1};
    if (weft_module_load(path.c_str(), nullptr, &module, &error) ||
        weft_context_create(module, &options, &context, &error))
      fail(path + ": " + error.message);
  }
  Model(const Model &) = delete;
  ~Model() {
    weft_context_destroy(context);
    weft_module_destroy(module);
  }

  /// Seconds of one run; with that many keys where they are an axis of their own.
  double run(const Shape &shape) {
    prepare(shape);
    weft_error error;
    double before = threadSeconds();
    if (weft_run(context, views.data(), views.size(), nullptr, 0, &error))
      fail(error.message);
    return threadSeconds() - before;
  }

private:
  /// What is measured is what users get: the library that `weft` makes of tests/bench/Inputs/attention/NAME.weft.
  static std::string compile(const std::string &name) {
    std::string folder = WEFT_BINARY_DIR "/bench", path = folder + "/" + name + ".so";
    std::filesystem::create_directories(folder);
    std::string command = "'" WEFT_BINARY_DIR "/bin/weft' compile '" WEFT_SOURCE_DIR "/tests/bench/Inputs/attention/" +
                          name + ".weft' -q -o '" + path + "'";
    if (std::system(command.c_str()))
      fail("this did not work: " + command);
    return path;
  }

  void prepare(const Shape &shape) {
    if (shape == prepared)
      return;
    prepared = shape;
    views.clear();
    numbers.clear();
    std::mt19937 generator(1);
    weft_tensor_info info;
    for (size_t i = 0; weft_module_tensor(module, WEFT_SEQUENCE, WEFT_INPUT, i, &info); ++i) {
      weft_view view{nullptr, info.type, info.rank, {}};
      int64_t elements = 1;
      for (int32_t d = 0; d < info.rank; ++d) {
        view.shape[d] = info.shape[d] != WEFT_RUNTIME_SIZE ? info.shape[d] : sizeOf(info.axes[d], shape);
        elements *= view.shape[d];
      }
      numbers.emplace_back(elements);
      view.data = numbers.back().data();
      fill(view, elements, generator);
      views.push_back(view);
    }
  }

  // Normal numbers; of integers, which document a row belongs to.
  static void fill(const weft_view &view, int64_t elements, std::mt19937 &generator) {
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < elements; ++i)
      if (view.type == WEFT_I32)
        static_cast<int32_t *>(view.data)[i] = static_cast<int32_t>(i * documents / elements);
      else
        static_cast<float *>(view.data)[i] = normal(generator);
  }

  static int64_t sizeOf(const std::string &axis, const Shape &shape) {
    return axis == "sequence" ? shape.sequences : axis == "key" ? shape.keys : shape.queries;
  }

  Shape prepared{-1, -1};
  weft_module *module = nullptr;
  weft_context *context = nullptr;
  std::vector<weft_view> views;
  std::vector<weft::bench::Numbers> numbers;
};

//===-- measuring -------------------------------------------------------------------------------------------------===//

double median(std::vector<double> numbers) {
  std::nth_element(numbers.begin(), numbers.begin() + numbers.size() / 2, numbers.end());
  return numbers[numbers.size() / 2];
}

struct Result {
  Shape plain;
  double seconds, plainSeconds, added; // medians; added: of the quotients, less one
};

Result measure(Model &model, Model &plain, const Settings &settings, const Shape &plainShape) {
  std::vector<double> times, plainTimes, quotients;
  Shape whole{settings.rows, settings.rows};
  for (int round = -1; round < settings.rounds; ++round) {
    // First the one, then the other: whatever the order does to them, it does to both.
    bool first = round % 2 != 0;
    double time = first ? model.run(whole) : 0, plainTime = plain.run(plainShape);
    if (!first)
      time = model.run(whole);
    if (round < 0)
      continue; // the caches are cold, the pages new
    times.push_back(time);
    plainTimes.push_back(plainTime);
    quotients.push_back(time / plainTime);
  }
  return {plainShape, median(times), median(plainTimes), median(quotients) - 1};
}

double flops(const Shape &shape) { return 4.0 * shape.sequences * shape.queries * shape.keys * heads * width; }

Settings parse(int count, char **arguments) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    std::string name = arguments[i];
    if (name.rfind("--", 0)) {
      settings.only.push_back(name);
      continue;
    }
    std::string value = i + 1 < count ? arguments[++i] : "";
    if (name == "--json" && !value.empty())
      settings.json = value;
    else if (name == "--rows" && std::atoll(value.c_str()) > 0)
      settings.rows = std::atoll(value.c_str());
    else if (name == "--rounds" && std::atoi(value.c_str()) > 0)
      settings.rounds = std::atoi(value.c_str());
    else
      fail("'" + name + " " + value + "' is none of --json FILE, --rows N, --rounds N");
  }
  return settings;
}

} // namespace

int main(int count, char **arguments) {
  Settings settings = parse(count, arguments);
  double peak = weft::bench::peakFlops(0.5);
  Model plain("plain"), itself("plain");
  std::printf("peak of one thread: %.1f GFLOP/s; %lld queries, %lld heads, width %lld, %d rounds\n\n", peak / 1e9,
              (long long)settings.rows, (long long)heads, (long long)width, settings.rounds);
  std::printf("%-10s %9s  %-16s %9s %7s %8s %8s\n", "clause", "ms", "same work", "ms", "% peak", "adds %", "allowed");
  nlohmann::json report{{"peak_gflops", peak / 1e9},
                        {"rows", settings.rows},
                        {"heads", heads},
                        {"width", width},
                        {"rounds", settings.rounds},
                        {"clauses", nlohmann::json::array()}};
  auto print = [&](const char *name, const Result &result, double allowed) {
    double share = flops(result.plain) / result.seconds / peak;
    std::string shape = std::to_string(result.plain.queries) + " x " + std::to_string(result.plain.keys);
    if (result.plain.sequences != 1)
      shape = std::to_string(result.plain.sequences) + " x " + shape;
    std::printf("%-10s %9.2f  %-16s %9.2f %7.1f %8.1f %8.0f%s\n", name, 1e3 * result.seconds, shape.c_str(),
                1e3 * result.plainSeconds, 100 * share, 100 * result.added, 100 * allowed,
                result.added > allowed ? "  too much" : "");
    std::fflush(stdout);
    report["clauses"].push_back({{"name", name},
                                 {"ms", 1e3 * result.seconds},
                                 {"plain_sequences", result.plain.sequences},
                                 {"plain_queries", result.plain.queries},
                                 {"plain_keys", result.plain.keys},
                                 {"plain_ms", 1e3 * result.plainSeconds},
                                 {"share_of_peak", share},
                                 {"added", result.added},
                                 {"allowed", allowed}});
  };
  // Against itself: that is how exact the other numbers are.
  print("plain", measure(itself, plain, settings, {settings.rows, settings.rows}), 0.02);
  auto wanted = [&](const Variant &variant) {
    return settings.only.empty() || std::count(settings.only.begin(), settings.only.end(), variant.model);
  };
  for (const Variant &variant : variants(settings.rows))
    if (wanted(variant)) {
      Model model(variant.model);
      print(variant.model, measure(model, plain, settings, plainOfSameWork(variant, settings.rows)), variant.allowed);
    }
  if (!settings.json.empty() && !(std::ofstream(settings.json) << report.dump(2) << '\n'))
    fail("cannot write " + settings.json);
}
