#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/memberlist.hpp"

namespace memberlist::cli {

/// JSON whose fields keep the order in which they were set: that of the documentation.
using Json = nlohmann::ordered_json;

/// What the views need to know about the observing node.
struct Viewer {
  std::string self;  ///< its name
  std::function<std::chrono::system_clock::time_point(TimePoint)> wall_clock;
};

/// A running member as the viewer. The member must outlive it.
[[nodiscard]] Viewer viewer_of(const Memberlist& list);

/// One line of JSON that is safe for terminals; bytes that are not UTF-8 become `\xNN`. (Names are
/// added by `put_name`.)
[[nodiscard]] std::string to_line(const Json& json);

/// The object of `members --format json`.
[[nodiscard]] Json member_json(const Member& member, const Viewer& viewer);

/// The members whose status is in `statuses` (all if that is empty), as the text of an array. Each
/// is serialised as soon as it is made: a tree of ten thousand takes ten times the text's memory.
[[nodiscard]] std::string members_line(const MemberSnapshot& members,
                                       const std::vector<MemberStatus>& statuses,
                                       const Viewer& viewer);

/// The output of `info`, except what only the agent knows (its admin address, subscribers).
[[nodiscard]] Json info_json(const Memberlist& list);

/// The keyring and the switches of encryption; keys by their fingerprints only.
[[nodiscard]] Json keys_json(const Memberlist& list);

/// An event's line as docs/http-api.md has it, taken at `now`.
[[nodiscard]] Json event_json(const Event& event, const Viewer& viewer,
                              std::chrono::system_clock::time_point now);

/// A line with only `event`, `time` and what the caller adds.
[[nodiscard]] Json plain_event_json(std::string_view event,
                                    std::chrono::system_clock::time_point now);

/// `address`, `code`, `message` of each join address that did not answer.
[[nodiscard]] Json join_failures_json(const std::vector<Error>& failures);

}  // namespace memberlist::cli
