#include "experiment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/random.hpp"

namespace memberlist::bench {

void run_all(std::string_view experiment, std::size_t count, const Effort& effort,
             const std::function<void(std::size_t)>& run) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t jobs = std::min(effort.jobs != 0 ? effort.jobs : cores, count);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::atomic<std::size_t> next{0};
  std::mutex drawing;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t index = next++; index < count; index = next++) {
      run(index);
      const std::scoped_lock lock(drawing);
      ++done;
      if (terminal) fmt::print(stderr, "\r\x1b[K{}: {} of {} runs", experiment, done, count);
    }
  };
  {
    std::vector<std::jthread> workers;
    workers.reserve(jobs);
    for (std::size_t i = 0; i < jobs; ++i) workers.emplace_back(work);
  }
  if (terminal) fmt::print(stderr, "\r\x1b[K");
}

std::uint64_t seed_of(const Effort& effort, std::size_t run) {
  return Random(Random(effort.seed).next() + run).next();
}

Line::Line(std::string_view experiment) { add("experiment", experiment); }

Line& Line::add(std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(text_), R"({}"{}": "{}")", text_.empty() ? "" : ", ", name,
                 value);
  return *this;
}

Line& Line::add(std::string_view name, double value) {
  fmt::format_to(std::back_inserter(text_), R"(, "{}": {:.6g})", name, value);
  return *this;
}

Line& Line::add(std::string_view name, std::uint64_t value) {
  fmt::format_to(std::back_inserter(text_), R"(, "{}": {})", name, value);
  return *this;
}

Line& Line::add(std::string_view name, std::span<const double> values) {
  fmt::format_to(std::back_inserter(text_), R"(, "{}": [)", name);
  const char* between = "";
  for (const double value : values) {
    fmt::format_to(std::back_inserter(text_), "{}{:.6g}", between, value);
    between = ", ";
  }
  text_ += ']';
  return *this;
}

void Line::print() const {
  fmt::print("{{{}}}\n", text_);
  std::fflush(stdout);
}

sim::Link data_centre() {
  sim::Link link;
  link.latencies = sim::LatencyTable::log_normal(std::chrono::microseconds(250), 0.5);
  return link;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

Mean mean_of(std::span<const double> values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return {mean, deviation / std::sqrt(count)};
}

}  // namespace memberlist::bench
