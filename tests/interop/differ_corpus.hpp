#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memberlist/bytes.hpp"

namespace memberlist::interop {

/// Bytes that claim to be a message: `kind` is one of the Go program `differ`.
struct Case {
  std::string kind;
  Bytes bytes;
};

/// The golden messages, messages put together field by field, and both changed in the ways that
/// other versions, other implementations and attackers do. The same seed gives the same cases.
std::vector<Case> make_corpus(std::uint64_t seed);

}  // namespace memberlist::interop
