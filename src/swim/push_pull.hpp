#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/content_digest.hpp"
#include "swim/evidence.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/membership.hpp"
#include "swim/output_queue.hpp"
#include "swim/sealing_keys.hpp"
#include "swim/state_pages.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {

/// What PushPull remembers beside the encoded pages of the table.
struct PushPullState {
  std::size_t user_state_bytes_ = 0;  // of the present one
  Bytes user_state_;                  // the last one, if it is kept
  Bytes user_state_part_;             // the present one as it goes into a stream
  std::size_t next_page_ = 0;         // to begin with where not all fit
  std::size_t encoded_bytes_ = 0;     // of members, since a state was last made
  std::size_t last_sealed_bytes_ = 0;
  TimePoint last_used_;
  TimePoint next_warning_;
  TimePoint next_error_;
};

/// What a PushPull reads and changes.
struct PushPullUses {
  const Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  SealingKeys& keys_;
  OutputQueue& out_;
  Journal& journal_;
  Membership& membership_;
};

/// What the two sides of a push/pull exchange, and what is believed of it (protocol 6).
class PushPull : public wire::KnownStates, PushPullState, PushPullUses {
 public:
  explicit PushPull(const PushPullUses& uses) : PushPullUses(uses) {}
  PushPull(const PushPull& other, const PushPullUses& uses)
      : wire::KnownStates(),
        PushPullState(other),
        PushPullUses(uses),
        pages_(other.pages_, cluster_.table, keys_.sealing) {}

  /// This node's state as it goes into a stream.
  struct LocalState {
    Bytes sealed;
    ContentDigest digest;        ///< of what is sealed, for a join request; otherwise of nothing
    std::size_t work_bytes = 0;  ///< that were encoded or compressed for it, or are sent
  };
  /// All of it, or as much as peers take (docs/limits.md).
  [[nodiscard]] LocalState local_state(bool join, bool with_label_header);
  /// About what it will take to send.
  [[nodiscard]] std::size_t expected_bytes() const noexcept { return last_sealed_bytes_; }
  /// Gives the memory of the encoded state back if it was not asked for of late.
  void release_if_idle();

  [[nodiscard]] std::int64_t members() override;
  [[nodiscard]] std::vector<BytesView> parts() override;

  /// Whether the state of the peer at `from` may be merged: its versions fit those of all live
  /// members here, and the application has no objection to a join.
  [[nodiscard]] Result<void> check(const wire::PushPullMessage& message, const Address& from);
  /// Whether the answer to a join leaves this node its name: it is an error if the name is that of
  /// a live member elsewhere, or of the one at `from` that has answered.
  [[nodiscard]] Result<void> check_name(const wire::PushPullMessage& answer, const Address& from);
  /// The name is that of the member at `holder`, says the one at `from`: notes it, and says so.
  [[nodiscard]] std::unexpected<Error> name_taken(const Address& holder, const Address& from);
  /// What a peer's state came with.
  enum class Occasion : std::uint8_t { request, answer, answer_to_join };
  /// Believes a peer's state, member by member, and hands its user state on.
  void merge(const wire::PushPullMessage& message, const Address& from, Occasion occasion);

 private:
  [[nodiscard]] Result<void> check_versions(const wire::PushPullMessage& message,
                                            const Address& from);
  void refresh_pages() { encoded_bytes_ += pages_.refresh(); }
  [[nodiscard]] Bytes ask_user_state(bool join);
  std::size_t encode_user_state(Bytes user_state);
  [[nodiscard]] double used_share(std::size_t plain_bytes, std::size_t parts_bytes) const noexcept;
  void log_left_out(std::size_t bytes, const std::string& why);
  void leave_out_user_state();
  void choose_pages();
  [[nodiscard]] StatePages::Front put_self_first(std::vector<BytesView>& parts);
  void warn_of_size(double share);
  [[nodiscard]] std::optional<Address> speaker_of(const wire::PushPullMessage& message,
                                                  const Address& from) const;
  [[nodiscard]] bool is_ours(const Address& claimed, std::uint32_t incarnation) const;
  void merge_states(const wire::PushPullMessage& message, const Evidence& evidence);
  [[nodiscard]] Result<void> ask_policy(const wire::PushPullMessage& message);

  StatePages pages_{cluster_.table, keys_.sealing};
  wire::LzwEncoder lzw_;
  std::vector<std::size_t> chosen_;
};

}  // namespace memberlist::swim
