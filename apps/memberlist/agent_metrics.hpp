#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "memberlist/memberlist.hpp"

namespace memberlist::cli {

/// Lines that an agent could not write.
struct LostLines {
  std::uint64_t events = 0;
  std::uint64_t log = 0;
};

/// The running member's metrics as a page for Prometheus (docs/metrics.md). Counters are read from
/// the member when the page is made; times and sizes, which the member does not store, are
/// collected by a sink, in histograms of a fixed size. No label contains text that a peer could
/// choose.
class AgentMetrics {
 public:
  /// `Content-Type` of the page.
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  AgentMetrics();
  AgentMetrics(const AgentMetrics&) = delete;
  AgentMetrics& operator=(const AgentMetrics&) = delete;
  ~AgentMetrics();

  /// For `Handlers::metrics` of the member.
  [[nodiscard]] std::shared_ptr<MetricsSink> sink() const;
  /// Reports the agent's lost output lines. Call it before the first page is requested.
  void watch_output(std::function<LostLines()> lost) { lost_ = std::move(lost); }
  [[nodiscard]] LostLines lost() const { return lost_ ? lost_() : LostLines{}; }
  /// The page. Any thread.
  [[nodiscard]] std::string page(const Memberlist& list) const;

 private:
  class Observations;
  std::shared_ptr<Observations> observations_;
  std::function<LostLines()> lost_;
};

}  // namespace memberlist::cli
