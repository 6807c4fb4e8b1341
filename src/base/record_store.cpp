#include "memberlist/record_store.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/flat_index.hpp"
#include "base/hidden.hpp"
#include "base/sip_hash.hpp"

namespace memberlist {
namespace {

/// The content of a record, in views.
struct Content {
  std::string_view name;
  const Address& address;
  BytesView meta;
  const VersionRange& protocol;
  const VersionRange& delegate_protocol;

  [[nodiscard]] bool is_that_of(const MemberRecord& record) const noexcept {
    return record.name == name && record.address == address &&
           as_text(record.meta) == as_text(meta) && record.protocol == protocol &&
           record.delegate_protocol == delegate_protocol;
  }
  [[nodiscard]] std::shared_ptr<const MemberRecord> to_record() const {
    return std::make_shared<const MemberRecord>(
        MemberRecord{std::string(name), address, to_bytes(meta), protocol, delegate_protocol});
  }
};

// Of all of it: peers must not be able to make many records that share a hash.
std::uint64_t hash_of(const SipKey& key, const Content& content) noexcept {
  std::array<std::byte, 32> rest{};
  auto put = [at = rest.data()](const auto& value) mutable {
    static_assert(std::is_trivially_copyable_v<std::remove_cvref_t<decltype(value)>>);
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  };
  put(content.address.ip.bytes());
  put(content.address.ip.scope_id());
  put(content.address.port);
  put(content.protocol);
  put(content.delegate_protocol);
  std::uint64_t hash = key.low;
  for (const BytesView part : {as_bytes(content.name), content.meta, BytesView(rest)}) {
    hash = sip_hash_1_3({hash, key.high}, part);
  }
  return hash;
}

}  // namespace

class MEMBERLIST_HIDDEN RecordStore::Impl {
 public:
  explicit Impl(const SipKey& key) : key_(key) {}

  std::shared_ptr<const MemberRecord> record(const Content& content);
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  struct Item {
    std::uint64_t hash = 0;
    std::weak_ptr<const MemberRecord> record;
  };

  [[nodiscard]] auto item_hash() const noexcept {
    return [this](std::uint32_t place) { return items_[place].hash; };
  }
  void forget_ended();

  const SipKey key_;
  mutable std::mutex mutex_;  // guards the rest
  std::vector<Item> items_;
  FlatIndex<> index_;
  std::size_t limit_ = 0;
};

std::shared_ptr<const MemberRecord> RecordStore::Impl::record(const Content& content) {
  const std::uint64_t hash = hash_of(key_, content);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const MemberRecord> known;
  (void)index_.find(hash, [&](std::uint32_t place) {
    if (items_[place].hash != hash) return false;
    known = items_[place].record.lock();
    if (known != nullptr && !content.is_that_of(*known)) known = nullptr;
    return known != nullptr;
  });
  if (known != nullptr) return known;
  if (items_.size() >= limit_) forget_ended();
  std::shared_ptr<const MemberRecord> made = content.to_record();
  items_.push_back({hash, made});
  index_.insert(hash, static_cast<std::uint32_t>(items_.size() - 1), item_hash());
  return made;
}

/// Of what is remembered, at most half has ended.
void RecordStore::Impl::forget_ended() {
  constexpr std::size_t kFew = 64;
  std::erase_if(items_, [](const Item& item) { return item.record.expired(); });
  items_.shrink_to_fit();
  limit_ = std::max(kFew, 2 * items_.size());
  index_.clear();
  for (std::uint32_t place = 0; place < items_.size(); ++place) {
    index_.insert(items_[place].hash, place, item_hash());
  }
}

RecordStore::RecordStore(const std::array<std::byte, 16>& secret) {
  SipKey key;
  std::memcpy(&key.low, secret.data(), sizeof key.low);
  std::memcpy(&key.high, secret.data() + sizeof key.low, sizeof key.high);
  impl_ = std::make_unique<Impl>(key);
}

RecordStore::~RecordStore() = default;

std::shared_ptr<const MemberRecord> RecordStore::record(std::string_view name,
                                                        const Address& address, BytesView meta,
                                                        const VersionRange& protocol,
                                                        const VersionRange& delegate_protocol) {
  return impl_->record({name, address, meta, protocol, delegate_protocol});
}

std::size_t RecordStore::size() const { return impl_->size(); }

}  // namespace memberlist
