#pragma once

#include <memory>

#include "peer.hpp"

namespace memberlist::interop {

/// Our program's `agent`, driven by its client commands only, as people do.
class OurAgent : public Peer {
 public:
  /// Throws if it does not become ready. `arguments` are added to the command line.
  explicit OurAgent(const PeerOptions& options, const std::vector<std::string>& arguments = {});

  const std::string& name() const override { return name_; }
  const std::string& address() const override { return address_; }
  const std::string& http() const { return http_; }
  MemberTable members() override;
  Outcome join(const std::string& address) override;
  Outcome leave() override;
  Outcome set_meta(const std::string& meta) override;
  Outcome send(const std::string& to, const std::string& payload, bool reliable) override;
  Outcome broadcast(const std::string& payload) override;
  Outcome ping(const std::string& name) override;
  Outcome add_key(const std::string& key) override;
  Outcome use_key(const std::string& key) override;
  Outcome remove_key(const std::string& key) override;
  Outcome verify(std::optional<bool> incoming, std::optional<bool> outgoing) override;
  void signal(int number) override;
  std::string log() override;
  void stop() override;
  void watch() override;
  std::optional<nlohmann::json> wait_for(const JsonLines::Predicate& wanted,
                                         Timeout timeout) override;
  bool wait_for_status(const std::string& member, const std::string& status,
                       Timeout timeout) override;

  JsonLines& lines() { return lines_; }
  testing::Process& process() { return process_; }

  /// Runs a client command against this agent, with its output and exit code.
  testing::Completed client(std::vector<std::string> arguments);

 private:
  Outcome done(std::vector<std::string> arguments);
  Outcome change_key(const std::string& command, const std::string& key);

  testing::Process process_;
  JsonLines lines_;
  std::size_t watched_from_ = 0;
  bool killed_ = false;
  std::string name_;
  std::string address_;
  std::string http_;
};

/// The program under test.
std::string our_program();

}  // namespace memberlist::interop
