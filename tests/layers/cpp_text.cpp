#include "cpp_text.hpp"

#include <algorithm>
#include <cctype>

namespace memberlist::layers {
namespace {

bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

/// What stands behind `#include` on a line; a view with a null pointer if it is no such line.
std::string_view include_target(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return {};
  line = trimmed(line.substr(1));
  for (const std::string_view directive : {"include_next", "include"}) {
    if (line.starts_with(directive) &&
        (line.size() == directive.size() || !is_word_char(line[directive.size()]))) {
      return trimmed(line.substr(directive.size()));
    }
  }
  return {};
}

bool is_include(std::string_view line) { return include_target(line).data() != nullptr; }

/// Walks over source text and copies it with the insides of comments and literals blanked.
class Blanker {
 public:
  explicit Blanker(std::string_view source) : source_(source) { out_.reserve(source.size()); }

  std::string run() {
    while (at_ < source_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (looking_at("//")) {
      blank_until(source_.find('\n', at_));
    } else if (looking_at("/*")) {
      blank_until(behind("*/", at_ + 2));
    } else if (source_[at_] == '"') {
      string_literal();
    } else if (source_[at_] == '\'' && !after_word()) {  // within a number it separates digits
      literal('\'');
    } else {
      keep_until(at_ + 1);
    }
  }

  void string_literal() {
    const std::size_t line = out_.rfind('\n') + 1;  // npos + 1 is 0
    if (is_include(std::string_view(out_).substr(line))) {
      keep_until(std::min(behind("\"", at_ + 1), source_.find('\n', at_)));
    } else if (after_word() && out_.back() == 'R') {
      raw_string();
    } else {
      literal('"');
    }
  }

  void literal(char quote) {
    keep_until(at_ + 1);
    std::size_t end = at_;
    while (end < source_.size() && source_[end] != quote && source_[end] != '\n') {
      end += source_[end] == '\\' ? 2 : 1;
    }
    blank_until(end);
    keep_until(at_ + 1);
  }

  void raw_string() {
    const std::size_t open = source_.find('(', at_);
    if (open == std::string_view::npos) return blank_until(open);
    const std::string delimiter(source_.substr(at_ + 1, open - at_ - 1));
    blank_until(behind(")" + delimiter + "\"", open));
  }

  [[nodiscard]] bool looking_at(std::string_view text) const {
    return source_.substr(at_).starts_with(text);
  }

  [[nodiscard]] bool after_word() const { return !out_.empty() && is_word_char(out_.back()); }

  /// The position behind `text`, or the end.
  [[nodiscard]] std::size_t behind(std::string_view text, std::size_t from) const {
    const std::size_t found = source_.find(text, from);
    return found == std::string_view::npos ? source_.size() : found + text.size();
  }

  void keep_until(std::size_t end) {
    end = std::min(end, source_.size());
    if (end > at_) out_.append(source_.substr(at_, end - at_));
    at_ = std::max(at_, end);
  }

  void blank_until(std::size_t end) {
    for (end = std::min(end, source_.size()); at_ < end; ++at_) {
      out_.push_back(source_[at_] == '\n' ? '\n' : ' ');
    }
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::string out_;
};

/// Calls `visit(number, line)` for each line.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(++number, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view without_blanks_behind(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Removes `word` and the blanks around it from the end of `text`, if it stands there.
bool take_back(std::string_view& text, std::string_view word) {
  const std::string_view rest = without_blanks_behind(text);
  if (!rest.ends_with(word)) return false;
  const std::string_view before = rest.substr(0, rest.size() - word.size());
  const bool cut_in_two =
      is_word_char(word.front()) && !before.empty() && is_word_char(before.back());
  if (cut_in_two) return false;
  text = without_blanks_behind(before);
  return true;
}

Word describe(std::size_t number, std::string_view line, std::size_t start, std::size_t end) {
  Word word{.line = number, .name = line.substr(start, end - start)};
  std::string_view before = line.substr(0, start);
  word.member = take_back(before, "->") || take_back(before, ".");
  if (take_back(before, "::")) {
    if (take_back(before, "ranges")) take_back(before, "::");
    word.std_qualified = take_back(before, "std");
    word.root_qualified =
        !word.std_qualified &&
        (before.empty() || (!is_word_char(before.back()) && before.back() != '>'));
  }
  std::string_view behind = trimmed(line.substr(end));
  word.called = behind.starts_with('(');
  if (!word.called) return word;
  behind = trimmed(behind.substr(1));
  for (const std::string_view argument : {"nullptr", "NULL", "0", "&"}) {
    word.null_argument = word.null_argument || behind.starts_with(argument);
  }
  return word;
}

}  // namespace

std::string without_comments_and_literals(std::string_view source) { return Blanker(source).run(); }

std::vector<Include> includes_of(std::string_view code) {
  std::vector<Include> includes;
  for_each_line(code, [&](std::size_t number, std::string_view line) {
    const std::string_view target = include_target(line);
    if (target.data() == nullptr) return;
    const char open = target.empty() ? ' ' : target.front();
    const std::size_t close = open == '<' ? target.find('>') : target.find('"', 1);
    const bool readable = (open == '<' || open == '"') && close != std::string_view::npos;
    includes.push_back({number, std::string(readable ? target.substr(1, close - 1) : target),
                        open == '"', readable});
  });
  return includes;
}

std::vector<Word> words_of(std::string_view code) {
  std::vector<Word> words;
  for_each_line(code, [&](std::size_t number, std::string_view line) {
    if (is_include(line)) return;
    for (std::size_t at = 0; at < line.size();) {
      if (!is_word_char(line[at])) {
        ++at;
        continue;
      }
      const std::size_t start = at;
      while (at < line.size() && is_word_char(line[at])) ++at;
      const bool number_literal = std::isdigit(static_cast<unsigned char>(line[start])) != 0;
      if (!number_literal) words.push_back(describe(number, line, start, at));
    }
  });
  return words;
}

}  // namespace memberlist::layers
