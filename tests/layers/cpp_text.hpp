#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// As much reading of C++ as the layer test needs: what a file includes, and which words it uses.
namespace memberlist::layers {

/// Replaces comments and the insides of string and character literals by blanks; line breaks and
/// the targets of includes stay. Knows raw strings and digit separators.
[[nodiscard]] std::string without_comments_and_literals(std::string_view source);

struct Include {
  std::size_t line = 0;  ///< from 1
  std::string name;
  bool quoted = false;
  bool readable = true;  ///< false: `#include MACRO`
};

/// The include directives of a text without comments.
[[nodiscard]] std::vector<Include> includes_of(std::string_view code);

/// One identifier.
struct Word {
  std::size_t line = 0;  ///< from 1
  std::string_view name;
  bool std_qualified = false;   ///< `std::x` or `std::ranges::x`
  bool root_qualified = false;  ///< `::x`
  bool member = false;          ///< `.x` or `->x`
  bool called = false;          ///< `x(`
  bool null_argument = false;   ///< `x(nullptr`, `x(NULL`, `x(0`, `x(&`
};

/// The identifiers of a text without comments, include directives left out. Views into `code`.
[[nodiscard]] std::vector<Word> words_of(std::string_view code);

}  // namespace memberlist::layers
