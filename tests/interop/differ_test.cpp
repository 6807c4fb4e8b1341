// What our decoders accept, the Go library's accept with equal values, and the reverse: over
// thousands of messages made from good ones by changes that peers, later versions and attackers
// make. Where the two differ on purpose the table below says why.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/golden.hpp"
#include "../support/process.hpp"
#include "../support/sanitizers.hpp"
#include "differ_corpus.hpp"
#include "differ_ours.hpp"
#include "interop_test.hpp"
#include "programs.hpp"
#include "wire/msgpack.hpp"

namespace memberlist::interop {
namespace {

constexpr std::uint64_t kSeed = 4;
constexpr std::size_t kLeastCases = 10'000;
constexpr std::size_t kLeastAcceptedByBoth = 1'000;
constexpr std::chrono::seconds kPatience{60};

bool accepted(std::string_view verdict) { return verdict.starts_with("accepted "); }

// An array or a map in the place of a field's name.
bool has_container_key(const Case& each) {
  if (each.kind == "lzw") return false;
  wire::msgpack::Decoder in{each.bytes};
  std::uint32_t fields = 0;
  if (!in.map_header(fields)) return false;
  for (; fields > 0 && in.position() < each.bytes.size(); --fields) {
    const auto tag = std::to_integer<unsigned>(each.bytes[in.position()]);
    if ((tag >= 0x80 && tag < 0xa0) || (tag >= 0xdc && tag < 0xe0)) return true;
    if (!in.skip() || !in.skip()) return false;
  }
  return false;
}

bool anywhere(const Case& each) { return !each.bytes.empty(); }

// A difference that is meant: `ours` and `theirs` are parts of the two verdicts.
struct Difference {
  const char* ours;
  const char* theirs;
  bool (*where)(const Case&);
  const char* reason;

  bool explains(const Case& each, std::string_view our_side, std::string_view their_side) const {
    return our_side.contains(ours) && their_side.contains(theirs) && where(each);
  }
};

constexpr std::array kDifferences = {
    Difference{"accepted ", "", has_container_key,
               "Go reads the numbers of an array as a key's letters; for us it is no string"},
    Difference{"accepted ", "invalid byte descriptor for decoding bytes", anywhere,
               "a key that is no string belongs to a field of a later version: skipped"},
    Difference{"accepted ", "index out of range", anywhere,
               "an empty key in a long form panics inside Go's codec; for us it is unknown"},
    Difference{"field is not a string or byte array", "accepted ", anywhere,
               "Go takes arrays and maps of numbers for byte arrays; nobody sends them"},
    Difference{"message body is not a map", "accepted ", anywhere,
               "Go takes nil, and arrays of the fields' values, for a body; nobody sends them"},
    Difference{"field is not a boolean", "accepted ", anywhere,
               "Go takes some numbers for a boolean; nobody sends them"},
    Difference{"integer is too large for the field", "accepted ", anywhere,
               "Go lets a count over 2^63 wrap around to a negative one"},
    Difference{"msgpack value is nested too deeply", "accepted ", anywhere,
               "the limit kMsgpackNesting: unknown fields take no more than that"},
};

std::vector<std::string> verdicts_of_go(const std::vector<Case>& corpus) {
  const TemporaryFolder folder;
  const std::string questions = folder.path() / "questions";
  const std::string answers = folder.path() / "answers";
  {
    std::ofstream out(questions);
    for (const Case& each : corpus) out << each.kind << ' ' << testing::to_hex(each.bytes) << '\n';
  }
  const auto done = testing::run(
      {.argv = {MEMBERLIST_DIFFER, questions, answers}, .environment = {}, .directory = {}},
      kPatience);
  EXPECT_TRUE(done.status.success()) << done.error_output;
  std::vector<std::string> lines;
  std::ifstream in(answers);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

// A sanitizer sees the decoders in every fourth of the cases, too.
std::vector<Case> cases() {
  std::vector<Case> all = make_corpus(kSeed);
  if (!testing::kSanitized) return all;
  std::vector<Case> some;
  for (std::size_t i = 0; i < all.size(); i += 4) some.push_back(std::move(all[i]));
  return some;
}

TEST(Differ, AcceptsWhatGoAcceptsWithEqualValues) {
  SKIP_WITHOUT_GO();
  const std::vector<Case> corpus = cases();
  ASSERT_GE(corpus.size(), kLeastCases);
  const std::vector<std::string> theirs = verdicts_of_go(corpus);
  ASSERT_EQ(theirs.size(), corpus.size());

  std::array<std::size_t, kDifferences.size()> used{};
  std::size_t by_both = 0;
  std::size_t unexplained = 0;
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    const std::string ours = our_verdict(corpus[i].kind, corpus[i].bytes);
    if (accepted(ours) ? ours == theirs[i] : !accepted(theirs[i])) {
      if (accepted(ours)) ++by_both;
      continue;
    }
    bool explained = false;
    for (std::size_t d = 0; d < kDifferences.size() && !explained; ++d) {
      explained = kDifferences[d].explains(corpus[i], ours, theirs[i]);
      if (explained) ++used[d];
    }
    if (explained || ++unexplained > 10) continue;
    ADD_FAILURE() << corpus[i].kind << ' ' << testing::to_hex(corpus[i].bytes)
                  << "\n  ours: " << ours << "\n  Go's: " << theirs[i];
  }
  EXPECT_EQ(unexplained, 0U);
  EXPECT_GE(by_both, kLeastAcceptedByBoth);
  for (std::size_t d = 0; d < kDifferences.size(); ++d) {
    EXPECT_GT(used[d], 0U) << "there is no such difference: " << kDifferences[d].reason;
  }
  fmt::print("{} cases, {} accepted by both\n", corpus.size(), by_both);
}

}  // namespace
}  // namespace memberlist::interop
