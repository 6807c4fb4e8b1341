#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "event_text.hpp"
#include "json_views.hpp"
#include "member_views.hpp"
#include "output.hpp"

namespace memberlist::cli {
namespace {

Json members_json(const std::vector<Member>& members, const std::vector<MemberStatus>& statuses,
                  const Viewer& viewer) {
  return Json::parse(members_line(MemberSnapshot(members), statuses, viewer));
}

using namespace std::chrono_literals;

const auto kNoon = std::chrono::system_clock::time_point(1769860800123ms);

Viewer viewer() {
  return {"a", [](TimePoint moment) {
            return kNoon + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                               moment.time_since_epoch());
          }};
}

Member member(std::string name, MemberStatus status, Bytes meta = {}) {
  auto record = std::make_shared<MemberRecord>();
  record->name = std::move(name);
  record->address = {IpAddress::v4(127, 0, 0, 1), 7946};
  record->meta = std::move(meta);
  record->protocol = {1, 5, 2};
  record->delegate_protocol = {2, 5, 4};
  return {record, status, 7, TimePoint(1s)};
}

TEST(JsonViews, MemberHasTheFieldsOfTheDocumentationInOrder) {
  EXPECT_EQ(to_line(member_json(member("a", MemberStatus::alive, to_bytes("hi")), viewer())),
            R"({"name":"a","address":"127.0.0.1:7946","status":"alive","incarnation":7,)"
            R"("meta_base64":"aGk=","meta":"hi","protocol":{"min":1,"max":5,"current":2},)"
            R"("delegate_protocol":{"min":2,"max":5,"current":4},)"
            R"("since":"2026-01-31T12:00:01.123Z","self":true})");
  const Json binary = member_json(member("b", MemberStatus::left, {std::byte{0xff}}), viewer());
  EXPECT_EQ(binary["meta_base64"], "/w==");
  EXPECT_FALSE(binary.contains("meta")) << "it is no UTF-8";
  EXPECT_EQ(binary["self"], false);
}

TEST(JsonViews, MembersAreFilteredByStatus) {
  const std::vector<Member> all{member("a", MemberStatus::alive), member("b", MemberStatus::dead),
                                member("c", MemberStatus::left)};
  EXPECT_EQ(members_json(all, {}, viewer()).size(), 3U);
  const Json some = members_json(all, {MemberStatus::left, MemberStatus::dead}, viewer());
  ASSERT_EQ(some.size(), 2U);
  EXPECT_EQ(some[0]["name"], "b");
}

TEST(JsonViews, NamesThatAreNoUtf8StayValidJson) {
  const std::string line = to_line(member_json(member("\xff", MemberStatus::alive), viewer()));
  EXPECT_FALSE(Json::parse(line, nullptr, false).is_discarded());
}

TEST(JsonViews, EventsHaveTheirDocumentedFields) {
  MemberEvent died{MemberEventKind::suspect, member("b", MemberStatus::suspect), {}, {}};
  died.cause.kind = Cause::Kind::probe_failed;
  died.cause.indirect_probes = 3;
  const Json suspect = event_json(died, viewer(), kNoon);
  EXPECT_EQ(suspect["event"], "suspect");
  EXPECT_EQ(suspect["time"], "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(suspect["member"]["name"], "b");
  EXPECT_EQ(suspect["cause"]["kind"], "probe_failed");

  UserMessage text{{IpAddress::v4(127, 0, 0, 1), 1}, "b", to_bytes("hello"), true};
  EXPECT_EQ(to_line(event_json(text, viewer(), kNoon)),
            R"({"event":"message","time":"2026-01-31T12:00:00.123Z","from":"b",)"
            R"("source":"127.0.0.1:1","reliable":true,"payload_base64":"aGVsbG8=",)"
            R"("payload":"hello"})");
  text.from.clear();
  text.payload = {std::byte{0x80}};
  EXPECT_FALSE(event_json(text, viewer(), kNoon).contains("from"));
  EXPECT_FALSE(event_json(text, viewer(), kNoon).contains("payload"));

  EXPECT_EQ(event_json(HealthChanged{3}, viewer(), kNoon)["score"], 3);
  EXPECT_EQ(event_json(StateMerged{{}, Bytes(14), false}, viewer(), kNoon)["state_bytes"], 14);
  EXPECT_EQ(event_json(JoinFinished{2, {}}, viewer(), kNoon)["contacted"], 2);
  EXPECT_EQ(event_json(LeaveFinished{}, viewer(), kNoon)["event"], "left");
  const JoinRetrying failed{3, std::chrono::seconds(4), {ErrorCode::unreachable, "x", ""}};
  EXPECT_EQ(to_line(event_json(failed, viewer(), kNoon)),
            R"({"event":"retrying","time":"2026-01-31T12:00:00.123Z","attempt":3,)"
            R"("pause_ms":4000,"code":"unreachable","text":"x"})");
  EXPECT_EQ(event_json(Failure{{ErrorCode::system, "x", ""}}, viewer(), kNoon)["text"], "x");
}

TEST(EventText, HasNoControlCharactersAndNoTrailingBlanks) {
  const Json hostile{{"event", "message"},
                     {"time", "2026-01-31T12:00:00.123Z"},
                     {"from", "b\x1b[31m"},
                     {"payload", "x\ny"}};
  EXPECT_EQ(event_text(hostile, false),
            "2026-01-31T12:00:00.123Z message  from b\\x1b[31m: x\\x0ay");
  EXPECT_EQ(event_text({{"event", "left"}, {"time", "t"}}, false), "t left");
}

TEST(EventText, SurvivesFieldsOfOtherTypes) {
  for (const char* kind : {"ready", "join", "conflict", "message", "health", "merge", "joined",
                           "retrying", "error", "lost", "from the future"}) {
    const Json odd{{"event", kind}, {"time", 1},    {"member", 2},
                   {"cause", "x"},  {"score", "y"}, {"payload", 3}};
    EXPECT_NE(event_text(odd, false).find(kind), std::string::npos);
  }
}

TEST(EventText, SaysWhyAMemberIsSuspected) {
  const Json event{
      {"event", "suspect"},
      {"time", "t"},
      {"member",
       {{"name", "b"}, {"address", "127.0.0.1:1"}, {"status", "suspect"}, {"incarnation", 4U}}},
      {"cause", {{"kind", "probe_failed"}, {"indirect_probes", 2U}}}};
  EXPECT_EQ(event_text(event, false),
            "t suspect  b 127.0.0.1:1 suspect incarnation 4 (no answer to a probe, nor through 2 "
            "others)");
}

TEST(MemberViews, TableLinesUp) {
  const std::vector<Member> all{member("a", MemberStatus::alive, to_bytes("x\ty")),
                                member("longer", MemberStatus::suspect)};
  EXPECT_EQ(
      members_table(members_json(all, {}, viewer()), false),
      "NAME    ADDRESS         STATUS   SINCE                 INCARNATION  PROTOCOL  META\n"
      "a       127.0.0.1:7946  alive    2026-01-31T12:00:01Z  7            2 (1-5)   x\\x09y\n"
      "longer  127.0.0.1:7946  suspect  2026-01-31T12:00:01Z  7            2 (1-5)\n");
  EXPECT_NE(members_table(members_json(all, {}, viewer()), true).find("\x1b[33msuspect"),
            std::string::npos);
}

// An answer may be another program's, with texts where ours has numbers.
TEST(MemberViews, NoFieldOfAnAnswerSteersTheTerminal) {
  const std::string hostile = "\x1b[2J\x7f";
  const Json version{{"min", hostile}, {"max", hostile}, {"current", hostile}};
  const Json member{{"name", hostile},       {"address", hostile},  {"status", hostile},
                    {"since", hostile},      {"protocol", version}, {"incarnation", hostile},
                    {"meta_base64", hostile}};
  const Json info{{"version", hostile}, {"counters", {{hostile, hostile}}}};
  for (const std::string& text : {members_table(Json::array({member}), false), info_text(info)}) {
    EXPECT_EQ(text.find_first_of("\x1b\x7f"), std::string::npos) << text;
  }
}

TEST(MemberViews, CsvIsQuoted) {
  const std::vector<Member> all{member("a,b", MemberStatus::alive, to_bytes("say \"x\""))};
  const std::string csv = members_csv(members_json(all, {}, viewer()));
  EXPECT_EQ(csv.substr(csv.find('\n') + 1),
            "\"a,b\",127.0.0.1:7946,alive,7,c2F5ICJ4Ig==,\"say \"\"x\"\"\",1,5,2,2,5,4,"
            "2026-01-31T12:00:01.123Z,false\n");
}

TEST(MemberViews, EveryFormatIsSafeToShow) {
  const std::string hostile = "=a\x1b[2J\x7f\xc2\x9b\xe2\x80\xae";
  const Json all =
      members_json({member(hostile, MemberStatus::alive, to_bytes(hostile))}, {}, viewer());
  for (const std::string& text :
       {members_table(all, false), members_csv(all), to_line(all) + "\n"}) {
    for (const char* raw : {"\x1b", "\x7f", "\xc2\x9b", "\xe2\x80\xae"}) {
      EXPECT_EQ(text.find(raw), std::string::npos) << text;
    }
  }
  EXPECT_NE(members_csv(all).find("\n\\x3da"), std::string::npos) << members_csv(all);
  EXPECT_NE(members_csv(all).find(",'=a"), std::string::npos) << members_csv(all);
  EXPECT_EQ(Json::parse(to_line(all))[0]["name"], hostile);
  const Json plus =
      members_json({member("b", MemberStatus::alive, {std::byte{0xfb}})}, {}, viewer());
  EXPECT_NE(members_csv(plus).find(",+w==,"), std::string::npos) << "what decodes stays exact";
}

TEST(MemberViews, InfoSurvivesMissingFields) {
  EXPECT_NE(info_text(Json::object()).find("name"), std::string::npos);
  EXPECT_NE(info_text(Json::array()).find("name"), std::string::npos);
}

}  // namespace
}  // namespace memberlist::cli
