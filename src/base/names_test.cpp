#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "memberlist/error.hpp"
#include "memberlist/event.hpp"
#include "memberlist/member.hpp"
#include "memberlist/metrics.hpp"
#include "memberlist/version.hpp"

namespace memberlist {
namespace {

// Every value from 0 to `last` has a name of its own.
template <class Enum>
void expect_distinct_names(Enum last) {
  std::set<std::string> names;
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    names.insert(std::string(to_string(static_cast<Enum>(value))));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Names, EachValueHasOne) {
  expect_distinct_names(ErrorCode::system);
  expect_distinct_names(MemberStatus::left);
  expect_distinct_names(MemberEventKind::conflict);
  expect_distinct_names(Cause::Kind::command);
  expect_distinct_names(LogLevel::error);
  expect_distinct_names(MetricKind::sample);
  EXPECT_EQ(to_string(ErrorCode::refused_by_peer), "refused_by_peer");
  EXPECT_EQ(to_string(MemberStatus::suspect), "suspect");
}

TEST(Version, HasThreeNumbers) {
  const std::string text(version());
  EXPECT_EQ(std::count(text.begin(), text.end(), '.'), 2);
}

}  // namespace
}  // namespace memberlist
