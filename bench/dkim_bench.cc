// DKIM signatures a second, and a second of processor time, on one thread and on all, beside what
// the header and the body cost.  Compare the second number with `openssl speed rsa2048`.
//
//   dkim_bench [seconds]      one line of JSON for each measurement

#include "crypto/digest.h"
#include "trust/dkim_canonical.h"
#include "trust/dkim_signer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace todoke;
using std::chrono::steady_clock;

namespace {

constexpr std::string_view header =
    "From: =?utf-8?B?5bGK44GR?= <todoke@example.jp>\r\nTo: taro@example.com\r\n"
    "Subject: =?utf-8?B?44GK55+l44KJ44Gb?=\r\nDate: Fri, 20 Nov 2026 21:00:37 +0900\r\n"
    "Message-ID: <0h5k3j1@example.jp>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    "List-Id: <pta.example.jp>\r\nList-Unsubscribe: <https://example.jp/u/0h5k3j1>,\r\n"
    " <mailto:u+0h5k3j1@example.jp>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";

void measure(std::string_view name, unsigned threads, double seconds,
             const std::function<void()>& work) {
  std::atomic<std::uint64_t> done{0};
  const auto begin = steady_clock::now();
  const auto processor = std::clock();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&] {
      for (; steady_clock::now() < end; ++done) work();
    });
  for (auto& thread : running) thread.join();
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  const auto used = static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
  const auto count = static_cast<double>(done);
  fmt::print("{{\"what\":\"{}\",\"threads\":{},\"per_second\":{:.0f},\"per_cpu_second\":{:.0f}}}\n",
             name, threads, count / took.count(), count / used);
}

trust::DkimIdentity identity(crypto::KeyAlgorithm algorithm) {
  return {"example.jp", "bench",
          std::make_shared<crypto::SigningKey>(crypto::SigningKey::generate(algorithm))};
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const auto rsa = identity(crypto::KeyAlgorithm::rsa);
  const auto ed25519 = identity(crypto::KeyAlgorithm::ed25519);
  const auto digest = crypto::sha256("");
  const auto now = SystemClock().now();
  std::string body;
  while (body.size() < 1 << 20) body += "The quick brown fox  jumps \xE5\xB1\x8A\xE3\x81\x91. \r\n";

  for (unsigned threads : {1u, std::max(2u, std::thread::hardware_concurrency())}) {
    measure("rsa", threads, seconds, [&] { rsa.key->sign(digest); });
    measure("ed25519", threads, seconds, [&] { ed25519.key->sign(digest); });
    measure("field, rsa", threads, seconds, [&] { trust::sign_dkim(header, digest, rsa, now); });
    measure("field, ed25519", threads, seconds,
            [&] { trust::sign_dkim(header, digest, ed25519, now); });
  }
  measure("body, MiB", 1, seconds, [&] { trust::body_hash(body); });
}
