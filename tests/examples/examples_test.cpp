#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/process.hpp"

// Each example does what its first lines say, shown by what it prints.
namespace memberlist::testing {
namespace {

constexpr std::chrono::seconds kPatience{90};

std::string program(const std::string& example) {
  return std::string(MEMBERLIST_EXAMPLES) + "/example_" + example;
}

ProcessOptions command(std::vector<std::string> argv) {
  ProcessOptions options;
  options.argv = std::move(argv);
  return options;
}

/// Everything that an example prints that ends by itself, and well.
std::string output_of(const std::string& example) {
  const Completed completed = run(command({program(example)}), kPatience);
  EXPECT_TRUE(completed.status.success()) << completed.output << completed.error_output;
  return completed.output;
}

TEST(Examples, ServiceRegistryFindsWhoIsThereAndNobodyElse) {
  EXPECT_EQ(output_of("service_registry"),
            "web is at 127.0.0.1:8080 127.0.0.1:8081\n"
            "db is at 127.0.0.1:5432\n"
            "web is at 127.0.0.1:8080\n"
            "db is at 127.0.0.1:5433\n");
}

TEST(Examples, ConfigBroadcastTellsEachMemberEachChangeOnce) {
  const std::string output = output_of("config_broadcast");
  for (const std::string line : {"b hears timeout=30s", "c hears timeout=30s",
                                 "a hears timeout=60s", "c hears timeout=60s"}) {
    const std::size_t at = output.find(line + '\n');
    EXPECT_NE(at, std::string::npos) << line;
    EXPECT_EQ(output.find(line, at + 1), std::string::npos) << line;
  }
  EXPECT_NE(output.find("all have timeout=60s\n"), std::string::npos) << output;
}

TEST(Examples, ShardingRingMovesOnlyTheKeysOfWhoLeaves) {
  // The hash is the same on every machine, so the shares are, too.
  EXPECT_EQ(output_of("sharding_ring"),
            "a has 243 keys\n"
            "b has 254 keys\n"
            "c has 242 keys\n"
            "d has 261 keys\n"
            "d leaves\n"
            "a has 365 keys\n"
            "b has 309 keys\n"
            "c has 326 keys\n"
            "261 keys moved, 261 of them from d\n");
}

/// One person at the chat.
class Chatter {
 public:
  explicit Chatter(const std::string& name, const std::string& joins = {})
      : process_(options(name, joins)) {
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
  void leave() {
    process_.close_input();
    const auto status = process_.wait(kPatience);
    EXPECT_TRUE(status && status->success()) << process_.error_output();
  }

 private:
  static ProcessOptions options(const std::string& name, const std::string& joins) {
    std::vector<std::string> argv{program("chat"), name, "127.0.0.1:0"};
    if (!joins.empty()) argv.push_back(joins);
    return command(std::move(argv));
  }

  Process process_;
  std::string address_;
};

TEST(Examples, ChatShowsAllWhatOneTypesAndWhoComesAndGoes) {
  Chatter ann("ann");
  Chatter ben("ben", ann.address());
  ASSERT_TRUE(ann.sees("* ben joined"));
  Chatter cat("cat", ann.address());
  ASSERT_TRUE(ann.sees("* cat joined"));
  ASSERT_TRUE(ben.sees("* cat joined"));

  ann.type("good morning");
  EXPECT_TRUE(ben.sees("ann: good morning"));
  EXPECT_TRUE(cat.sees("ann: good morning"));
  cat.type("/who");
  EXPECT_TRUE(cat.sees("ann is alive") && cat.sees("ben is alive") && cat.sees("cat is alive"));

  ben.leave();
  EXPECT_TRUE(ann.sees("* ben left"));
  EXPECT_TRUE(cat.sees("* ben left"));
  // Time for the copies that are sent of each broadcast: a round of gossip for each line.
  for (const std::string line : {"one", "two", "three", "four", "five"}) {
    ann.type(line);
    EXPECT_TRUE(cat.sees("ann: " + line));
  }
  EXPECT_EQ(cat.times_shown("ann: good morning"), 1U);
  cat.leave();
  ann.leave();
}

}  // namespace
}  // namespace memberlist::testing
