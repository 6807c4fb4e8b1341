#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/input.hpp"
#include "memberlist/output.hpp"
#include "memberlist/policy.hpp"

// What an engine was given, written down, so that another one can be given the same and has to put
// out the same: to look again at what has happened, and to show that nothing else has an influence.
namespace memberlist::sim {

/// An input with the bytes that its views show.
class KeptInput {
 public:
  explicit KeptInput(Input input);
  KeptInput(KeptInput&&) noexcept = default;             ///< the bytes stay where they are
  KeptInput& operator=(KeptInput&&) noexcept = default;  ///< the bytes stay where they are
  KeptInput(const KeptInput&) = delete;                  // the copy's views would show other bytes
  KeptInput& operator=(const KeptInput&) = delete;
  ~KeptInput() = default;

  [[nodiscard]] const Input& input() const noexcept { return input_; }

 private:
  void keep(BytesView& view);
  void keep(std::string_view& view);

  std::vector<Bytes> bytes_;
  Input input_;
};

/// What a policy gave back: a verdict, messages to fill a packet with, a state or payload, or leave
/// to ping by TCP.
using PolicyAnswer = std::variant<Result<void>, std::vector<Bytes>, Bytes, bool>;

/// All that an engine was made with and given. Holds keys and messages as they are.
struct Recording {
  struct Step {
    TimePoint now;
    KeptInput input;
  };

  /// A place in the recording: what is behind it is still to come.
  struct Position {
    std::size_t steps = 0;
    std::size_t answers = 0;
    std::size_t nonce_bytes = 0;
  };
  /// Behind what is recorded so far.
  [[nodiscard]] Position end() const noexcept {
    return {steps.size(), answers.size(), nonces.size()};
  }

  Config config;
  EngineEnvironment environment;  ///< without its functions and its policy
  bool with_policy = false;
  std::vector<Step> steps;
  std::vector<PolicyAnswer> answers;
  Bytes nonces;
};

/// Writes down what one engine is given.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;  // engines hold on to it
  Recorder& operator=(const Recorder&) = delete;

  /// The environment to make the engine with, of this configuration: the same as `environment`, but
  /// what is asked of it and what is told to it goes through this object, which must outlive the
  /// engine. To be called once.
  [[nodiscard]] EngineEnvironment attach(const Config& config, EngineEnvironment environment);
  [[nodiscard]] const Recording& recording() const noexcept { return recording_; }

 private:
  class ListeningPolicy;

  Recording recording_;
  std::unique_ptr<ListeningPolicy> policy_;
};

/// Gives an engine what another one was given, from a place in its recording on.
class Replay {
 public:
  /// The recording must outlive this, and may grow until `run`.
  explicit Replay(const Recording& recording, Recording::Position from = {});
  ~Replay();
  Replay(const Replay&) = delete;  // engines hold on to it
  Replay& operator=(const Replay&) = delete;

  /// What the engine is to be made, or cloned, with; this must outlive it.
  [[nodiscard]] EngineEnvironment environment();
  /// Applies each step that is left, and hands the outputs of each to `see`. Throws
  /// std::logic_error if the engine asks for more, or for something else, than the recorded one
  /// did.
  void run(Engine& engine, const std::function<void(std::span<Output>)>& see);

 private:
  class RecordedPolicy;

  void fill_nonce(std::span<std::byte> out);

  const Recording& recording_;
  Recording::Position at_;
  std::unique_ptr<RecordedPolicy> policy_;
};

/// The digest of all outputs of an engine that is made as the recorded one was and given the same.
[[nodiscard]] std::uint64_t digest_of_replay(const Recording& recording);

}  // namespace memberlist::sim
