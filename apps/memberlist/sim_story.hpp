#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memberlist/event.hpp"
#include "memberlist/time.hpp"
#include "memberlist/trace.hpp"

namespace memberlist::cli {

/// How the first death of one member came about, or, if it did not die, its first suspicion: made
/// from the traces of all nodes (docs/trace.md).
class Story {
 public:
  /// What is told of one moment.
  struct Line {
    Duration at{};  ///< since the beginning
    std::string text{};
  };
  /// Names the node at an address.
  using NameOf = std::function<std::string(const Address&)>;

  explicit Story(std::string member) : member_(std::move(member)) {}

  /// Takes in what a node has traced; what is not about the member is left out.
  void take(const std::string& node, Duration at, const TraceRecord& record, const NameOf& name_of);

  /// The chain that led there, by time; empty if nobody suspected it. At most `kMaxLines`.
  [[nodiscard]] std::vector<Line> lines() const;

  static constexpr std::size_t kMaxLines = 50;
  /// No more is remembered.
  static constexpr std::size_t kMaxFacts = 100'000;

 private:
  struct Fact {
    enum class Kind : std::uint8_t { probe_failed, suspected, confirmed, refuted, revived, died };
    Kind kind = Kind::died;
    Duration at{};
    std::string node{};
    // Of claims.
    std::string accuser{};
    std::string from{};  // who told the node
    Cause::Kind by = Cause::Kind::gossip;
    // Of a failed probe.
    Duration began{};
    std::vector<std::string> helpers{};
    std::uint32_t nacks = 0;
  };
  struct Probe {
    Duration began{};
    std::vector<std::string> helpers{};
  };
  using ProbeName = std::pair<std::string, std::uint64_t>;  // the node, and the probe's number
  class Telling;

  void add(Fact fact);
  void take(const std::string& node, Duration at, const trace::ProbeEnded& ended);
  void take(const std::string& node, Duration at, const trace::Claim& claim, const NameOf& name_of);

  std::string member_;
  std::map<ProbeName, Probe> probes_;  // of the member, under way
  std::vector<Fact> facts_;            // by time
};

}  // namespace memberlist::cli
