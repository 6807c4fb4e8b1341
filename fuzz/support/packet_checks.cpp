#include "support/packet_checks.hpp"

#include <algorithm>
#include <string_view>

#include "base/limits.hpp"
#include "support/input.hpp"
#include "support/message_checks.hpp"

namespace memberlist::fuzz {

PacketContent drain(wire::PacketOpener& opener) {
  PacketContent content;
  std::vector<BytesView> views;
  while (const auto next = opener.next_view()) {
    auto& item = content.items.emplace_back();
    views.emplace_back();
    if (*next) {
      item.type = (*next)->type;
      item.body = to_bytes((*next)->body);
      views.back() = (*next)->body;
      check_message(item.type, (*next)->body);
    } else {
      item.error = next->error();
      require(!std::string_view(item.error->what).empty(), "an error says what is wrong");
    }
    require(content.items.size() <= limits::kPacketMessages + 1, "a packet's messages are bounded");
  }
  require(!opener.next_view(), "behind the last message there is none");
  for (std::size_t i = 0; i < views.size(); ++i) {
    require(std::ranges::equal(views[i], content.items[i].body),
            "views stay valid until the next packet");
  }
  content.truncated_parts = opener.truncated_parts();
  // One compound for each message or fault at most, each with up to 255 parts.
  require(content.truncated_parts <= limits::kPacketMessages * limits::kCompoundParts,
          "no more parts are missing than can be announced");
  return content;
}

bool equal(const PacketContent& a, const PacketContent& b) {
  const auto same = [](const PacketContent::Item& x, const PacketContent::Item& y) {
    if (x.error.has_value() != y.error.has_value()) return false;
    if (x.error) {
      return x.error->kind == y.error->kind &&
             std::string_view(x.error->what) == std::string_view(y.error->what);
    }
    return x.type == y.type && x.body == y.body;
  };
  return a.truncated_parts == b.truncated_parts && std::ranges::equal(a.items, b.items, same);
}

}  // namespace memberlist::fuzz
