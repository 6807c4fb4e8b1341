#include "sim_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

namespace memberlist::cli {

namespace {

// What was measured: an entry of a table, what the checkers know of it, and an engine without
// entries (docs/simulator.md).
constexpr std::uint64_t kBytesForEachPair = 100;
constexpr std::uint64_t kBytesForEachPairChecked = 100;
constexpr std::uint64_t kBytesForEachNode = 100'000;
constexpr std::chrono::milliseconds kProgressPause{200};

CommandError misuse(std::string text) { return {kExitUsage, std::move(text)}; }

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The runs of a sweep, shared out to threads.
class Sweep {
 public:
  Sweep(const sim::Scenario& scenario, const SweepOptions& options)
      : scenario_(scenario), options_(options) {}

  std::vector<sim::RunReport> run() {
    const std::size_t jobs =
        std::clamp<std::size_t>(options_.jobs, 1, std::max<std::size_t>(1, options_.seeds.size()));
    shares_.resize(jobs);
    working_ = jobs;
    {
      std::vector<std::jthread> threads;
      threads.reserve(jobs);
      for (std::size_t job = 0; job < jobs; ++job) threads.emplace_back([this, job] { work(job); });
      report_progress();
    }
    if (failure_) std::rethrow_exception(failure_);
    std::ranges::sort(reports_, {}, &sim::RunReport::seed);
    return std::move(reports_);
  }

 private:
  bool is_stopped() const { return failed_ || (options_.stopped && options_.stopped()); }

  void work(std::size_t job) {
    try {
      while (!is_stopped()) {
        const std::size_t next = next_.fetch_add(1);
        if (next >= options_.seeds.size()) break;
        sim::RunReport report = options_.play(scenario_, options_.seeds[next], [&](double share) {
          const std::lock_guard lock(mutex_);
          shares_[job] = share;
          return !is_stopped();
        });
        keep(job, std::move(report));
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      failed_ = true;
    }
    const std::lock_guard lock(mutex_);
    --working_;
    changed_.notify_one();
  }

  void keep(std::size_t job, sim::RunReport report) {
    const std::lock_guard lock(mutex_);
    shares_[job] = 0;
    if (!report.complete) return;
    reports_.push_back(std::move(report));
    changed_.notify_one();
  }

  /// The last report is of what is done in the end, however soon that is.
  void report_progress() {
    std::unique_lock lock(mutex_);
    for (bool over = false; !over;) {
      if (working_ > 0) changed_.wait_for(lock, kProgressPause);
      over = working_ == 0;
      SweepProgress progress{.done = reports_.size(), .all = options_.seeds.size()};
      double done = static_cast<double>(progress.done);
      for (const double share : shares_) done += share;
      progress.share = std::min(1.0, done / static_cast<double>(progress.all));
      lock.unlock();
      if (options_.progress) options_.progress(progress);
      lock.lock();
    }
  }

  const sim::Scenario& scenario_;
  const SweepOptions& options_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> shares_;  // of the run that each thread is at
  std::size_t working_ = 0;     // threads
  std::vector<sim::RunReport> reports_;
  std::exception_ptr failure_;
};

// A file with one number, as those of the kernel; nothing for `max`.
std::optional<std::uint64_t> number_in(const char* path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

std::optional<std::uint64_t> machine_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    std::uint64_t kilobytes = 0;
    if (word == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

std::string gigabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace

std::vector<std::uint64_t> SeedRange::seeds() const {
  std::vector<std::uint64_t> all;
  for (std::uint64_t offset = shard; offset <= last - first; offset += shards) {
    all.push_back(first + offset);
  }
  return all;
}

std::expected<SeedRange, CommandError> parse_seeds(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = whole_number(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : whole_number(text.substr(dots + 2));
  if (!first || !last) {
    return std::unexpected(misuse(fmt::format("--seeds {}: give A..B, e.g. --seeds 1..20", text)));
  }
  if (*last < *first) {
    return std::unexpected(misuse(fmt::format(
        "--seeds {}: the first is behind the last; give --seeds {}..{}", text, *last, *first)));
  }
  if (*last - *first >= kMaxSeeds) {
    return std::unexpected(
        misuse(fmt::format("--seeds {}: at most {} seeds in one sweep", text, kMaxSeeds)));
  }
  return SeedRange{.first = *first, .last = *last};
}

std::expected<void, CommandError> parse_shard(std::string_view text, SeedRange& range) {
  const std::size_t slash = text.find('/');
  const auto shard = whole_number(text.substr(0, slash));
  const auto shards =
      slash == std::string_view::npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!shard || !shards || *shards == 0) {
    return std::unexpected(misuse(fmt::format("--shard {}: give I/N, e.g. --shard 0/4", text)));
  }
  const std::uint64_t seeds = range.last - range.first + 1;
  if (*shard >= *shards) {
    return std::unexpected(misuse(
        fmt::format("--shard {}: {} shards are numbered 0 to {}", text, *shards, *shards - 1)));
  }
  if (*shards > seeds) {
    return std::unexpected(misuse(fmt::format(
        "--shard {}: there are only {} seeds; give at most so many shards", text, seeds)));
  }
  range.shard = *shard;
  range.shards = *shards;
  return {};
}

std::vector<sim::RunReport> run_sweep(const sim::Scenario& scenario, const SweepOptions& options) {
  return Sweep(scenario, options).run();
}

std::uint64_t memory_needed(const sim::Scenario& scenario, std::size_t jobs) {
  std::uint64_t nodes = scenario.nodes;
  for (const sim::Fault& fault : scenario.faults) {
    if (fault.kind == sim::FaultKind::join) nodes += fault.nodes.count;
  }
  const std::uint64_t pair = scenario.checks == sim::CheckLevel::none
                                 ? kBytesForEachPair
                                 : kBytesForEachPair + kBytesForEachPairChecked;
  return (pair * nodes * nodes + kBytesForEachNode * nodes) * jobs;
}

std::optional<std::uint64_t> memory_available() {
  std::optional<std::uint64_t> available = machine_memory();
  const auto most = number_in("/sys/fs/cgroup/memory.max");
  const auto used = number_in("/sys/fs/cgroup/memory.current");
  if (most && used) {
    const std::uint64_t left = *most - std::min(*most, *used);
    available = std::min(available.value_or(left), left);
  }
  return available;
}

std::expected<void, CommandError> check_memory(const sim::Scenario& scenario, std::size_t jobs,
                                               std::optional<std::uint64_t> available) {
  const std::uint64_t needed = memory_needed(scenario, jobs);
  if (!available || needed <= *available) return {};
  const std::uint64_t one = memory_needed(scenario, 1);
  const std::string advice =
      one <= *available ? fmt::format("give --jobs {}", *available / one) : "give fewer --nodes";
  return std::unexpected(CommandError{
      kExitFailed,
      fmt::format("{} {} at a time would need about {}, and there are {}: {}", jobs,
                  jobs == 1 ? "run" : "runs", gigabytes(needed), gigabytes(*available), advice)});
}

}  // namespace memberlist::cli
