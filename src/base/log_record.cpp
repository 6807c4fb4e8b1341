#include <algorithm>

#include "memberlist/event.hpp"

namespace memberlist {

std::string_view LogRecord::field(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &LogField::name);
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace memberlist
