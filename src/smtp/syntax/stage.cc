#include "smtp/syntax/stage.h"

namespace todoke::smtp {

std::string_view to_text(Stage stage) {
  switch (stage) {
    case Stage::dns:
      return "DNS";
    case Stage::connect:
      return "connect";
    case Stage::ehlo:
      return "EHLO";
    case Stage::starttls:
      return "STARTTLS";
    case Stage::auth:
      return "AUTH";
    case Stage::mail:
      return "MAIL";
    case Stage::rcpt:
      return "RCPT";
    case Stage::data:
      return "DATA";
    case Stage::end_of_data:
      return "end of data";
  }
  return "";
}

std::string_view to_text(Breakdown breakdown) {
  switch (breakdown) {
    case Breakdown::none:
      return "";
    case Breakdown::refused:
      return "connection refused";
    case Breakdown::reset:
      return "connection reset";
    case Breakdown::timed_out:
      return "no answer in time";
    case Breakdown::closed:
      return "connection closed without a reply";
    case Breakdown::unreachable:
      return "no route to the server";
    case Breakdown::tls:
      return "TLS failed";
    case Breakdown::garbage:
      return "no SMTP";
    case Breakdown::dns:
      return "DNS did not answer";
  }
  return "";
}

}  // namespace todoke::smtp
