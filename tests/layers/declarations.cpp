#include "declarations.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "cpp_text.hpp"

namespace memberlist::layers {
namespace {

// Called by the language, or by a library that looks for them.
const std::set<std::string_view> kCalledByOthers = {"await_ready",    "await_suspend",
                                                    "await_resume",   "is_steady",
                                                    "is_transparent", "stream_protocol"};

bool is_test(std::string_view path) {
  return path.starts_with("tests/") || path.ends_with("_test.cpp") ||
         path.find("/test_") != std::string_view::npos;
}

bool is_header_of_rooms(std::string_view path) {
  return path.ends_with(".hpp") && !is_test(path) &&
         (path.starts_with("src/") || path.starts_with("apps/") || path.starts_with("include/"));
}

// A word with the line that it stands in.
struct Place {
  Word word;
  std::string_view before;  // of its line, without blanks behind
  std::string_view behind;  // of its line, without blanks in front
  std::size_t indent = 0;
};

Place place_of(const std::string& code, const Word& word) {
  const auto at = static_cast<std::size_t>(word.name.data() - code.data());
  const std::size_t begin = at == 0 ? 0 : code.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  const std::size_t end = std::min(code.find('\n', at), code.size());
  const std::string_view line = std::string_view(code).substr(begin, end - begin);
  Place place{.word = word,
              .before = line.substr(0, at - begin),
              .behind = line.substr(at - begin + word.name.size())};
  place.indent = std::min(line.find_first_not_of(' '), line.size());
  while (place.before.ends_with(' ')) place.before.remove_suffix(1);
  while (place.behind.starts_with(' ')) place.behind.remove_prefix(1);
  return place;
}

bool is_constant(std::string_view name) {
  return name.size() > 1 && name[0] == 'k' &&
         std::isupper(static_cast<unsigned char>(name[1])) != 0;
}

// What stands before a function's name is its type; a call stands within something.
bool may_be_declarator(const Place& place) {
  const std::string_view before = place.before;
  if (before.find_first_not_of(' ') == std::string_view::npos) return place.indent <= 2;
  const char last = before.back();
  const bool type = std::isalnum(static_cast<unsigned char>(last)) != 0 ||
                    std::string_view("_>&*]").find(last) != std::string_view::npos;
  return type && before.find_first_of("({=") == std::string_view::npos &&
         !before.ends_with("return");
}

// Whether a header may declare the word there.
bool may_be_declared(const Place& place) {
  const Word& word = place.word;
  if (word.member || word.std_qualified || word.name.starts_with("__")) return false;
  if (is_constant(word.name)) {
    return !place.before.ends_with("::") && place.behind.find_first_of("={[") == 0;
  }
  if (word.called) return may_be_declarator(place);
  for (const std::string_view keyword : {"struct", "class", "enum class", "using"}) {
    if (place.before.ends_with(keyword)) return true;
  }
  constexpr std::size_t kNested = 4;  // a field of a class within a class
  const bool ends = place.behind.starts_with(';') || place.behind.starts_with("= ") ||
                    place.behind.starts_with("{}");
  return ends && !place.before.empty() && place.indent > 0 && place.indent <= kNested &&
         !place.before.ends_with("return");
}

// Definitions of functions begin in the first column; what they do does not.
bool may_be_defined(const Place& place) {
  return place.indent == 0 && place.word.called && place.before.find('(') == std::string_view::npos;
}

// How often a word is used, with and without tests.
struct Uses {
  std::size_t by_programs = 0;
  std::size_t by_tests = 0;
};

class Reader {
 public:
  explicit Reader(const std::vector<Source>& sources) {
    codes_.reserve(sources.size());  // views into them are kept
    for (const Source& source : sources) read(source);
  }

  std::vector<Unused> unused() const {
    std::vector<Unused> found;
    for (const Unused& declared : declared_) {
      Uses uses = uses_.at(declared.name);
      const bool is_public = declared.path.starts_with("include/");
      if (is_public) uses.by_programs += uses.by_tests;
      if (uses.by_programs == 0) found.push_back(declared);
    }
    return found;
  }

 private:
  void read(const Source& source) {
    const std::string& code = codes_.emplace_back(without_comments_and_literals(source.text));
    const bool header = is_header_of_rooms(source.path);
    std::set<std::string_view> here;
    for (const Word& word : words_of(code)) {
      const Place place = place_of(code, word);
      Uses& uses = uses_[word.name];
      if (header && !here.contains(word.name) && may_be_declared(place)) {
        here.insert(word.name);
        if (kCalledByOthers.contains(word.name)) continue;
        declared_.push_back({source.path, word.line, std::string(word.name)});
      } else if (!source.path.ends_with(".cpp") || !may_be_defined(place)) {
        ++(is_test(source.path) ? uses.by_tests : uses.by_programs);
      }
    }
  }

  std::vector<std::string> codes_;
  std::map<std::string_view, Uses, std::less<>> uses_;
  std::vector<Unused> declared_;
};

}  // namespace

std::vector<Unused> unused_declarations(const std::vector<Source>& sources) {
  return Reader(sources).unused();
}

}  // namespace memberlist::layers
