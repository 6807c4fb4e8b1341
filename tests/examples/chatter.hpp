#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/own_loopback.hpp"
#include "../support/process.hpp"

namespace memberlist::testing {

/// Longer than an example takes on a machine that is busy with other things.
inline constexpr std::chrono::seconds kPatience{90};

inline ProcessOptions command(std::vector<std::string> argv) {
  ProcessOptions options;
  options.argv = std::move(argv);
  return options;
}

/// One person at the chat of examples/chat.cpp, or one that only watches (own_loop_*.cpp), at a
/// port of the kernel's choice.
class Chatter {
 public:
  Chatter(const std::string& program, const std::string& name, const std::string& joins = {})
      : process_(command(arguments(program, name, joins))) {
    const std::string greeting = "* " + name + " at ";
    const auto line = process_.read_line(kPatience);
    EXPECT_TRUE(line && line->starts_with(greeting)) << process_.error_output();
    if (line) address_ = line->substr(greeting.size());
  }

  [[nodiscard]] const std::string& address() const { return address_; }
  void type(const std::string& line) { EXPECT_TRUE(process_.write(line + '\n')); }
  /// Waits until a line is shown.
  [[nodiscard]] bool sees(std::string_view wanted) {
    while (const auto line = process_.read_line(kPatience)) {
      if (*line == wanted) return true;
    }
    return false;
  }
  [[nodiscard]] std::size_t times_shown(const std::string& wanted) const {
    std::istringstream output(process_.output());
    std::size_t times = 0;
    for (std::string line; std::getline(output, line);) times += line == wanted ? 1 : 0;
    return times;
  }
  void send_signal(int number) { EXPECT_TRUE(process_.signal(number)); }
  void expect_end() {
    const auto status = process_.wait(kPatience);
    EXPECT_TRUE(status && status->success()) << process_.error_output();
  }
  void leave() {
    process_.close_input();
    const auto status = process_.wait(kPatience);
    EXPECT_TRUE(status && status->success()) << process_.error_output();
  }

 private:
  static std::vector<std::string> arguments(const std::string& program, const std::string& name,
                                            const std::string& joins) {
    std::vector<std::string> argv{program, name, own_loopback_text() + ":0"};
    if (!joins.empty()) argv.push_back(joins);
    return argv;
  }

  Process process_;
  std::string address_;
};

}  // namespace memberlist::testing
