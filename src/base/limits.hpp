#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "memberlist/time.hpp"

// Every limit of the library, with its reason. At each limit the peer's bytes are refused, a
// counter increases, and everything else continues.
namespace memberlist::limits {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

// --- fixed by the protocol ----------------------------------------------------------------------

/// One length byte.
inline constexpr std::size_t kLabelBytes = 255;
/// Go refuses more (protocol 4).
inline constexpr std::size_t kMetaBytes = 512;
/// One length byte would allow more, but names must fit packets together with other fields.
inline constexpr std::size_t kNameBytes = 255;
/// One count byte (protocol 2, Compound).
inline constexpr std::size_t kCompoundParts = 255;
/// Two length bytes; longer parts cannot be framed.
inline constexpr std::size_t kCompoundPartBytes = 65'535;
/// Protocol 3.
inline constexpr std::size_t kStreamPayloadBytes = 20 * kMiB;
inline constexpr std::size_t kUserStateBytes = 20 * kMiB;
inline constexpr std::size_t kUserMessageBytes = 20 * kMiB;
inline constexpr std::size_t kPushPullNodes = 1'048'576;
inline constexpr std::size_t kDecompressedStreamBytes = 40 * kMiB;
/// The fraction of these sizes above which a push/pull logs a warning.
inline constexpr double kStateWarningShare = 0.6;
// Reached by plain streams only: the type of a compressed or encrypted one is known only when it is
// complete, and it is served at once; for those kInboundStreams is the limit.
inline constexpr std::size_t kConcurrentPushPulls = 128;

// --- chosen here --------------------------------------------------------------------------------

/// The largest possible UDP payload.
inline constexpr std::size_t kPacketBytes = 65'535;
/// Other members accept at most a datagram, so a sender can compress at most that.
inline constexpr std::size_t kDecompressedPacketBytes = 65'535;
/// Compound in compressed in compound is the deepest nesting that a sender produces.
inline constexpr std::size_t kPacketNesting = 4;
/// Maps and arrays inside an unknown msgpack field.
inline constexpr std::size_t kMsgpackNesting = 16;
/// One header or node state in a stream. Go sends less than 1 KiB (name, meta data); the rest is
/// room for fields of later versions.
inline constexpr std::size_t kStreamBodyBytes = 64 * kKiB;
/// A whole message of a stream, in clear. Compressed ones can hold no more.
inline constexpr std::size_t kStreamMessageBytes = kDecompressedStreamBytes;
/// The `Buf` of a compressed stream. Data that cannot be compressed grows, so this is no less.
inline constexpr std::size_t kCompressedStreamBytes = kDecompressedStreamBytes;
/// Messages handled from one packet, across all nesting.
inline constexpr std::size_t kPacketMessages = 1024;
/// Pings, direct and indirect, handled from one packet. Senders put one into each packet.
inline constexpr std::size_t kPacketRequests = 4;
/// Inbound streams at once, in total; above Go's 128 push/pulls, because other streams are short.
inline constexpr std::size_t kInboundStreams = 256;
/// Of these, from one address: a peer that uses its maximum leaves 64 for the others.
inline constexpr std::size_t kInboundStreamsPerSource = 192;
/// Push/pulls that are served concurrently for one address: a peer that uses its maximum leaves 32.
inline constexpr std::size_t kPushPullsPerSource = 96;
/// Bytes held for all incomplete streams together. Beyond it the address that holds most loses its
/// largest stream, so that no peer can shut out the others. One stream of the maximum size fits.
inline constexpr std::size_t kIncompleteStreamBytes = 64 * kMiB;
/// The head of a stream's message, which has a separate deadline: a peer that sends less in that
/// time is not sending a message.
inline constexpr std::size_t kStreamHeadBytes = 64;
/// A stream that comes at least this fast has more than `tcp_timeout`, up to four times that.
inline constexpr std::size_t kLeastStreamBytesPerSecond = 64 * kKiB;
/// Work on streams that one source may cause beyond what its own bytes pay for: bytes that are
/// encoded, compressed, decompressed or sent for it. At once: enough for a thousand newcomers
/// behind one address that join through this node at the same moment; each sends little and gets
/// the state.
inline constexpr std::size_t kSourceWorkBytes = 128 * kMiB;
/// And again for each second: a tenth of a processor at most.
inline constexpr std::size_t kSourceWorkBytesPerSecond = 8 * kMiB;
/// Bytes of work paid by each received byte. Members' states compress to a tenth if they are
/// similar, and a peer that sends as much as it gets pays all of it.
inline constexpr std::size_t kWorkPaidByByte = 8;
/// Sources with such an account. Those with the smallest debt are dropped.
inline constexpr std::size_t kWorkingSources = 4096;
/// A user state up to this size is cached in compressed form until it changes.
inline constexpr std::size_t kKeptUserStateBytes = 4 * kMiB;
/// Errors answered in one second; beyond that streams that cannot be read are closed unanswered.
inline constexpr std::uint32_t kErrorRepliesPerSecond = 64;
/// An error text in a stream of type 13.
inline constexpr std::size_t kErrorTextBytes = 1024;
/// Answers per second to addresses that belong to no member, if a message asks for that: the sender
/// of a ping can choose any address.
inline constexpr std::uint32_t kAnswersToStrangersPerSecond = 64;
/// Pings per second to addresses that belong to no member, for others' indirect pings.
inline constexpr std::uint32_t kPingsOfStrangersPerSecond = 64;
/// Conflicts reported to the application per second.
inline constexpr std::uint32_t kConflictsPerSecond = 16;
/// Tombstones of forgotten members; the oldest are dropped. About 10 MiB, 26 MiB with the longest
/// names.
inline constexpr std::size_t kTombstones = 65'536;
/// Pings of the application that wait for their answers.
inline constexpr std::size_t kHandPings = 1024;
/// Acks awaited for others' indirect pings at once.
inline constexpr std::size_t kRelayedPings = 4096;
/// Former addresses of this node, remembered so that others' old claims about it are not mistaken
/// for another member with its name. A member that has missed that many moves is not considered.
inline constexpr std::size_t kFormerAddresses = 16;
/// So long a node serves no joins after a member has told it that its name is taken.
inline constexpr Duration kNameTakenTime = std::chrono::minutes(1);
/// Parallel dials of one join.
inline constexpr std::size_t kParallelJoins = 16;
/// Addresses of one host name: an answer of 64 KiB can hold four times as many.
inline constexpr std::size_t kAddressesOfName = 1024;
/// Aliases (CNAME) followed from one name to the next, where no answer has all of them.
inline constexpr std::size_t kAliasesOfName = 8;
/// Threads that may be inside the system's resolver at once: it blocks for half a minute if no name
/// server answers, and names that can be resolved must not wait for that many that cannot.
inline constexpr std::size_t kLookupThreads = 32;
/// Name servers that a Config may list.
inline constexpr std::size_t kNameServers = 16;
/// User broadcasts queued; the one sent most often is dropped first.
inline constexpr std::size_t kQueuedUserBroadcasts = 8192;
/// Bytes of them, and bytes of the queued updates about members (one for each member).
inline constexpr std::size_t kQueuedBroadcastBytes = 64 * kMiB;
/// Ack payload of the ping delegate.
inline constexpr std::size_t kAckPayloadBytes = 512;
/// Bytes that one stream may have to write: a message of the largest size, compressed to its
/// disadvantage, and its seal.
inline constexpr std::size_t kStreamQueueBytes = 64 * kMiB;
/// Bytes that all streams may have to write, because a peer need not read.
inline constexpr std::size_t kTotalStreamQueueBytes = 128 * kMiB;
/// Closed streams that still write, or wait for the peer's end.
inline constexpr std::size_t kClosingStreams = 256;
/// Packets that wait while the socket's send buffer is full; more are dropped, as UDP may.
inline constexpr std::size_t kRetryPackets = 256;
/// Own addresses listed in a log message; a container host may have a thousand.
inline constexpr std::size_t kNamedAddresses = 16;
/// Attempts to find a port that is free for UDP and for TCP, a few microseconds each. If other
/// programs use half of the ports, every second attempt fails: with this many attempts, one start
/// in 2^64 fails; if they use nine tenths, one in a thousand.
inline constexpr int kPortAttempts = 128;
/// Best-effort messages that may wait for the protocol's thread. A call that adds more waits for
/// room, but not for longer than this: the thread may be held up by what the caller holds.
inline constexpr std::size_t kWaitingMessages = 1024;
inline constexpr Duration kMessagePatience = std::chrono::seconds(5);
/// Other commands that may wait for it; more are refused. Of broadcasts as many as may be queued.
inline constexpr std::size_t kWaitingCommands = 8192;
/// Payload of all these; one message of any size fits if nothing else waits.
inline constexpr std::size_t kWaitingCommandBytes = 64 * kMiB;
/// Changes of members that nobody has looked at; at more, the protocol's thread makes the next
/// view.
inline constexpr std::size_t kUnseenMemberChanges = 1024;
/// Bytes of user messages and user states that may wait for the application.
inline constexpr std::size_t kWaitingPayloadBytes = 64 * kMiB;
/// Events in one call of the application's handler, and bytes of user messages and user states in
/// them (one alone may have more).
inline constexpr std::size_t kEventBatch = 256;
inline constexpr std::size_t kEventBatchBytes = kMiB;
/// Log lines for one cause in one second; the rest is counted and summed up in one line.
inline constexpr std::uint32_t kLogLinesPerCausePerSecond = 5;
/// Lasting states, such as a peer with another key, that the log follows at a time.
inline constexpr std::size_t kLastingStates = 256;
/// The interval between log lines about a lasting condition, and the time without it after which it
/// is over.
inline constexpr Duration kLastingStateReminder = std::chrono::hours(1);
/// A lasting condition must not have been observed for this long before a sign to the contrary ends
/// it.
inline constexpr Duration kLastingStateSettles = std::chrono::minutes(5);
/// Keys of a keyring. A change needs two; a packet that no key opens is tried with each of them.
inline constexpr std::size_t kKeyringKeys = 16;
/// Packets and streams that may be encrypted with one key by all its users together: with random
/// nonces of 96 bits, the probability of a repeated nonce is then 2^-32 (NIST SP 800-38D, 8.3). Not
/// enforced: from half of it on, the log says that the key should be changed.
inline constexpr std::uint64_t kKeySeals = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kKeySealsWarning = kKeySeals / 2;

}  // namespace memberlist::limits
