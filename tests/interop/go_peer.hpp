#pragma once

#include <map>
#include <memory>
#include <vector>

#include "peer.hpp"

namespace memberlist::interop {

/// The versions of the Go library that the tests run: the last one of each line.
enum class GoVersion { v0_2, v0_5, v0_7 };

/// The process of one or more members of the Go library (tests/interop/go).
class GoProcess {
 public:
  /// Runs `count` members; with more than one their names are `options.name-0`, ...
  GoProcess(const PeerOptions& options, int count, GoVersion version);

  testing::Process& process() { return process_; }
  JsonLines& lines() { return lines_; }

  /// Sends a command and waits for its answer; its `result`, or its `error`.
  std::expected<nlohmann::json, std::string> command(nlohmann::json request);

 private:
  testing::Process process_;
  JsonLines lines_;
  int next_id_ = 1;
};

/// One member of the Go library.
class GoPeer : public Peer {
 public:
  /// False if the Go program was not built, for want of a Go toolchain.
  static bool available();
  static std::unique_ptr<GoPeer> start(const PeerOptions& options,
                                       GoVersion version = GoVersion::v0_7);
  /// Several in one process; a signal to one is a signal to all.
  static std::vector<std::unique_ptr<GoPeer>> start_many(const PeerOptions& options, int count);

  GoPeer(std::shared_ptr<GoProcess> process, int node);

  const std::string& name() const override { return name_; }
  const std::string& address() const override { return address_; }
  MemberTable members() override;
  /// The same for any member: what its push/pull contains, decoded by the Go library's codec.
  MemberTable members_of(const std::string& address);
  Outcome join(const std::string& address) override;
  Outcome leave() override;
  /// Ends this member without a leave, like a crash; the process continues.
  Outcome shut_down();
  Outcome set_meta(const std::string& meta) override;
  Outcome send(const std::string& to, const std::string& payload, bool reliable) override;
  Outcome broadcast(const std::string& payload) override;
  Outcome ping(const std::string& name) override;
  Outcome add_key(const std::string& key) override;
  Outcome use_key(const std::string& key) override;
  Outcome remove_key(const std::string& key) override;
  Outcome verify(std::optional<bool> incoming, std::optional<bool> outgoing) override;
  /// From now on it sends each other member the message "NAME N", N = 1, 2, ..., in each interval.
  Outcome start_flow(Timeout interval);
  /// Ends that; how many each member was sent.
  std::map<std::string, int> stop_flow();
  void signal(int number) override;
  std::string log() override;
  void stop() override;
  void watch() override;
  std::optional<nlohmann::json> wait_for(const JsonLines::Predicate& wanted,
                                         Timeout timeout) override;
  bool wait_for_status(const std::string& member, const std::string& status,
                       Timeout timeout) override;

 private:
  std::expected<nlohmann::json, std::string> command(nlohmann::json request);
  Outcome done(nlohmann::json request);
  bool is_mine(const nlohmann::json& event) const;

  std::shared_ptr<GoProcess> process_;
  int node_;
  std::size_t watched_from_ = 0;
  std::string name_;
  std::string address_;
};

}  // namespace memberlist::interop
