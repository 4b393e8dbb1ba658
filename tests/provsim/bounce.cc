#include "provsim/bounce.h"

#include <fmt/format.h>

namespace todoke::provsim {
namespace {

std::string date(Time at) {
  // RFC 5322 §3.3 wants names; a notice whose day of the week is left out is as good.
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day civil(day);
  std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  return fmt::format("{} {} {} {:02}:{:02}:{:02} +0000", static_cast<unsigned>(civil.day()),
                     months[static_cast<unsigned>(civil.month()) - 1],
                     static_cast<int>(civil.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::string domain_of(const std::string& address) {
  return address.substr(address.rfind('@') + 1);
}

std::string top(const Receipt& receipt, std::string_view from, std::string_view subject, Time at) {
  return fmt::format(
      "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <bounce.{:x}.{}@{}>\r\n"
      "MIME-Version: 1.0\r\n",
      from, receipt.reverse_path, subject, date(at), receipt.hash, to_micros(at),
      domain_of(receipt.recipient));
}

std::string standard(const Receipt& receipt, const std::string& head, Time at) {
  auto domain = domain_of(receipt.recipient);
  return top(receipt, "Mail Delivery Subsystem <mailer-daemon@" + domain + ">",
             "Delivery Status Notification (Failure)", at) +
         fmt::format(
             "Auto-Submitted: auto-replied\r\n"
             "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b0\"\r\n"
             "\r\n--b0\r\nContent-Type: text/plain\r\n\r\n"
             "Your message could not be delivered to {0}.\r\n"
             "\r\n--b0\r\nContent-Type: message/delivery-status\r\n\r\n"
             "Reporting-MTA: dns; mx.{1}\r\nArrival-Date: {2}\r\n\r\n"
             "Final-Recipient: rfc822; {0}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
             "Diagnostic-Code: smtp; 550 5.1.1 The email account does not exist\r\n"
             "\r\n--b0\r\nContent-Type: text/rfc822-headers\r\n\r\n{3}\r\n--b0--\r\n",
             receipt.recipient, domain, date(receipt.at), head);
}

}  // namespace

std::string bounce_text(BounceFormat format, const Receipt& receipt, const std::string& head,
                        Time at) {
  auto domain = domain_of(receipt.recipient);
  switch (format) {
    case BounceFormat::rfc3464:
      return standard(receipt, head, at);
    case BounceFormat::ezweb:
      return top(receipt, "Postmaster@" + domain, "Mail System Error - Returned Mail", at) +
             fmt::format(
                 "Content-Type: text/plain; charset=US-ASCII\r\n\r\n"
                 "The user(s) account is temporarily over quota.\r\n\r\n<{}>\r\n\r\n"
                 "----- Original message -----\r\n{}\r\n",
                 receipt.recipient, head);
    case BounceFormat::biglobe:
      return top(receipt, "postmaster@" + domain, "Non-delivered information", at) +
             fmt::format(
                 "Content-Type: text/plain; charset=US-ASCII\r\n\r\n"
                 "----- The following addresses had delivery problems -----\r\n"
                 "<{}>\r\n\r\n----- Non-delivered information -----\r\n"
                 "Mail Delivery Failed... User unknown\r\n\r\n"
                 "----- Original message -----\r\n{}\r\n",
                 receipt.recipient, head);
    case BounceFormat::qmail:
      return top(receipt, "MAILER-DAEMON@mx." + domain, "failure notice", at) +
             fmt::format(
                 "\r\nHi. This is the qmail-send program at mx.{}.\r\n"
                 "I'm afraid I wasn't able to deliver your message to the following "
                 "addresses.\r\n"
                 "This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
                 "<{}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
                 "--- Below this line is a copy of the message.\r\n\r\n{}\r\n",
                 domain, receipt.recipient, head);
  }
  return "";
}

}  // namespace todoke::provsim
