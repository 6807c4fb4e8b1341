#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "sources.hpp"

// docs/guide/policy.md shows the functions of policy.hpp.
namespace memberlist::layers {
namespace {

using Signatures = std::set<std::string, std::less<>>;

std::string replaced(const std::string& text, const char* pattern, const char* by = "") {
  return std::regex_replace(text, std::regex(pattern), by);
}

/// What the pattern finds in a class: without comments, attributes and namespaces, in one line
/// each.
Signatures signatures_in(const std::string& text, const char* pattern) {
  std::string code = replaced(text, "//[^\n]*");
  code = replaced(code, "\\[\\[nodiscard\\]\\] |\\bml::");
  code = replaced(code, "\\s+", " ");
  Signatures signatures;
  const std::regex signature(pattern);
  for (std::sregex_iterator at(code.begin(), code.end(), signature); at != std::sregex_iterator();
       ++at) {
    signatures.insert(at->str(1));
  }
  return signatures;
}

/// The first block of C++ of a page.
std::string first_block(const std::string& page) {
  const std::size_t start = page.find("```cpp\n") + 7;
  return page.substr(start, page.find("```", start) - start);
}

TEST(PolicyPage, ShowsEachFunctionOfTheHeaderAsItIs) {
  const auto declared =
      signatures_in(read_file(root() / "include/memberlist/policy.hpp"), "virtual ([^~;]+\\));");
  const auto shown = signatures_in(first_block(read_file(root() / "docs/guide/policy.md")),
                                   "([A-Za-z_:<> ]+ [a-z_]+\\([^;]*\\)) override;");
  EXPECT_GE(declared.size(), 7U);
  Signatures trimmed;
  for (const std::string& signature : shown) trimmed.insert(replaced(signature, "^ (public: )?"));
  EXPECT_EQ(trimmed, declared);
}

}  // namespace
}  // namespace memberlist::layers
