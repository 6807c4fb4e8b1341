#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "pages.hpp"

// No page shows a placeholder (`@` NAME `@`) in place of what should stand there.
namespace memberlist::testing {
namespace {

/// All names between two `@`, in capitals as those of CMake's configure_file.
std::vector<std::string> placeholders_of(std::string_view text) {
  const auto in_name = [](unsigned char c) {
    return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_';
  };
  std::vector<std::string> found;
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    const std::string_view rest = text.substr(at + 1);
    const auto end = std::ranges::find_if_not(rest, in_name);
    if (end != rest.begin() && end != rest.end() && *end == '@') {
      found.emplace_back(rest.begin(), end);
    }
  }
  return found;
}

TEST(Pages, HaveNoPlaceholdersLeft) {
  std::size_t read = 0;
  for (const auto& page : pages()) {
    for (const std::string& name : placeholders_of(read_page(page))) {
      ADD_FAILURE() << page << " says @" << name << '@';
    }
    ++read;
  }
  EXPECT_GT(read, 20U);
}

TEST(Placeholders, AreSeen) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(placeholders_of("a | @API@ | b @PROJECT_VERSION_2@"),
            (Names{"API", "PROJECT_VERSION_2"}));
  EXPECT_EQ(placeholders_of("ann@example.org, ben@EXAMPLE, @@, @ API @"), Names{});
}

}  // namespace
}  // namespace memberlist::testing
