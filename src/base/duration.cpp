#include <array>
#include <chrono>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "base/text.hpp"
#include "memberlist/config.hpp"

// Durations as text, as in knobs and on the command line.
namespace memberlist {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

constexpr std::uint64_t kSecond = 1'000'000'000;

// The largest first.
constexpr std::array<Unit, 6> kUnits = {{{"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", kSecond},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

constexpr auto kMaxNanoseconds =
    static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max());

const Unit* find_unit(std::string_view name) noexcept {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("\"{}\" is not a valid time; write it as 250ms, 1.5s, 2m or 1h",
                          escape_for_log(text)),
              std::string(text));
}

// A number with a fraction, exactly: `digits` / 10^`decimals`.
struct Decimal {
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
  std::size_t size = 0;  // characters read; 0: no number
};

Decimal read_decimal(std::string_view text) noexcept {
  constexpr std::uint64_t kMost = 1'000'000'000'000'000'000;  // ten times this still fits
  Decimal out;
  bool fraction = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !fraction && at > 0) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    if (out.digits >= kMost / 10 || out.scale >= kMost / 10) return {};
    out.digits = out.digits * 10 + static_cast<std::uint64_t>(c - '0');
    if (fraction) out.scale *= 10;
  }
  if (at == 0 || text[at - 1] == '.') return {};
  out.size = at;
  return out;
}

// The value in a unit, if it is at least one. Fractions of minutes and hours are written in
// seconds.
std::string in_unit(std::uint64_t value, const Unit& unit) {
  std::uint64_t rest = value % unit.nanoseconds;
  if (value < unit.nanoseconds) return {};
  if (rest != 0 && unit.nanoseconds > kSecond) return {};
  std::string out = fmt::format("{}", value / unit.nanoseconds);
  if (rest != 0) out += '.';
  while (rest != 0) {
    rest *= 10;
    out += static_cast<char>('0' + rest / unit.nanoseconds);
    rest %= unit.nanoseconds;
  }
  out += unit.name;
  return out;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  const Decimal number = read_decimal(text);
  const Unit* unit = find_unit(text.substr(number.size));
  if (number.size == 0 || unit == nullptr) return bad_duration(text);
  // Whole part and fraction apart, so that neither product overflows before it is checked.
  const std::uint64_t whole = number.digits / number.scale;
  std::uint64_t fraction = number.digits % number.scale;
  std::uint64_t scale = number.scale;
  for (; scale > 1 && fraction % 10 == 0; scale /= 10) fraction /= 10;
  if (whole > kMaxNanoseconds / unit->nanoseconds) return bad_duration(text);
  if (fraction > kMaxNanoseconds / unit->nanoseconds) return bad_duration(text);
  if (fraction * unit->nanoseconds % scale != 0) return bad_duration(text);
  const std::uint64_t part = fraction * unit->nanoseconds / scale;
  const std::uint64_t base = whole * unit->nanoseconds;
  if (part > kMaxNanoseconds - base) return bad_duration(text);
  return Duration(static_cast<Duration::rep>(base + part));
}

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0";
  const bool negative = duration < Duration::zero();
  const auto count = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t value = negative ? 0 - count : count;
  std::string shortest;
  for (const Unit& unit : kUnits) {
    std::string text = in_unit(value, unit);
    if (!text.empty() && (shortest.empty() || text.size() < shortest.size())) {
      shortest = std::move(text);
    }
  }
  return negative ? "-" + shortest : shortest;
}

}  // namespace memberlist
