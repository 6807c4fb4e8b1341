#include "net/system_lookup.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/limits.hpp"
#include "net/quiet_thread.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

using Found = Result<std::vector<IpAddress>>;

Error lookup_error(int status, int system_error, const std::string& host) {
  switch (status) {
    case EAI_AGAIN:
      return {ErrorCode::unresolved,
              fmt::format("no name server answered for {}; check the name service, or give an IP "
                          "address",
                          host),
              host};
    case EAI_NONAME:
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
      return {ErrorCode::unresolved,
              fmt::format("no address was found for {}; check its spelling, or give an IP address",
                          host),
              host};
    default:
      return {
          ErrorCode::unresolved,
          fmt::format("cannot look up {}: {}; check its spelling, or give an IP address", host,
                      status == EAI_SYSTEM ? system_text(system_error) : ::gai_strerror(status)),
          host};
  }
}

Found ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  if (status != 0) return std::unexpected(lookup_error(status, errno, host));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
  std::vector<IpAddress> found;
  for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
    if (found.size() == limits::kAddressesOfName) break;
    const auto address = from_socket_address(at->ai_addr);
    if (address && std::ranges::find(found, address->ip) == found.end()) {
      found.push_back(address->ip);
    }
  }
  if (found.empty()) return std::unexpected(lookup_error(EAI_NONAME, 0, host));
  return found;
}

}  // namespace

// Shared with the threads, which may outlive the object.
struct SystemLookup::State : std::enable_shared_from_this<State> {
  struct Query {
    std::uint64_t id;
    std::string host;
    // Called and destroyed only by the loop's thread; empty after that.
    Answer answer;
  };
  using QueryPointer = std::shared_ptr<Query>;

  State(Loop& to, Blocking call) : blocking(std::move(call)), loop(&to) {}

  /// Whether a thread is available for the next waiting query.
  bool have_thread();
  void work();
  QueryPointer next();
  void deliver(const QueryPointer& query, Found found);
  void forget(std::uint64_t id);
  void end();

  const Blocking blocking;
  std::mutex mutex;
  Loop* loop;                                  // null once the object has been destroyed
  std::deque<QueryPointer> waiting;            // for a thread
  std::map<std::uint64_t, QueryPointer> open;  // these, and those being resolved
  std::uint64_t last_id = 0;
  std::size_t threads = 0;
};

bool SystemLookup::State::have_thread() {
  {
    const std::lock_guard lock(mutex);
    if (threads == limits::kLookupThreads) return true;
    ++threads;
  }
  try {
    start_quiet_thread([self = shared_from_this()] { self->work(); }).detach();
    return true;
  } catch (const std::system_error&) {
    const std::lock_guard lock(mutex);
    return --threads > 0;
  }
}

void SystemLookup::State::work() {
  while (const QueryPointer query = next()) deliver(query, blocking(query->host));
}

SystemLookup::State::QueryPointer SystemLookup::State::next() {
  const std::lock_guard lock(mutex);
  if (waiting.empty()) {
    --threads;
    return nullptr;
  }
  QueryPointer query = std::move(waiting.front());
  waiting.pop_front();
  return query;
}

void SystemLookup::State::deliver(const QueryPointer& query, Found found) {
  const std::lock_guard lock(mutex);
  if (loop == nullptr) return;
  loop->post([query, found = std::move(found), self = weak_from_this()] {
    const auto owner = self.lock();
    if (!owner || !query->answer) return;
    const Answer answer = std::exchange(query->answer, nullptr);
    owner->forget(query->id);
    answer(found);
  });
}

void SystemLookup::State::forget(std::uint64_t id) {
  const std::lock_guard lock(mutex);
  const auto at = open.find(id);
  if (at == open.end()) return;
  at->second->answer = nullptr;
  std::erase(waiting, at->second);
  open.erase(at);
}

void SystemLookup::State::end() {
  const std::lock_guard lock(mutex);
  for (const auto& [id, query] : open) query->answer = nullptr;
  open.clear();
  waiting.clear();
  loop = nullptr;
}

SystemLookup::SystemLookup(Loop& loop) : SystemLookup(loop, &ask_system) {}

SystemLookup::SystemLookup(Loop& loop, Blocking blocking)
    : state_(std::make_shared<State>(loop, std::move(blocking))) {}

SystemLookup::~SystemLookup() { state_->end(); }

std::uint64_t SystemLookup::look_up(const std::string& host, Answer answer) {
  State::QueryPointer query;
  {
    const std::lock_guard lock(state_->mutex);
    query = std::make_shared<State::Query>(++state_->last_id, host, std::move(answer));
    state_->open.emplace(query->id, query);
    state_->waiting.push_back(query);
  }
  if (!state_->have_thread()) {
    state_->deliver(query,
                    fail(ErrorCode::system,
                         fmt::format("cannot look up {}: no thread is available", host), host));
  }
  return query->id;
}

void SystemLookup::forget(std::uint64_t query) { state_->forget(query); }

}  // namespace memberlist::net
