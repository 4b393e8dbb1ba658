#pragma once

#include "directory/directory.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

namespace todoke::test {

// A directory over a database in memory, with cheap passwords and a clock that the test moves.
// It holds the organisation "Kita" with the domain kita.example and the account
// ann@kita.example, whose password is "ann's secret".
struct DirectoryFixture {
  SimulatedClock clock{from_micros(1'795'000'000'000'000)};
  std::unique_ptr<sql::Db> db = sql::open_memory();
  IdGenerator ids{clock};
  WorkerPool pool{2};
  directory::Directory directory{
      *db, clock, ids, pool, {.password_cost = {64, 1}, .scram_iterations = 4096}};
  directory::Actor root{"root", "local"};

  DirectoryFixture() {
    add_organisation("Kita");
    add_domain("Kita", "kita.example");
    add_account("ann@kita.example", "ann's secret");
  }

  void add_organisation(std::string name) {
    directory::NewOrganisation wanted{.name = std::move(name)};
    need(block_on(directory.create_organisation(root, wanted)));
  }
  void add_domain(std::string organisation, std::string name) {
    need(block_on(directory.create_domain(root, std::move(organisation), std::move(name))));
  }
  directory::Account add_account(std::string address, std::string password = "",
                                 directory::Role role = directory::Role::member) {
    directory::NewAccount wanted{
        .address = std::move(address), .password = std::move(password), .role = role};
    return need(block_on(directory.create_account(root, wanted)));
  }
  void set_state(std::string address, directory::State state) {
    directory::AccountChange change{.state = state};
    need(block_on(directory.update_account(root, std::move(address), change)));
  }
  void set_organisation_state(std::string name, directory::State state) {
    directory::OrganisationChange change{.state = state};
    need(block_on(directory.update_organisation(root, std::move(name), change)));
  }

  Result<directory::Principal> sign_in(std::string login, std::string password,
                                       std::string network = "192.0.2.7",
                                       directory::Service service = directory::Service::pop3,
                                       std::string listener = "198.51.100.1") {
    directory::SignIn request{.login = std::move(login),
                              .password = std::move(password),
                              .service = service,
                              .listener = std::move(listener),
                              .network = network,
                              .source = network};
    return block_on(directory.sign_in(request));
  }

  template <class T>
  static T need(Result<T> result) {
    REQUIRE_MESSAGE(result.has_value(), result.error().text);
    if constexpr (!std::is_void_v<T>) return *std::move(result);
  }
  template <class T>
  static Errc error_of(const Result<T>& result) {
    REQUIRE(!result.has_value());
    return result.error().code;
  }
};

}  // namespace todoke::test
