// What the machine itself can do, to be quoted beside every figure: appends made durable one at a
// time and in groups, and round trips over loopback.
//
//   machine_limits --folder DIR
#include "load.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

// Durable appends of 4 KiB per second, `group` of them per sync.
double durable_appends(const std::string& folder, int group) {
  auto path = folder + "/machine_limits.tmp";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) bench::die("cannot write in " + folder);
  std::string block(4096, 'x');
  long count = 0;
  auto begun = bench::now();
  while (bench::now() - begun < 1) {
    for (int i = 0; i < group; ++i)
      if (::write(fd, block.data(), block.size()) < 0) bench::die("cannot write");
    fdatasync(fd);
    count += group;
  }
  auto rate = static_cast<double>(count) / (bench::now() - begun);
  ::close(fd);
  ::unlink(path.c_str());
  return rate;
}

double loopback_round_trips() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) bench::die("no sockets");
  std::thread echo([&] {
    char byte;
    while (::read(pair[1], &byte, 1) == 1)
      if (::write(pair[1], &byte, 1) != 1) return;
  });
  long count = 0;
  char byte = 'x';
  auto begun = bench::now();
  while (bench::now() - begun < 1) {
    if (::write(pair[0], &byte, 1) != 1 || ::read(pair[0], &byte, 1) != 1) break;
    ++count;
  }
  auto rate = static_cast<double>(count) / (bench::now() - begun);
  ::close(pair[0]);
  echo.join();
  ::close(pair[1]);
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options options(argc, argv);
  auto folder = options.text("folder", ".");
  std::printf(
      "{\"bench\":\"machine\",\"durable_4k_per_s\":%.0f,\"durable_4k_by_50_per_s\":%.0f,"
      "\"round_trips_per_s\":%.0f,\"cores\":%u}\n",
      durable_appends(folder, 1), durable_appends(folder, 50), loopback_round_trips(),
      std::thread::hardware_concurrency());
}
