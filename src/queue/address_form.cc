#include "queue/address_form.h"

namespace todoke::queue {
namespace {

// An older form of the answer "there is no such mailbox" must not be taken for "no such syntax".
bool blames_syntax(const smtp::Reply& reply) {
  if (reply.enhanced && reply.enhanced->subject == 1 && reply.enhanced->detail == 3) return true;
  return reply.code == 501 || reply.code == 553 || reply.code == 500;
}

}  // namespace

std::string AddressForm::on_the_wire() const {
  if (!is_odd) return address;
  auto path = smtp::parse_address(address);
  return path ? smtp::to_text(*path, dots) : address;
}

Task<AddressForm> first_form(sql::Db& db, std::string address) {
  AddressForm form{.address = std::move(address)};
  auto path = smtp::parse_address(form.address);
  if (!path) co_return form;
  form.is_odd = smtp::to_text(*path, smtp::Dots::strict) != smtp::to_text(*path);
  if (!form.is_odd) co_return form;
  auto query = [&](sql::Tx& tx) {
    return tx.first<int>("select form from queue_address_form where address = $1", form.address);
  };
  auto remembered = co_await db.read(query);
  if (remembered == 1) form.dots = smtp::Dots::as_used;
  co_return form;
}

std::optional<AddressForm> second_form(const AddressForm& first,
                                       const smtp::RecipientResult& result) {
  if (!first.is_odd || result.accepted || result.ours || result.stage != smtp::Stage::rcpt)
    return {};
  if (!result.reply || !blames_syntax(*result.reply)) return {};
  auto second = first;
  second.dots = first.dots == smtp::Dots::strict ? smtp::Dots::as_used : smtp::Dots::strict;
  return second;
}

Task<> remember_form(sql::Db& db, AddressForm form) {
  auto write = [&](sql::Tx& tx) {
    tx.run(
        "insert into queue_address_form (address, form) values ($1, $2) "
        "on conflict (address) do update set form = excluded.form",
        form.address, form.dots == smtp::Dots::as_used ? 1 : 0);
  };
  co_await db.write(write);
}

}  // namespace todoke::queue
