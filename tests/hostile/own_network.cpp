// These tests end thousands of connections, and each keeps a port for a minute. In a private
// network they take no ports from other programs.

#include "../support/own_network.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace memberlist::hostile {
namespace {

class OwnNetwork : public ::testing::Environment {
  void SetUp() override {
    if (!testing::enter_own_network()) {
      std::cout << "no network of our own: in that of the machine\n";
    }
  }
};

[[maybe_unused]] const ::testing::Environment* const kNetwork =
    ::testing::AddGlobalTestEnvironment(new OwnNetwork);

}  // namespace
}  // namespace memberlist::hostile
