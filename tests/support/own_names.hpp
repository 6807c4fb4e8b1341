#pragma once

// A name service of the test's own, beside a network of its own (own_network.hpp): what the
// machine's resolver reads, as the test writes it.

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace memberlist::testing {

/// Resolver configuration that only the thread that made it sees, and the threads and programs that
/// it starts. Lasts as long as that thread; its files as long as the object.
class OwnNames {
 public:
  OwnNames() {
    std::string path = std::filesystem::temp_directory_path() / "memberlist-names-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return;
    folder_ = path;
    if (::unshare(CLONE_NEWNS) != 0) return;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    works_ = put("resolv.conf", "") && put("hosts", "127.0.0.1 localhost\n") &&
             put("nsswitch.conf", "hosts: files dns\n");
  }
  ~OwnNames() {
    for (const char* name : {"resolv.conf", "hosts", "nsswitch.conf"}) {
      static_cast<void>(::umount2((std::string("/etc/") + name).c_str(), MNT_DETACH));
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  OwnNames(const OwnNames&) = delete;
  OwnNames& operator=(const OwnNames&) = delete;

  /// False: this needs privileges that we have not.
  [[nodiscard]] bool works() const { return works_; }
  /// Replaces the content of a file of /etc.
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
  }

 private:
  [[nodiscard]] bool put(const std::string& name, const std::string& content) const {
    write(name, content);
    std::error_code error;
    const auto target = std::filesystem::canonical("/etc/" + name, error);
    return !error &&
           ::mount((folder_ / name).c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0;
  }

  std::filesystem::path folder_;
  bool works_ = false;
};

}  // namespace memberlist::testing
