#include "line_reader.hpp"

#include <nlohmann/json.hpp>

namespace memberlist::cli {

bool LineReader::feed(std::string_view bytes) {
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos;) {
    pending_.append(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
    end = bytes.find('\n');
    const Json event = Json::parse(pending_, nullptr, false);
    pending_.clear();
    if (event.is_object() && !on_event_(event, end != std::string_view::npos)) return false;
  }
  pending_.append(bytes);
  return pending_.size() <= kMaxLineBytes;
}

}  // namespace memberlist::cli
