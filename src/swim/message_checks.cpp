#include "swim/message_checks.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/limits.hpp"

namespace memberlist::swim {
namespace {

Result<void> check_fits_packet(std::size_t bytes, std::size_t most, std::string_view what,
                               std::string_view instead) {
  if (bytes <= most) return {};
  return fail(ErrorCode::too_large,
              fmt::format("a {} of {} bytes does not fit a packet: at most {}{}", what, bytes, most,
                          instead),
              "payload");
}

}  // namespace

Result<void> check_packet_message(std::size_t bytes, std::size_t most) {
  return check_fits_packet(bytes, most, "message", " (or send it reliably)");
}

Result<void> check_broadcast(std::size_t bytes, std::size_t most) {
  return check_fits_packet(bytes, most, "broadcast", "");
}

Result<void> check_stream_message(std::size_t bytes) {
  if (bytes <= limits::kUserMessageBytes) return {};
  return fail(ErrorCode::too_large,
              fmt::format("a message of {} bytes: at most {} are allowed", bytes,
                          limits::kUserMessageBytes),
              "payload");
}

Result<void> check_advertised(const Address& address) {
  if (!address.ip.is_unspecified() && !address.ip.is_multicast() && address.port != 0) return {};
  return fail(ErrorCode::no_address,
              fmt::format("the advertised address {} cannot be reached: it needs the address of "
                          "one machine and a port",
                          address.to_string()),
              "advertise");
}

Result<void> check_known(const Config& config, const std::vector<Member>* members) {
  if (members == nullptr || members->size() <= config.max_members) return {};
  return fail(ErrorCode::too_large,
              fmt::format("{} members are known from the start, and max_members is {}",
                          members->size(), config.max_members),
              "members");
}

Error left_error() { return {ErrorCode::shut_down, "this node has left the cluster", {}}; }

}  // namespace memberlist::swim
