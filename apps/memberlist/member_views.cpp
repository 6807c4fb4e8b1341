#include "member_views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "memberlist/name_text.hpp"
#include "name_views.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memberlist::cli {

namespace {

// The field as text, whatever its type; empty if it is missing.
std::string field(const Json& json, std::string_view name) {
  const auto found = json.is_object() ? json.find(std::string(name)) : json.end();
  if (found == json.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : to_line(*found);
}

Json part(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return found != json.end() ? *found : Json::object();
}

std::string version_text(const Json& json, const char* name) {
  const Json range = part(json, name);
  return fmt::format("{} ({}-{})", field(range, "current"), field(range, "min"),
                     field(range, "max"));
}

std::string meta_text(const Json& member) {
  if (member.is_object() && member.contains("meta")) return field(member, "meta");
  return "base64 " + field(member, "meta_base64");
}

Colour status_colour(std::string_view status) {
  if (status == "alive") return Colour::green;
  if (status == "suspect") return Colour::yellow;
  return status == "dead" ? Colour::red : Colour::grey;
}

constexpr std::size_t kColumns = 7;
constexpr std::size_t kStatusColumn = 2;
using Row = std::array<std::string, kColumns>;

Row member_row(const Json& member) {
  // Whole seconds are enough here: 2026-01-31T12:00:00Z
  std::string since = field(member, "since");
  if (const std::size_t dot = since.find('.'); dot != std::string::npos) {
    since = since.substr(0, dot) + "Z";
  }
  Row row{show_name(name_in(member, "name")),
          field(member, "address"),
          field(member, "status"),
          since,
          field(member, "incarnation"),
          version_text(member, "protocol"),
          meta_text(member)};
  // All of them: what is a number here may be a text in the answer of another program.
  for (std::string& cell : row) cell = escape_controls(cell);
  return row;
}

std::string row_text(const Row& row, const std::array<std::size_t, kColumns>& widths, bool colour) {
  std::string line;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const bool last = i + 1 == kColumns;
    std::string cell = last ? row[i] : pad_right(row[i], widths[i]);
    if (i == kStatusColumn) cell = paint(std::move(cell), status_colour(row[i]), colour);
    line += cell + (last ? "" : "  ");
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// Base64 that begins with a + stays as it is: programs decode it, and its letters make no formula.
std::string base64_cell(const std::string& text) {
  return base64_decode(text) ? text : csv_field(text);
}

}  // namespace

std::string members_table(const Json& members, bool colour) {
  std::vector<Row> rows;
  const Row header{"NAME", "ADDRESS", "STATUS", "SINCE", "INCARNATION", "PROTOCOL", "META"};
  std::array<std::size_t, kColumns> widths{};
  const auto widen = [&](const Row& row) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  };
  widen(header);
  for (const Json& member : members) widen(rows.emplace_back(member_row(member)));
  std::string text = row_text(header, widths, false);
  for (const Row& row : rows) text += row_text(row, widths, colour);
  return text;
}

std::string members_csv(const Json& members) {
  std::string text =
      "name,address,status,incarnation,meta_base64,meta,protocol_min,protocol_max,"
      "protocol_current,delegate_protocol_min,delegate_protocol_max,delegate_protocol_current,"
      "since,self\n";
  for (const Json& member : members) {
    std::string line;
    bool first = true;
    const auto add = [&line, &first](const std::string& value) {
      line += (first ? "" : ",") + value;
      first = false;
    };
    add(csv_name(name_in(member, "name")));
    for (const char* name : {"address", "status", "incarnation"}) {
      add(csv_field(field(member, name)));
    }
    add(base64_cell(field(member, "meta_base64")));
    add(csv_field(field(member, "meta")));
    for (const char* range : {"protocol", "delegate_protocol"}) {
      for (const char* name : {"min", "max", "current"}) {
        add(csv_field(field(part(member, range), name)));
      }
    }
    add(csv_field(field(member, "since")));
    add(csv_field(field(member, "self")));
    text += line + "\n";
  }
  return text;
}

std::string info_text(const Json& info) {
  std::string text;
  const auto add = [&text](std::string_view label, const std::string& value) {
    fmt::format_to(std::back_inserter(text), "{:<20} {}\n", label, escape_controls(value));
  };
  add("name", show_name(name_in(info, "name")));
  add("address", field(info, "address"));
  add("listens at", field(info, "listen_address"));
  add("admin address", field(info, "http"));
  add("version", field(info, "version"));
  add("protocol", version_text(info, "protocol"));
  add("delegate protocol", version_text(info, "delegate_protocol"));
  add("incarnation", field(info, "incarnation"));
  add("label", field(info, "label").empty() ? "none" : field(info, "label"));
  add("encrypted", field(info, "encrypted") == "true" ? "yes" : "no");
  add("health score", field(info, "health_score") + " (0 is healthy)");
  const Json members = part(info, "members");
  add("members",
      fmt::format("{} alive, {} suspect, {} dead, {} left", field(members, "alive"),
                  field(members, "suspect"), field(members, "dead"), field(members, "left")));
  add("queue", "messages queued for gossip: " + field(info, "queue"));
  add("largest broadcast", field(info, "max_packet_payload_bytes") + " bytes");
  add("view digest", field(info, "view_digest"));
  add("event subscribers", field(info, "event_subscribers"));
  text += "\ncounters\n";
  const Json counters = part(info, "counters");
  for (const auto& [name, value] : counters.items()) {
    fmt::format_to(std::back_inserter(text), "  {:<26} {}\n", escape_controls(name),
                   escape_controls(to_line(value)));
  }
  return text;
}

}  // namespace memberlist::cli
