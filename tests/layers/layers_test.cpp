#include <gtest/gtest.h>

#include <string>

#include "cpp_text.hpp"
#include "layer_rules.hpp"
#include "sources.hpp"

// Every source of the project against the rooms and arrows of docs/architecture.md.
namespace memberlist::layers {
namespace {

void expect_clean(const std::string& folder) {
  for (const Source& source : sources_under(folder)) {
    for (const Violation& violation : check_file(source.path, source.text)) {
      ADD_FAILURE() << source.path << ':' << violation.line << ": " << violation.text << ": "
                    << violation.rule;
    }
  }
}

TEST(Layers, PublicHeaders) { expect_clean("include"); }
TEST(Layers, Rooms) { expect_clean("src"); }
TEST(Layers, Simulator) { expect_clean("sim"); }
TEST(Layers, Programs) { expect_clean("apps"); }

// A check that reads nothing finds nothing.
TEST(Layers, ReadsEveryRoom) {
  for (const char* folder : {"include/memberlist", "src/base", "src/crypto", "src/wire", "src/swim",
                             "src/net", "src/api", "apps/memberlist"}) {
    std::size_t includes = 0;
    for (const Source& source : sources_under(folder)) {
      includes += includes_of(without_comments_and_literals(source.text)).size();
    }
    EXPECT_GT(includes, 0U) << folder;
  }
}

}  // namespace
}  // namespace memberlist::layers
