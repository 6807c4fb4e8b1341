#pragma once

#include <cstdint>
#include <variant>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"

namespace memberlist {

/// One exchange over a stream; never reused during an engine's life.
enum class StreamId : std::uint64_t {};

struct StreamConnected {};  ///< the connection that the engine asked for is established
/// Bytes arrived, in pieces of any size.
struct StreamData {
  BytesView bytes{};  ///< valid during the call
};
struct StreamEnd {};  ///< the peer sends no more (end of file)
/// The stream broke.
struct StreamFailed {
  Error error{};  ///< dial, read or write failed; the stream is gone
};
/// What can happen to a stream.
using StreamEvent = std::variant<StreamConnected, StreamData, StreamEnd, StreamFailed>;

}  // namespace memberlist
