#include "name_views.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>
#include <vector>

#include "event_text.hpp"
#include "member_views.hpp"
#include "memberlist/name_text.hpp"
#include "support/random_name.hpp"
#include "support/sanitizers.hpp"
#include "text.hpp"

namespace memberlist::cli {
namespace {

using namespace std::string_view_literals;

Member member_named(std::string name) {
  auto record = std::make_shared<MemberRecord>();
  record->name = std::move(name);
  record->address = {IpAddress::v4(127, 0, 0, 1), 7946};
  return {record, MemberStatus::alive, 1, TimePoint()};
}

Viewer plain_viewer() {
  return {"self", [](TimePoint) { return std::chrono::system_clock::time_point(); }};
}

// As a client gets it.
Json received(const Json& json) { return Json::parse(to_line(json)); }

Json members_of(const std::string& name) {
  return Json::parse(members_line(MemberSnapshot({member_named(name)}), {}, plain_viewer()));
}

std::string second_line(const std::string& text) {
  const std::size_t begin = text.find('\n') + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string in_table(const std::string& name) {
  const std::string line = second_line(members_table(members_of(name), false));
  std::string cell = line.substr(0, line.find("  127.0.0.1:7946"));
  return cell.substr(0, cell.find_last_not_of(' ') + 1);  // the padding
}

// The first field of a CSV line (RFC 4180).
std::string in_csv(const std::string& name) {
  const std::string line = second_line(members_csv(members_of(name)));
  if (!line.starts_with('"')) return line.substr(0, line.find(','));
  std::string cell;
  for (std::size_t at = 1; line[at] != '"' || line[at + 1] == '"'; ++at) {
    at += line[at] == '"' ? 1 : 0;
    cell += line[at];
  }
  return cell;
}

std::string in_json(const std::string& name) {
  return members_of(name)[0]["name"].get<std::string>();
}

std::string in_event(const std::string& name) {
  UserMessage message;
  message.from = name.empty() ? "x" : name;
  const std::string line = event_text(
      received(event_json(message, plain_viewer(), std::chrono::system_clock::time_point())),
      false);
  const std::size_t from = line.find("from ") + 5;
  const std::string shown = line.substr(from, line.rfind(": ") - from);
  return name.empty() ? "" : shown;
}

std::string in_info(const std::string& name) {
  Json info;
  put_name(info, "name", name);
  const std::string text = info_text(received(info));
  const std::string line = text.substr(0, text.find('\n'));
  return line.substr(std::string_view("name                 ").size());
}

const std::pair<const char*, std::function<std::string(const std::string&)>> kFormats[] = {
    {"table", in_table}, {"CSV", in_csv}, {"JSON", in_json}, {"event", in_event}, {"info", in_info},
};

constexpr int kRounds = testing::kSanitized ? 500 : 3'000;

TEST(NameViews, EveryFormatShowsANameSoThatItIsReadBack) {
  std::mt19937 random(11);
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = testing::random_name(random);
    for (const auto& [format, show] : kFormats) {
      const std::string shown = show(name);
      ASSERT_TRUE(is_utf8(shown)) << format << ": " << shown;
      ASSERT_EQ(read_name(shown), name) << format << ": " << shown;
    }
  }
}

// JSON is not meant for the eye: its own escapes keep a terminal safe.
TEST(NameViews, WhatPeopleReadHasNothingHidden) {
  std::mt19937 random(13);
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = testing::random_name(random);
    for (const auto& [format, show] : kFormats) {
      if (format == "JSON"sv) continue;
      const std::string shown = show(name);
      ASSERT_EQ(escape_controls(shown), shown) << format;
      ASSERT_EQ(trim(shown), shown) << format;
      if (format == "CSV"sv) {
        ASSERT_FALSE(begins_formula(shown)) << shown;
      }
    }
  }
}

TEST(NameViews, JsonHasTheBytesOfWhatIsNoText) {
  const Json members = members_of("\xff");
  EXPECT_EQ(members[0]["name"], "\\xff");
  EXPECT_EQ(members[0]["name_base64"], "/w==");
  EXPECT_EQ(name_in(members[0], "name"), "\xff");
  // The member whose name is spelled so is another one.
  const Json literal = members_of("\\xff");
  EXPECT_EQ(literal[0]["name"], "\\\\xff");
  EXPECT_EQ(literal[0]["name_base64"], "XHhmZg==");
  EXPECT_EQ(name_in(literal[0], "name"), "\\xff");
}

TEST(NameViews, JsonLeavesOtherNamesAlone) {
  for (const char* name : {"a", "b\xc3\xbc", "DOMAIN\\host", "a ", "a\tb", "\xe2\x80\xae"}) {
    const Json members = members_of(name);
    EXPECT_EQ(members[0]["name"], name);
    EXPECT_FALSE(members[0].contains("name_base64")) << name;
  }
}

TEST(NameViews, CsvShowsAFormulaAsAName) {
  EXPECT_EQ(csv_name("=1+1"), "\\x3d1+1");
  EXPECT_EQ(csv_name("'=1+1"), "'=1+1");
  EXPECT_EQ(csv_name("a,\"b\" "), "\"a,\"\"b\"\"\\x20\"");
}

TEST(NameViews, NamesInAddressesToJoinThroughAreReadAndShown) {
  for (const auto& [written, read] :
       std::vector<std::pair<std::string, std::string>>{{"\\xff/10.0.0.1", "\xff/10.0.0.1"},
                                                        {"\\\\xff/a:1", "\\xff/a:1"},
                                                        {"a\\x2fb/c", "a/b/c"},
                                                        {"10.0.0.1:1", "10.0.0.1:1"},
                                                        {"D\\h/a", "D\\h/a"}}) {
    EXPECT_EQ(read_join_address(written), read);
    EXPECT_EQ(read_join_address(show_join_address(read)), read);
  }
}

TEST(NameViews, OtherTextsThatAreNoUtf8StayReadableInJson) {
  EXPECT_EQ(to_line({{"a", {"b\xff", 1}}}), R"({"a":["b\\xff",1]})");
}

}  // namespace
}  // namespace memberlist::cli
