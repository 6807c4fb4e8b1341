#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cpp_text.hpp"
#include "declarations.hpp"
#include "sources.hpp"

// Left-overs: what was put down for later, or has outlived its use.
namespace memberlist::layers {
namespace {

std::vector<Source> all_sources() {
  std::vector<Source> all;
  for (const char* folder :
       {"include", "src", "sim", "apps", "tests", "examples", "bench", "fuzz"}) {
    std::ranges::move(sources_under(folder), std::back_inserter(all));
  }
  return all;
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n'));
}

/// Where a word stands that marks something as unfinished.
std::vector<std::size_t> marks_in(std::string_view text) {
  std::vector<std::size_t> lines;
  for (const std::string_view mark : {"TO"
                                      "DO",
                                      "FIX"
                                      "ME",
                                      "XX"
                                      "X:",
                                      "HA"
                                      "CK"}) {
    for (std::size_t at = text.find(mark); at != std::string_view::npos;
         at = text.find(mark, at + 1)) {
      lines.push_back(line_of(text, at));
    }
  }
  return lines;
}

/// Lines of a comment that hold nothing but dashes: the end of a section's title that did not fit.
std::vector<std::size_t> broken_titles_in(std::string_view text) {
  std::vector<std::size_t> lines;
  std::size_t number = 1;
  for (std::size_t from = 0; from < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = text.substr(from, end - from);
    const std::size_t dash = line.find('-');
    const bool dashes = dash != std::string_view::npos && line.size() - dash > 3 &&
                        line.find_first_not_of('-', dash) == std::string_view::npos;
    if (dashes && line.substr(0, dash).find_first_not_of(" /") == std::string_view::npos) {
      lines.push_back(number);
    }
    from = end + 1;
  }
  return lines;
}

/// The position behind the parenthesis that closes the one at `open`.
std::size_t behind_parentheses(std::string_view code, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t at = open; at < code.size(); ++at) {
    if (code[at] == '(') ++depth;
    if (code[at] == ')' && --depth == 0) return at + 1;
  }
  return code.size();
}

/// Lines of an `if`, `else`, `for` or `while` whose body stands below it without braces.
std::vector<std::size_t> bare_bodies_in(std::string_view code) {
  std::vector<std::size_t> lines;
  for (const Word& word : words_of(code)) {
    const auto at = static_cast<std::size_t>(word.name.data() - code.data());
    if (at > 0 && code[at - 1] == '#') continue;  // the preprocessor's
    std::size_t end = at + word.name.size();
    if (word.name == "if" || word.name == "for" || word.name == "while") {
      end = behind_parentheses(code, std::min(code.find('(', end), code.size()));
    } else if (word.name != "else") {
      continue;
    }
    const std::string_view rest = code.substr(end);
    const std::size_t body = std::min(rest.find_first_not_of(" \n"), rest.size());
    const bool below = rest.substr(0, body).find('\n') != std::string_view::npos;
    if (below && !rest.substr(body).starts_with('{')) lines.push_back(word.line);
  }
  return lines;
}

TEST(Tidy, BodiesBelowHaveBraces) {
  for (const char* folder : {"include", "src", "apps"}) {
    for (const Source& source : sources_under(folder)) {
      for (const std::size_t line : bare_bodies_in(without_comments_and_literals(source.text))) {
        ADD_FAILURE() << source.path << ':' << line << ": the body below has no braces";
      }
    }
  }
}

TEST(Tidy, NothingIsMarkedAsUnfinished) {
  std::vector<Source> files = all_sources();
  for (const char* folder : {"cmake", "scripts", "docs", "tests"}) {
    std::ranges::move(files_under(folder, {"", ".md", ".txt", ".cmake", ".in", ".sh"}),
                      std::back_inserter(files));
  }
  EXPECT_GT(files.size(), 400U);
  for (const Source& file : files) {
    for (const std::size_t line : marks_in(file.text)) {
      ADD_FAILURE() << file.path << ':' << line << " is marked as unfinished";
    }
  }
}

TEST(Tidy, TitlesOfSectionsFitTheirLines) {
  for (const Source& source : all_sources()) {
    for (const std::size_t line : broken_titles_in(source.text)) {
      ADD_FAILURE() << source.path << ':' << line << ": shorten the dashes of the line above";
    }
  }
}

/// The declarations in a class's public part that stand in no group (`@name`, `@{`, `@}`), and the
/// groups that say nothing of the version that they came with.
std::vector<std::string> ungrouped_in(std::string_view public_part) {
  std::vector<std::string> found;
  std::string group;
  bool inside = false;
  for (const auto line : std::views::split(public_part, '\n')) {
    const std::string text(std::string_view(line.begin(), line.end()));
    const std::size_t at = text.find_first_not_of(' ');
    if (at == std::string::npos) continue;
    const std::string_view rest = std::string_view(text).substr(at);
    if (rest.starts_with("/// @name")) {
      group = rest;
    } else if (rest == "/// @{") {
      if (group.find("Since ") == std::string::npos) found.push_back(group);
      inside = true;
    } else if (rest == "/// @}") {
      inside = false;
    } else if (rest.starts_with("///")) {
      group += rest.substr(3);
    } else if (!inside && !rest.starts_with("//")) {
      found.emplace_back(rest);
    }
  }
  return found;
}

TEST(Tidy, PublicFunctionsStandInGroupsThatSayTheirVersion) {
  for (const auto& [file, type] :
       {std::pair{"engine.hpp", "class MEMBERLIST_API Engine {"},
        std::pair{"memberlist.hpp", "class MEMBERLIST_API Memberlist {"}}) {
    const std::string text = read_file(root() / "include/memberlist" / file);
    const std::size_t from = text.find(" public:\n", text.find(type)) + 9;
    const std::size_t to = text.find(" private:\n", from);
    ASSERT_NE(to, std::string::npos) << file;
    EXPECT_EQ(ungrouped_in(std::string_view(text).substr(from, to - from)),
              std::vector<std::string>{})
        << file;
  }
}

TEST(Tidy, FunctionsWithoutAGroupOrItsVersionAreSeen) {
  EXPECT_EQ(
      ungrouped_in("  /// @name A\n  /// Since 0.1.\n  /// @{\n  int a();\n  /// @}\n"
                   "  int b();\n  /// @name C\n  /// From any thread.\n  /// @{\n  int c();\n"),
      (std::vector<std::string>{"int b();", "/// @name C From any thread."}));
}

TEST(Tidy, EveryDeclarationIsUsed) {
  for (const Unused& unused : unused_declarations(all_sources())) {
    ADD_FAILURE() << unused.path << ':' << unused.line << ": nothing but tests, if anything, uses "
                  << unused.name;
  }
}

// --- that they can find something ----------------------------------------------------------------

TEST(Tidy, MarksAndBrokenTitlesAreSeen) {
  EXPECT_EQ(marks_in("a\n// TO"
                     "DO: b\n"),
            std::vector<std::size_t>{2});
  EXPECT_EQ(broken_titles_in("a\n// --- b\n// -----\n"), std::vector<std::size_t>{3});
  EXPECT_TRUE(broken_titles_in("// --- b ---\n  a - b\n--i;\n").empty());
}

TEST(Tidy, BareBodiesAreSeen) {
  EXPECT_EQ(bare_bodies_in("if (a(b))\n  c();\nelse\n  d();\n"), (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(bare_bodies_in("if constexpr (a &&\n    b)\n  c();\n"), std::vector<std::size_t>{1});
  EXPECT_TRUE(bare_bodies_in("if (a) b();\nfor (;;) {\n  if (c) {\n    d();\n  }\n}\n").empty());
}

std::vector<std::string> unused_in(const std::vector<Source>& sources) {
  std::vector<std::string> names;
  for (const Unused& unused : unused_declarations(sources)) names.push_back(unused.name);
  return names;
}

TEST(Tidy, DeclarationsThatOnlyTestsUseAreSeen) {
  const std::string header =
      "struct Box {\n"
      "  int width() const;\n"
      "  int height() const { return height_; }\n"
      "  int height_ = 0;\n"
      "};\n"
      "inline constexpr int kMost = 4;\n"
      "[[nodiscard]] Box make_box(int size);\n";
  const Source declared{"src/base/box.hpp", header};
  const Source defined{"src/base/box.cpp",
                       "int Box::width() const { return 1; }\n"
                       "Box make_box(int size) {\n"
                       "  return {};\n"
                       "}\n"};
  const Source test{"src/base/box_test.cpp", "  EXPECT_EQ(make_box(1).width(), kMost);\n"};
  EXPECT_EQ(unused_in({declared, defined, test}),
            (std::vector<std::string>{"width", "height", "kMost", "make_box"}));
  const Source used{"src/wire/use.cpp",
                    "int f() {\n"
                    "  return make_box(kMost).width() * make_box(1).height();\n"
                    "}\n"};
  EXPECT_TRUE(unused_in({declared, defined, test, used}).empty());
}

TEST(Tidy, TestsMayBeTheOnlyUsersOfThePublicApi) {
  const Source declared{"include/memberlist/box.hpp", "int width();\nint height();\n"};
  const Source test{"tests/facade/box_test.cpp", "  EXPECT_EQ(width(), 1);\n"};
  EXPECT_EQ(unused_in({declared, test}), std::vector<std::string>{"height"});
}

}  // namespace
}  // namespace memberlist::layers
