#include "memberlist/record_store.hpp"

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
  [[nodiscard]] MemberRecord to_record() const {
    return {std::string(name), address, to_bytes(meta), protocol, delegate_protocol};
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

/// The records in use. A record may outlive the store, and so may this.
class MEMBERLIST_HIDDEN RecordStore::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(const SipKey& key) : key_(key) {}

  std::shared_ptr<const MemberRecord> record(const Content& content);
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  /// Leaves the store when it ends.
  struct Item : MemberRecord, std::enable_shared_from_this<Item> {
    Item(MemberRecord content, std::shared_ptr<Impl> in, std::uint64_t its_hash)
        : MemberRecord(std::move(content)), store(std::move(in)), hash(its_hash) {}
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;
    ~Item() { store->forget(*this); }

    const std::shared_ptr<Impl> store;
    const std::uint64_t hash;
    std::uint32_t place = FlatIndex<>::kNone;  // in `items_`
  };

  [[nodiscard]] auto item_hash() const noexcept {
    return [this](std::uint32_t place) { return items_[place]->hash; };
  }
  void fit_room();
  void forget(const Item& item);

  const SipKey key_;
  mutable std::mutex mutex_;  // guards the rest
  // Those that end wait for the mutex before anything of them is gone, so each can be read.
  std::vector<Item*> items_;
  FlatIndex<> index_;
};

std::shared_ptr<const MemberRecord> RecordStore::Impl::record(const Content& content) {
  const std::uint64_t hash = hash_of(key_, content);
  std::shared_ptr<Item> made;
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const MemberRecord> known;
  (void)index_.find(hash, [&](std::uint32_t place) {
    const Item& item = *items_[place];
    // Only the record that is wanted gets a reference here: to release the last one of another
    // would lock the mutex again. A record that is ending gives no reference, and counts as none.
    if (item.hash == hash && content.is_that_of(item)) known = item.weak_from_this().lock();
    return known != nullptr;
  });
  if (known != nullptr) return known;
  // What may run out of memory comes first.
  fit_room();
  made = std::make_shared<Item>(content.to_record(), shared_from_this(), hash);
  const auto place = static_cast<std::uint32_t>(items_.size());
  index_.insert(hash, place, item_hash());
  items_.push_back(made.get());
  made->place = place;
  return made;
}

/// Makes room for one more; gives room back of which more than three quarters are empty.
void RecordStore::Impl::fit_room() {
  constexpr std::size_t kFew = 64;
  if (items_.size() == items_.capacity()) items_.reserve(2 * items_.size() + 1);
  if (items_.capacity() <= kFew || items_.size() >= items_.capacity() / 4) return;
  std::vector<Item*> kept;
  kept.reserve(2 * items_.size() + 1);
  kept.assign(items_.begin(), items_.end());
  items_ = std::move(kept);
  index_.clear();
  for (const Item* item : items_) index_.insert(item->hash, item->place, item_hash());
}

/// The last one takes its place.
void RecordStore::Impl::forget(const Item& item) {
  const std::lock_guard lock(mutex_);
  if (item.place == FlatIndex<>::kNone) return;  // it was never entered
  index_.erase(item.hash, item.place, item_hash());
  Item* const last = items_.back();
  items_.pop_back();
  if (last != &item) {
    index_.move(last->hash, last->place, item.place);
    items_[item.place] = last;
    last->place = item.place;
  }
}

RecordStore::RecordStore(const std::array<std::byte, 16>& secret) {
  SipKey key;
  std::memcpy(&key.low, secret.data(), sizeof key.low);
  std::memcpy(&key.high, secret.data() + sizeof key.low, sizeof key.high);
  impl_ = std::make_shared<Impl>(key);
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
