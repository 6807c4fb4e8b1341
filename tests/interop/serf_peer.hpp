#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../support/process.hpp"
#include "wait.hpp"

namespace memberlist::interop {

/// A member as Serf shows it.
struct SerfMember {
  std::string status;
  std::string address;
  std::map<std::string, std::string> tags;
};

/// A Serf agent with Serf's fast profile (`local`: suspicions of three seconds between two).
class SerfPeer {
 public:
  static bool available();
  /// Serf cannot report the ports that the kernel chose: free ones are picked, again if another
  /// program was faster. `key` is base64, empty for none.
  explicit SerfPeer(const std::string& name, const std::string& key = {});

  const std::string& address() const { return address_; }
  std::map<std::string, SerfMember> members();
  /// "unknown" if there is no such member.
  std::string status_of(const std::string& name);
  bool wait_for_status(const std::string& name, const std::string& status, Timeout timeout);
  testing::Completed join(const std::string& address);
  testing::Completed event(const std::string& name, const std::string& payload);
  testing::Completed leave();
  void signal(int number) { process_->signal(number); }
  std::string log() { return process_->output() + process_->error_output(); }

 private:
  testing::Completed client(std::vector<std::string> arguments);
  bool is_up();

  std::optional<testing::Process> process_;
  std::string address_;
  std::string rpc_address_;
};

}  // namespace memberlist::interop
