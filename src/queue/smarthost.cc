#include "queue/smarthost.h"

namespace todoke::queue {
namespace {

using Need = smtp::TlsPolicy::Need;

int tls_number(Need need) {
  if (need == Need::implicit) return 2;
  return need == Need::required ? 1 : 0;
}

Need parse_tls_number(int number) {
  if (number == 2) return Need::implicit;
  return number == 1 ? Need::required : Need::opportunistic;
}

}  // namespace

std::map<std::int64_t, Smarthost> read_smarthosts(sql::Tx& tx) {
  std::map<std::int64_t, Smarthost> found;
  auto take = [&](const sql::Row& row) {
    Smarthost host{.host = row.get<std::string>(1),
                   .port = row.get<std::uint16_t>(2),
                   .tls = parse_tls_number(row.get<int>(3))};
    if (!row.text(4).empty())
      host.login = smtp::Login{row.get<std::string>(4), row.get<std::string>(5)};
    found.emplace(row.integer(0), std::move(host));
  };
  tx.each("select organisation_id, host, port, tls, login, password from queue_smarthost", take);
  return found;
}

void write_smarthost(sql::Tx& tx, std::int64_t organisation_id, const Smarthost& smarthost) {
  auto login = smarthost.login.value_or(smtp::Login{});
  tx.run(
      "insert into queue_smarthost (organisation_id, host, port, tls, login, password) "
      "values ($1, $2, $3, $4, $5, $6) on conflict (organisation_id) do update set "
      "host = excluded.host, port = excluded.port, tls = excluded.tls, login = excluded.login, "
      "password = excluded.password",
      organisation_id, smarthost.host, smarthost.port, tls_number(smarthost.tls), login.user,
      login.password);
}

bool remove_smarthost(sql::Tx& tx, std::int64_t organisation_id) {
  return tx.run("delete from queue_smarthost where organisation_id = $1", organisation_id) > 0;
}

}  // namespace todoke::queue
