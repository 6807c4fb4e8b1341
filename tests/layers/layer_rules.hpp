#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// The rooms and arrows of docs/architecture.md as a function of one file's text: which includes and
// which words are forbidden in the room that the file lies in.
namespace memberlist::layers {

/// One forbidden thing in one file.
struct Violation {
  std::size_t line = 0;  ///< from 1
  std::string text;      ///< the include or the word
  std::string rule;      ///< what forbids it
};

/// Checks one file. `path` is relative to the project's root, with slashes: it decides the room.
/// Files outside include/, src/, sim/ and apps/ have no rules. Tests (`*_test.cpp`) may include
/// more: every public header, other people's libraries, and all words.
[[nodiscard]] std::vector<Violation> check_file(std::string_view path, std::string_view source);

/// All rooms: `swim`, `apps`, and `public` for include/memberlist.
[[nodiscard]] std::vector<std::string> rooms();

/// The rooms that the sources of `room` may include, beside itself, and single headers of others
/// (`base/text.hpp`); empty where there is no such room.
[[nodiscard]] std::set<std::string, std::less<>> seen_by(std::string_view room);

/// The public headers that they may include; `*` is all.
[[nodiscard]] std::set<std::string, std::less<>> public_headers_seen_by(std::string_view room);

}  // namespace memberlist::layers
