#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/member.hpp"

namespace examples {

/// Which member owns which key, by weighted rendezvous hashing: each member draws a number for each
/// key, and the greatest one owns the key. A member with twice the weight owns twice as many. When
/// a member comes, goes or changes its weight, only keys that it gains or loses change hands.
///
/// An immutable value: build another one when members change.
class Ring {
 public:
  /// No members, and no owners.
  Ring() = default;
  /// Of those that are up. A suspect member keeps its keys: most suspects refute.
  explicit Ring(const memberlist::MemberSnapshot& members) {
    for (const memberlist::Member& member : members) {
      const bool up = member.status == memberlist::MemberStatus::alive ||
                      member.status == memberlist::MemberStatus::suspect;
      if (up) servers_.push_back({member.name(), weight(memberlist::as_text(member.meta()))});
    }
  }

  /// The name of the owner; empty if there are no members.
  [[nodiscard]] std::string owner(std::string_view key) const {
    const Server* best = nullptr;
    double best_score = 0;
    for (const Server& server : servers_) {
      const double score = -server.weight / std::log(draw(key, server.name));
      if (best != nullptr && score <= best_score) continue;
      best = &server;
      best_score = score;
    }
    return best == nullptr ? std::string() : best->name;
  }

  /// The number of members.
  [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }

  friend bool operator==(const Ring&, const Ring&) = default;

 private:
  struct Server {
    std::string name;
    double weight = 1;

    friend bool operator==(const Server&, const Server&) = default;
  };

  /// Meta data comes from others, so it may be anything: what is no weight counts as 1.
  static double weight(std::string_view meta) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(meta.data(), meta.data() + meta.size(), value);
    const bool valid = error == std::errc() && end == meta.data() + meta.size();
    return valid && value > 0 && value <= 1000 ? value : 1;
  }

  /// Between 0 and 1, and the same on every machine, which std::hash does not promise: FNV-1a, its
  /// bits mixed at the end.
  static double draw(std::string_view key, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&hash](char c) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    };
    for (const char c : key) add(c);
    add('\0');
    for (const char c : name) add(c);
    for (int round = 0; round < 2; ++round) hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
    return (static_cast<double>(hash >> 11) + 0.5) / 9007199254740992.0;  // 53 bits
  }

  std::vector<Server> servers_;  // by name, as in the snapshot
};

}  // namespace examples
