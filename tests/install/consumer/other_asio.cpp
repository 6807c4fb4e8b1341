#include <iostream>
#include <string>

#include "memberlist/memberlist.hpp"
#include "other_asio/asio.hpp"

namespace {

// What the program does with its own Asio; at -O0 and -O3 all of it is in the program.
int use_asio() {
  asio::calls = 0;
  auto* scheduler = new asio::detail::scheduler;
  auto* reactor = new asio::detail::epoll_reactor;
  scheduler->shutdown();
  reactor->shutdown();
  reactor->interrupt();
  delete scheduler;
  delete reactor;
  {
    const asio::execution_context context;
  }
  asio::detail::do_throw_error({});
  asio::detail::do_throw_error({}, "");
  asio::system_category().none_of_these(0);
  return asio::calls;
}

int failure(const std::string& why) {
  std::cerr << why << '\n';
  return 1;
}

}  // namespace

// Each of the two Asios keeps to itself.
int main() {
  constexpr int kOwnCalls = 10;
  if (use_asio() != kOwnCalls) return failure("the library's Asio was called by the program");

  memberlist::Config config = memberlist::Config::local();
  config.bind = {memberlist::IpAddress::v4(127, 0, 0, 1), 0};
  config.name = "first";
  auto first = memberlist::Memberlist::create(config);
  config.name = "second";
  auto second = memberlist::Memberlist::create(config);
  if (!first || !second) return failure((first ? second : first).error().message);
  if (auto joined = second->join({first->local_address().to_string()}); !joined) {
    return failure(joined.error().message);
  }
  // An error of the system's, with a text from Asio's category.
  const std::string nobody = first->local_address().to_string();
  first->shutdown();
  const auto refused = second->join({nobody});
  if (refused) return failure("joined through nobody");
  std::cout << refused.error().message << '\n';
  if (refused.error().message.find("refused") == std::string::npos) {
    return failure("the error does not say what the system said");
  }
  second->shutdown();
  if (asio::calls != kOwnCalls) return failure("the program's Asio was called by the library");
  return use_asio() == kOwnCalls ? 0 : failure("the library's Asio was called by the program");
}
