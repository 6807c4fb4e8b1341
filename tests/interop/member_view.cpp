#include "member_view.hpp"

#include <algorithm>
#include <stdexcept>

namespace memberlist::interop {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

VersionsView parse_versions(const nlohmann::json& value) {
  return {value.at("min").get<int>(), value.at("max").get<int>(), value.at("current").get<int>()};
}

void print(const VersionsView& versions, std::ostream& out) {
  out << versions.min << "/" << versions.max << "/" << versions.current;
}

}  // namespace

void PrintTo(const MemberView& view, std::ostream* out) {
  *out << view.name << " at " << view.address << " " << view.status << ", incarnation "
       << view.incarnation << ", meta '" << view.meta << "', protocol ";
  print(view.protocol, *out);
  *out << ", delegate protocol ";
  print(view.delegate_protocol, *out);
}

MemberView parse_member(const nlohmann::json& value) {
  MemberView view;
  view.name = value.at("name").get<std::string>();
  view.address = value.at("address").get<std::string>();
  // Events of the Go peer carry neither: its library does not tell them there.
  view.status = value.value("status", std::string());
  view.incarnation = value.value("incarnation", std::uint64_t{0});
  const nlohmann::json& meta = value.at("meta_base64");
  if (!meta.is_null()) view.meta = from_base64(meta.get<std::string>());
  view.protocol = parse_versions(value.at("protocol"));
  view.delegate_protocol = parse_versions(value.at("delegate_protocol"));
  return view;
}

MemberTable parse_members(const nlohmann::json& array) {
  MemberTable table;
  for (const nlohmann::json& value : array) {
    MemberView view = parse_member(value);
    std::string name = view.name;
    if (!table.emplace(name, std::move(view)).second) {
      throw std::runtime_error("a member is listed twice: " + name);
    }
  }
  return table;
}

std::size_t count_status(const MemberTable& table, std::string_view status) {
  return static_cast<std::size_t>(std::ranges::count_if(
      table, [&](const auto& entry) { return entry.second.status == status; }));
}

std::string status_of(const MemberTable& table, const std::string& name) {
  const auto found = table.find(name);
  return found == table.end() ? "unknown" : found->second.status;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? kAlphabet[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::string from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  unsigned group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) throw std::invalid_argument("not base64");
    group = (group << 6 | static_cast<unsigned>(value)) & 0xffffU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 0xffU);
    }
  }
  return bytes;
}

}  // namespace memberlist::interop
