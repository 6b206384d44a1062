//===- Contender.cpp - requests and answers -----------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace weft::bench {

Numbers readFloats(const std::string &path, int64_t offset, int64_t count) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    throw std::runtime_error("cannot read '" + path + "'");
  int64_t there = (static_cast<int64_t>(file.tellg()) - offset) / 4;
  if (count > there)
    throw std::runtime_error("'" + path + "' is too short");
  Numbers numbers(count < 0 ? there : count);
  file.seekg(offset);
  file.read(reinterpret_cast<char *>(numbers.data()), static_cast<std::streamsize>(4 * numbers.size()));
  return numbers;
}

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Threads that slept through the turns of others may wake on one CPU, where it takes the system some 10 ms to part
/// them. Of calls that begin earlier than this, in seconds, only the last counts.
static constexpr double settling = 0.03;

/// Calls until so much time has passed, once at least; the seconds of each, and with a clock of the contender's own
/// also those that its host waited.
static Json measure(Contender &contender, const Json &request) {
  Json times = Json::array(), waited = Json::array();
  double begin = now(), before = begin, limit = request.value("seconds", 0.0) + settling;
  do {
    contender.call();
    double after = now();
    if (before - begin < settling) {
      times.clear();
      waited.clear();
    }
    double own = contender.seconds();
    times.push_back(own < 0 ? after - before : own);
    if (own >= 0)
      waited.push_back(after - before);
    before = after;
  } while (before - begin < limit);
  Json reply = {{"seconds", times}};
  if (!waited.empty())
    reply["waited"] = waited;
  return reply;
}

/// The largest difference of two results, beside the largest number of the first.
static Json compare(const Json &request) {
  Numbers wanted = readFloats(request.at("wanted")), found = readFloats(request.at("found"));
  if (wanted.size() != found.size())
    return {{"error", std::to_string(found.size()) + " numbers instead of " + std::to_string(wanted.size())}};
  double difference = 0, largest = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    double apart = std::fabs(double(wanted[i]) - found[i]);
    difference = apart <= difference ? difference : apart; // a NaN stays
    largest = std::fmax(largest, std::fabs(wanted[i]));
  }
  return {{"difference", difference}, {"largest", largest}};
}

static Json answer(Contender &contender, const Json &request) {
  std::string wish = request.at("do");
  if (wish == "prepare") {
    Json facts = contender.prepare(request.at("work"));
    contender.call(); // the caches are cold, the pages new
    return facts.is_object() ? facts : Json::object();
  }
  if (wish == "run")
    return measure(contender, request);
  if (wish == "compare")
    return compare(request);
  if (wish == "result") {
    Numbers numbers = contender.result();
    std::ofstream file(request.at("file").get<std::string>(), std::ios::binary);
    file.write(reinterpret_cast<const char *>(numbers.data()), static_cast<std::streamsize>(4 * numbers.size()));
    return file.flush() ? Json::object() : Json{{"error", "cannot write the result"}};
  }
  return {{"error", "there is no request '" + wish + "'"}};
}

int serve(Contender &contender) {
  for (std::string line; std::getline(std::cin, line);) {
    Json reply;
    try {
      reply = answer(contender, Json::parse(line));
    } catch (const std::exception &error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}

} // namespace weft::bench
