// A service registry without a server: each member publishes in its meta data which service it
// offers and at what port. Every member's member list is then the registry, and members that fail
// or leave disappear from it.
//
// Meta data has room for 512 bytes, and every member stores that of all others: use it for a few
// words about each member, not for documents.

#include <cstddef>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// `web:8080` in the meta data. It comes from others, so it may be anything.
struct Offer {
  std::string service;
  std::string port;

  [[nodiscard]] std::string to_text() const { return service + ':' + port; }
  static std::optional<Offer> parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
    return Offer{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  }
};

class Registry {
 public:
  explicit Registry(ml::Memberlist list) : list_(std::move(list)) {}

  static ml::Result<Registry> create(const std::string& name, std::optional<Offer> offer) {
    ml::Config config = ml::Config::local();  // timings for members on one machine
    config.name = name;
    config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
    if (offer) config.meta = ml::to_bytes(offer->to_text());
    auto list = ml::Memberlist::create(std::move(config));
    if (!list) return std::unexpected(list.error());
    return Registry(std::move(*list));
  }

  // All members know the new offer some gossip rounds after this.
  ml::Result<void> offer(const Offer& offer) {
    return list_.update_meta(ml::as_bytes(offer.to_text()));
  }

  // Where a service is, by what this member knows: no packet is sent, nothing is waited for.
  [[nodiscard]] std::vector<std::string> find(std::string_view service) const {
    std::vector<std::string> places;
    for (const ml::Member& member : list_.members()) {  // sorted by name
      if (member.status != ml::MemberStatus::alive) continue;
      const auto offer = Offer::parse(ml::as_text(member.meta()));
      if (!offer || offer->service != service) continue;
      places.push_back(member.address().ip.to_string() + ':' + offer->port);
    }
    return places;
  }

  ml::Memberlist& list() { return list_; }

 private:
  ml::Memberlist list_;
};

// Waits until `registry` finds this many places, and prints them.
bool expect(const Registry& registry, const std::string& service,
            const std::vector<std::string>& places) {
  const bool found = examples::await([&] { return registry.find(service) == places; });
  std::string line = service + " is at";
  for (const std::string& place : registry.find(service)) line += ' ' + place;
  std::cout << line + '\n';
  return found;
}

}  // namespace

int main() {
  auto client = Registry::create("client", std::nullopt);
  auto web1 = Registry::create("web-1", Offer{"web", "8080"});
  auto web2 = Registry::create("web-2", Offer{"web", "8081"});
  auto db = Registry::create("db", Offer{"db", "5432"});
  if (!client || !web1 || !web2 || !db) {
    std::cerr << "a member could not be started\n";
    return 1;
  }
  const std::string seed = client->list().local_address().to_string();
  for (Registry* member : {&*web1, &*web2, &*db}) {
    if (const auto joined = member->list().join({seed}); !joined) {
      std::cerr << joined.error().message << '\n';
      return 1;
    }
  }
  bool as_expected = expect(*client, "web", {"127.0.0.1:8080", "127.0.0.1:8081"});
  as_expected &= expect(*client, "db", {"127.0.0.1:5432"});

  // One leaves, and one moves to another port. (If the update is not fully transmitted within the
  // timeout, the others get it a little later.)
  (void)web2->list().leave();
  (void)db->offer({"db", "5433"});
  as_expected &= expect(*client, "web", {"127.0.0.1:8080"});
  as_expected &= expect(*client, "db", {"127.0.0.1:5433"});
  return as_expected ? 0 : 1;
}
