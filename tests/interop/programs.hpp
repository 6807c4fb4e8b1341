#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace memberlist::interop {

/// The full path of an installed program, empty if there is none.
std::string find_program(std::string_view name);

/// The body of what http://`address``path` (an IPv4 address and port) answers. Throws
/// std::runtime_error if there is no answer of status 200.
std::string http_get(const std::string& address, const std::string& path);

/// A folder that goes away with this object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace memberlist::interop
