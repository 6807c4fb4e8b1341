#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sources.hpp"

// docs/guide/errors.md has the codes of error.hpp, and for each call the codes of its comment.
namespace memberlist::layers {
namespace {

using Codes = std::set<std::string, std::less<>>;

/// The code and the comment of each enumerator, in order.
std::vector<std::pair<std::string, std::string>> codes_of_header() {
  const std::string header = read_file(root() / "include/memberlist/error.hpp");
  const std::string body = header.substr(header.find("enum class ErrorCode"));
  std::vector<std::pair<std::string, std::string>> codes;
  const std::regex line("\n +([a-z_]+), +///< ([^\n]+)");
  for (std::sregex_iterator at(body.begin(), body.end(), line); at != std::sregex_iterator();
       ++at) {
    codes.emplace_back(at->str(1), at->str(2));
  }
  return codes;
}

Codes all_codes() {
  Codes codes;
  for (const auto& [code, text] : codes_of_header()) codes.insert(code);
  return codes;
}

/// Those of the words in backquotes that are codes.
Codes codes_in(const std::string& text) {
  static const Codes all = all_codes();
  Codes codes;
  const std::regex quoted("`([a-z_]+)`");
  for (std::sregex_iterator at(text.begin(), text.end(), quoted); at != std::sregex_iterator();
       ++at) {
    if (all.contains(at->str(1))) codes.insert(at->str(1));
  }
  return codes;
}

/// The rows of the page's tables that begin with a name in backquotes: the name and the rest.
std::vector<std::pair<std::string, std::string>> rows_of_page() {
  std::vector<std::pair<std::string, std::string>> rows;
  std::istringstream lines(read_file(root() / "docs/guide/errors.md"));
  const std::regex row("^\\| `([A-Za-z_:]+)` \\|(.*)\\|$");
  for (std::string line; std::getline(lines, line);) {
    if (std::smatch cells; std::regex_match(line, cells, row)) {
      rows.emplace_back(cells.str(1), cells.str(2));
    }
  }
  return rows;
}

/// Reads a header line by line: which codes the comment of each function that returns a Result
/// names behind `Error:`; overloads together.
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read(line);
  }

  std::map<std::string, Codes> calls;
  Codes unsaid;  ///< calls of which no overload's comment has errors

 private:
  void read(const std::string& line) {
    static const std::regex type("^(class|struct) (?:MEMBERLIST_API )?([A-Za-z]+)[^;]*\\{$");
    static const std::regex call(
        "^ *(?:\\[\\[nodiscard\\]\\] )?(?:static )?(?:MEMBERLIST_API )?"
        "(?:Result<[^;]*?>|JoinOutcome) ([a-z_]+)\\(.*");
    static const std::regex comment("^ *///(?!<)(.*)");
    std::smatch found;
    if (std::regex_match(line, found, comment)) {
      comment_ += found.str(1);
      return;
    }
    if (std::regex_match(line, found, type)) type_ = found.str(2) + "::";
    if (line == "};") type_.clear();
    if (std::regex_match(line, found, call)) add(type_ + found.str(1));
    comment_.clear();
  }

  void add(const std::string& name) {
    static const std::regex errors("[Ee]rrors?( as an outcome)?:");
    std::smatch at;
    const bool said = std::regex_search(comment_, at, errors);
    if (!calls.contains(name) && !said) unsaid.insert(name);
    Codes& codes = calls[name];
    if (!said) return;
    unsaid.erase(name);
    codes.merge(codes_in(at.suffix()));
  }

  std::string comment_;
  std::string type_;
};

TEST(ErrorsPage, HasTheCodesOfTheHeaderInItsWords) {
  const auto codes = codes_of_header();
  ASSERT_GE(codes.size(), 20U);
  const auto rows = rows_of_page();
  ASSERT_GE(rows.size(), codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(rows[i].first, codes[i].first);
    EXPECT_EQ(rows[i].second, " " + codes[i].second + " ");
  }
}

TEST(ErrorsPage, HasForEachCallTheCodesOfItsComment) {
  std::map<std::string, Codes> described;
  for (const auto& [name, codes] : rows_of_page()) described[name] = codes_in(codes);
  for (const auto& [code, text] : codes_of_header()) described.erase(code);
  std::map<std::string, Codes> commented;
  for (const Source& header : sources_under("include/memberlist")) {
    const HeaderReader reader(header.text);
    for (const std::string& name : reader.unsaid) {
      EXPECT_TRUE(name.starts_with("Policy::")) << header.path << ": " << name << " has no errors";
    }
    commented.insert(reader.calls.begin(), reader.calls.end());
  }
  // The application's own.
  std::erase_if(commented, [](const auto& call) { return call.first.starts_with("Policy::"); });
  EXPECT_GE(commented.size(), 30U);
  for (const auto& [name, codes] : commented) EXPECT_EQ(described[name], codes) << name;
  for (const auto& [name, codes] : described) {
    EXPECT_TRUE(commented.contains(name)) << "no header has " << name;
  }
}

}  // namespace
}  // namespace memberlist::layers
