#include "name_views.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "memberlist/name_text.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

bool stands_for_itself(std::string_view name) { return is_utf8(name) && read_name(name) == name; }

// Where the name before an address to join through ends; `npos` if there is none.
std::size_t end_of_name(std::string_view address) { return address.rfind('/'); }

const Json* text_at(const Json& json, const std::string& field) {
  const auto found = json.is_object() ? json.find(field) : json.end();
  return found != json.end() && found->is_string() ? &*found : nullptr;
}

}  // namespace

void put_name(Json& json, const std::string& field, std::string_view name) {
  if (stands_for_itself(name)) {
    json[field] = name;
  } else {
    json[field] = show_name(name);
    json[field + "_base64"] = base64_encode(as_bytes(name));
  }
}

std::string name_in(const Json& json, const std::string& field) {
  if (const Json* encoded = text_at(json, field + "_base64")) {
    if (const auto bytes = base64_decode(encoded->get_ref<const std::string&>())) {
      return std::string(as_text(*bytes));
    }
  }
  const Json* text = text_at(json, field);
  return text != nullptr ? text->get<std::string>() : std::string();
}

std::string csv_name(std::string_view name) {
  std::string shown = show_name(name);
  if (begins_formula(shown)) {
    shown = fmt::format("\\x{:02x}{}", static_cast<unsigned>(shown.front()), shown.substr(1));
  }
  return csv_field(shown);
}

std::string read_join_address(std::string_view written) {
  const std::size_t end = end_of_name(written);
  return end == std::string_view::npos
             ? std::string(written)
             : read_name(written.substr(0, end)).append(written.substr(end));
}

std::string show_join_address(std::string_view address) {
  const std::size_t end = end_of_name(address);
  if (end == std::string_view::npos || stands_for_itself(address.substr(0, end))) {
    return std::string(address);
  }
  return show_name(address.substr(0, end)).append(address.substr(end));
}

}  // namespace memberlist::cli
