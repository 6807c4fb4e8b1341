#pragma once

#include <cstddef>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace memberlist::testing {

/// Bytes that meet the rules of how names are shown more often than chance would.
inline std::string random_name(std::mt19937& random) {
  using namespace std::string_view_literals;
  constexpr std::string_view kPieces[] = {"\\"sv,
                                          "x"sv,
                                          "ff"sv,
                                          "\xff"sv,
                                          " "sv,
                                          "\xc2"sv,
                                          "\xa0"sv,
                                          "="sv,
                                          "'"sv,
                                          "\""sv,
                                          ","sv,
                                          "a"sv,
                                          "\xe2\x80\xae"sv,
                                          "+"sv,
                                          "-"sv,
                                          "\\x3d="sv,
                                          "@"sv,
                                          "/"sv,
                                          "\xe2\x80\xa8"sv,
                                          "\n"sv,
                                          "\0"sv,
                                          "\x1b"sv,
                                          "\x7f"sv,
                                          "\xc3\xa9"sv,
                                          "\xc2\x9b"sv,
                                          "\\x20"sv,
                                          "\xed\xa0"sv,
                                          "\xc2\xa0"sv,
                                          "\xf0\x9f\x98\x80"sv};
  std::string name;
  for (std::size_t left = random() % 8; left > 0; --left) {
    if (random() % 5 == 0) {
      name += static_cast<char>(random() % 256);
    } else {
      name += kPieces[random() % std::size(kPieces)];
    }
  }
  return name;
}

}  // namespace memberlist::testing
