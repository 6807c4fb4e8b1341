// What the commands make of an agent's answers, which may be of another version, or of another
// program altogether.
//
// Input: the view (1 byte), JSON.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "event_text.hpp"
#include "json_views.hpp"
#include "member_views.hpp"
#include "support/input.hpp"
#include "text.hpp"

namespace memberlist::fuzz {
namespace {

std::string view(std::size_t which, const cli::Json& json) {
  switch (which % 4) {
    case 0:
      return cli::members_table(json, false);
    case 1:
      return cli::info_text(json);
    case 2:
      return cli::event_text(json, false);
    default:
      return cli::to_line(json);
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  fuzz::Input input(data, size);
  const std::size_t which = input.u8();
  const cli::Json json = cli::Json::parse(input.text(), nullptr, false);
  if (json.is_discarded()) return 0;
  if (which % 4 == 0) (void)cli::members_csv(json);
  const std::string text = fuzz::view(which, json);
  fuzz::require(is_utf8(text), "what is shown is UTF-8");
  // JSON is for programs.
  if (which % 4 == 3) return 0;
  fuzz::require(std::ranges::none_of(
                    text, [](char c) { return c != '\n' && ((c >= 0 && c < 0x20) || c == 0x7f); }),
                "what is shown cannot steer a terminal");
  return 0;
}
