#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pages.hpp"

// Every link of our pages to another page, a file, or a heading leads somewhere.
namespace memberlist {
namespace {

namespace fs = std::filesystem;
using testing::pages;
using testing::read_page;

/// What a heading is called in a link: `## A member's states` is `#a-members-states`.
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(byte));
    }
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> anchors;
  std::ifstream file(page);
  for (std::string line; std::getline(file, line);) {
    const std::size_t level = line.find_first_not_of('#');
    if (level == 0 || level == std::string::npos || line[level] != ' ') continue;
    anchors.insert(anchor_of(std::string_view(line).substr(level + 1)));
  }
  return anchors;
}

/// The targets of `[text](target)`.
std::vector<std::string> links_of(const std::string& page) {
  std::vector<std::string> links;
  for (std::size_t at = page.find("]("); at != std::string::npos; at = page.find("](", at + 1)) {
    const std::size_t end = page.find(')', at);
    if (end != std::string::npos) links.push_back(page.substr(at + 2, end - at - 2));
  }
  return links;
}

bool is_ours(const std::string& link) {
  // A lambda in a block of C++ looks like a link, too; no file of ours has a blank in its name.
  return !link.empty() && link.find("://") == std::string::npos &&
         std::ranges::none_of(link, [](unsigned char c) { return std::isspace(c) != 0; });
}

TEST(PageLinks, LeadSomewhere) {
  std::size_t checked = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& link : links_of(read_page(page))) {
      if (!is_ours(link)) continue;
      const std::size_t hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const fs::path target = file.empty() ? page : page.parent_path() / file;
      EXPECT_TRUE(fs::exists(target)) << page << " links to " << link;
      if (hash != std::string::npos && target.extension() == ".md") {
        EXPECT_TRUE(anchors_of(target).contains(link.substr(hash + 1)))
            << page << " links to " << link;
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 50U);
}

}  // namespace
}  // namespace memberlist
