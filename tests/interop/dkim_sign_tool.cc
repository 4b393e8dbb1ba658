// Signs a message as the sender does, for dkim_test.py.
//
//   dkim_sign_tool KEY.pem DOMAIN SELECTOR [KEY.pem DOMAIN SELECTOR …] < message > signed

#include "trust/dkim_canonical.h"
#include "trust/dkim_signer.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

namespace {

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace todoke;
  std::vector<trust::DkimIdentity> identities;
  for (int i = 1; i + 2 < argc; i += 3) {
    std::ifstream file(argv[i]);
    auto key = crypto::SigningKey::from_pem(read_all(file));
    if (!key) {
      std::fprintf(stderr, "%s: %s\n", argv[i], key.error().text.c_str());
      return 1;
    }
    identities.push_back(
        {argv[i + 1], argv[i + 2], std::make_shared<crypto::SigningKey>(*std::move(key))});
  }

  const auto message = read_all(std::cin);
  const auto blank = message.find("\r\n\r\n");
  const auto header = message.substr(0, blank == std::string::npos ? blank : blank + 2);
  const auto body = blank == std::string::npos ? std::string() : message.substr(blank + 4);
  std::cout << trust::sign_dkim(header, trust::body_hash(body), identities, SystemClock().now())
            << message;
  return std::cout.flush() ? 0 : 1;
}
