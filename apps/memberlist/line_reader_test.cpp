#include "line_reader.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

namespace memberlist::cli {
namespace {

TEST(LineReader, CutsLinesWhereverThePiecesEnd) {
  const std::string text = "{\"n\":1}\n\n{\"n\":2}\nno JSON\n{\"n\":3}\n{\"n\":";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<int> numbers;
    LineReader reader([&](const Json& event, bool) {
      numbers.push_back(event["n"]);
      return true;
    });
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, piece)));
    }
    EXPECT_EQ(numbers, (std::vector{1, 2, 3})) << piece;
  }
}

TEST(LineReader, SaysWhetherMoreIsAtHandAndEndsWhenTold) {
  std::vector<bool> more_at_hand;
  LineReader reader([&](const Json&, bool more) {
    more_at_hand.push_back(more);
    return more_at_hand.size() < 3;
  });
  EXPECT_TRUE(reader.feed("{}\n{}\n{"));
  EXPECT_FALSE(reader.feed("}\n{}\n"));
  EXPECT_EQ(more_at_hand, (std::vector{true, false, true}));
}

TEST(LineReader, RefusesALineThatIsTooLong) {
  LineReader reader([](const Json&, bool) { return true; });
  EXPECT_TRUE(reader.feed(std::string(LineReader::kMaxLineBytes, 'x')));
  EXPECT_FALSE(reader.feed("x"));
}

double seconds_for(std::size_t bytes) {
  const std::string piece(std::size_t{4} * 1024, 'x');
  LineReader reader([](const Json&, bool) { return true; });
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double begin = now();
  for (std::size_t fed = 0; fed < bytes; fed += piece.size()) EXPECT_TRUE(reader.feed(piece));
  return now() - begin;
}

// Of this thread's own time, so that other programs do not count. Sixteen times the bytes may cost
// eight times what they should; work that grows with the square would cost 16 times that.
TEST(LineReader, WorkGrowsWithTheBytes) {
  constexpr std::size_t kMiB = std::size_t{1024} * 1024;
  constexpr double kTimer = 0.005;
  const double one = seconds_for(4 * kMiB) + kTimer;
  EXPECT_LT(seconds_for(60 * kMiB), 8 * 15 * one);
}

}  // namespace
}  // namespace memberlist::cli
