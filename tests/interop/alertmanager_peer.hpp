#pragma once

#include <map>
#include <optional>
#include <string>

#include "../support/process.hpp"
#include "programs.hpp"
#include "wait.hpp"

namespace memberlist::interop {

/// An Alertmanager with fast timings: probes every 200 ms, so suspicions of 800 ms between two.
class AlertmanagerPeer {
 public:
  static bool available();
  /// `join` is a member to join through at start (there is no command for later), or empty.
  explicit AlertmanagerPeer(const std::string& join = {});

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }
  /// Name to address of all that it holds for alive, itself too.
  std::map<std::string, std::string> peers() const;
  bool wait_for_peer(const std::string& name, bool there, Timeout timeout) const;
  void signal(int number) { process_->signal(number); }
  std::string log() { return process_->error_output(); }

 private:
  TemporaryFolder folder_;
  std::optional<testing::Process> process_;
  std::string web_address_;
  std::string name_;
  std::string address_;
};

}  // namespace memberlist::interop
