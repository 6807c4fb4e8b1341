// The JSON bodies of the admin API.
//
// Input: which call (1 byte), the body (or the statuses, or the name asked for).

#include <nlohmann/json.hpp>
#include <string>

#include "admin_api.hpp"
#include "quiet_member.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {
namespace {

using cli::AdminApi;
using cli::ApiReply;

class Api {
 public:
  ApiReply call(std::size_t which, const std::string& text) {
    switch (which % 13) {
      case 0:
        return api_.members(text);
      case 1:
        return api_.member(text);
      case 2:
        return api_.join(text);
      case 3:
        return api_.meta(text);
      case 4:
        return api_.ping(text);
      case 5:
        return api_.send(text);
      case 6:
        return api_.broadcast(text);
      case 7:
        return api_.info();
      case 8:
        return api_.keys();
      case 9:
        return api_.add_key(text);
      case 10:
        return api_.use_key(text);
      case 11:
        return api_.remove_key(text);
      default:
        return api_.verify(text);
    }
  }

 private:
  Memberlist list_ = quiet_member();
  cli::EventHub hub_{cli::EventFormat::off};
  cli::AgentMetrics metrics_;
  AdminApi api_{list_, hub_, metrics_, "127.0.0.1:7947", [] {}};
};

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  static fuzz::Api api;
  fuzz::Input input(data, size);
  const std::size_t which = input.u8();
  const cli::ApiReply reply = api.call(which, std::string(input.text()));
  fuzz::require(reply.status >= 200 && reply.status < 600, "an answer has a status");
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  fuzz::require(!json.is_discarded() && reply.body.find('\n') == std::string::npos,
                "an answer is one line of JSON");
  fuzz::require(reply.status == 200 || (json.contains("error") && json["error"].contains("code")),
                "an error has a code");
  return 0;
}
