#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../support/own_loopback.hpp"
#include "json_lines.hpp"
#include "member_view.hpp"
#include "wait.hpp"

namespace memberlist::interop {

/// A member of either implementation is started with these.
struct PeerOptions {
  std::string name;
  std::string bind = testing::own_loopback_text() + ":0";
  std::string profile = "lan";
  std::string label;
  std::string meta;
  /// Base64; the first is the primary key.
  std::vector<std::string> keys;
  /// Knobs by the names that the program under test has for them.
  std::map<std::string, std::string> knobs;
};

/// Nothing, or why it could not be done.
using Outcome = std::expected<void, std::string>;

/// A member of a cluster, of this library or of the Go library, that tests treat alike.
class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;

  virtual const std::string& name() const = 0;
  virtual const std::string& address() const = 0;

  /// All members this one knows, including dead and left ones. Throws if it does not answer.
  virtual MemberTable members() = 0;
  virtual Outcome join(const std::string& address) = 0;
  virtual Outcome leave() = 0;
  virtual Outcome set_meta(const std::string& meta) = 0;
  virtual Outcome send(const std::string& to, const std::string& payload, bool reliable) = 0;
  virtual Outcome broadcast(const std::string& payload) = 0;
  virtual Outcome ping(const std::string& name) = 0;

  // Keys in base64, while it runs.
  virtual Outcome add_key(const std::string& key) = 0;
  virtual Outcome use_key(const std::string& key) = 0;
  virtual Outcome remove_key(const std::string& key) = 0;
  /// `gossip_verify_incoming` and `gossip_verify_outgoing`; what is unset stays.
  virtual Outcome verify(std::optional<bool> incoming, std::optional<bool> outgoing) = 0;

  /// Sends a signal to the process that this member runs in.
  virtual void signal(int number) = 0;
  /// What this member has to say about a failed test.
  virtual std::string log() = 0;
  /// Ends it in good order; throws nothing, complains to GoogleTest.
  virtual void stop() = 0;

  /// Forgets the events up to now: what waits for events looks at later ones only.
  virtual void watch() = 0;
  /// The first event of this member that `wanted` accepts.
  virtual std::optional<nlohmann::json> wait_for(const JsonLines::Predicate& wanted,
                                                 Timeout timeout) = 0;
  /// Waits until this member has seen `member` take on a status, however shortly.
  virtual bool wait_for_status(const std::string& member, const std::string& status,
                               Timeout timeout) = 0;

  /// An event of this kind about this member, e.g. `join`.
  bool wait_for_event(const std::string& kind, const std::string& member, Timeout timeout);
  /// A user message of exactly these bytes.
  bool wait_for_message(const std::string& payload, Timeout timeout);
};

/// The bytes of a user message; nothing if the event is none.
std::optional<std::string> message_payload(const nlohmann::json& event);

}  // namespace memberlist::interop
