#include "imap/server/capability.h"

#include <array>

namespace todoke::imap {
namespace {

constexpr States always = not_authenticated | authenticated | selected;
constexpr States later = authenticated | selected;

constexpr auto table = std::to_array<CapabilityRow>({
    {"IMAP4rev2", "RFC 9051", always, ""},
    {"IMAP4rev1", "RFC 3501", always, ""},
    {"SASL-IR", "RFC 4959", always, ""},
    {"LITERAL+", "RFC 7888", always, ""},
    {"ID", "RFC 2971", always, ""},
    {"ENABLE", "RFC 5161", always, ""},
    {"APPENDLIMIT", "RFC 7889", 0, "announced with its number"},
    {"BINARY", "RFC 3516", later, ""},
    {"CHILDREN", "RFC 3348", later, ""},
    {"CONDSTORE", "RFC 7162", later, ""},
    {"CREATE-SPECIAL-USE", "RFC 6154", later, ""},
    {"ESEARCH", "RFC 4731", later, ""},
    {"IDLE", "RFC 2177", later, ""},
    {"LIST-EXTENDED", "RFC 5258", later, ""},
    {"LIST-STATUS", "RFC 5819", later, ""},
    {"MOVE", "RFC 6851", later, ""},
    {"MULTIAPPEND", "RFC 3502", later, ""},
    {"NAMESPACE", "RFC 2342", later, ""},
    {"OBJECTID", "RFC 8474", later, ""},
    {"PREVIEW", "RFC 8970", later, ""},
    {"QRESYNC", "RFC 7162", later, ""},
    {"QUOTA", "RFC 9208", later, ""},
    {"QUOTA=RES-STORAGE", "RFC 9208", later, ""},
    {"SAVEDATE", "RFC 8514", later, ""},
    {"SEARCHRES", "RFC 5182", later, ""},
    {"SPECIAL-USE", "RFC 6154", later, ""},
    {"STATUS=SIZE", "RFC 8438", later, ""},
    {"UIDPLUS", "RFC 4315", later, ""},
    {"UNAUTHENTICATE", "RFC 8437", later, ""},
    {"UNSELECT", "RFC 3691", later, ""},
    {"UTF8=ACCEPT", "RFC 9755", later, ""},
    {"WITHIN", "RFC 5032", later, ""},

    {"ACL", "RFC 4314", 0, "no shared mailboxes yet"},
    {"ANNOTATE-EXPERIMENT-1", "RFC 5257", 0, "no client uses it"},
    {"CATENATE", "RFC 4469", 0, "not implemented"},
    {"COMPRESS=DEFLATE", "RFC 4978", 0, "not implemented"},
    {"CONTEXT=SEARCH", "RFC 5267", 0, "not implemented"},
    {"CONVERT", "RFC 5259", 0, "no client uses it"},
    {"ESORT", "RFC 5267", 0, "not implemented"},
    {"FILTERS", "RFC 5466", 0, "no client uses it"},
    {"I18NLEVEL=1", "RFC 5255", 0, "not implemented"},
    {"INPROGRESS", "RFC 9585", 0, "not implemented"},
    {"JMAPACCESS", "RFC 9698", 0, "there is no JMAP yet"},
    {"LANGUAGE", "RFC 5255", 0, "not implemented"},
    {"LIST-METADATA", "RFC 9590", 0, "not implemented"},
    {"LIST-MYRIGHTS", "RFC 8440", 0, "no shared mailboxes yet"},
    {"LOGIN-REFERRALS", "RFC 2221", 0, "one server holds every account"},
    {"MESSAGELIMIT", "RFC 9738", 0, "commands are not limited by messages"},
    {"METADATA", "RFC 5464", 0, "not implemented"},
    {"MULTISEARCH", "RFC 7377", 0, "not implemented"},
    {"NOTIFY", "RFC 5465", 0, "not implemented"},
    {"PARTIAL", "RFC 9394", 0, "not implemented"},
    {"QUOTASET", "RFC 9208", 0, "quotas are set by administrators"},
    {"REPLACE", "RFC 8508", 0, "not implemented"},
    {"SEARCH=FUZZY", "RFC 6203", 0, "not implemented"},
    {"SORT", "RFC 5256", 0, "not implemented"},
    {"SORT=DISPLAY", "RFC 5957", 0, "not implemented"},
    {"THREAD=REFERENCES", "RFC 5256", 0, "not implemented"},
    {"UIDBATCHES", "RFC 10022", 0, "not implemented"},
    {"UIDONLY", "RFC 9586", 0, "not implemented"},
    {"URLAUTH", "RFC 4467", 0, "no client uses it"},
});

}  // namespace

std::span<const CapabilityRow> capability_table() {
  return table;
}

}  // namespace todoke::imap
