#pragma once

#include "app/transfer/mbox.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

// Names in a Maildir with Maildir++ folders, as qmail, Courier and Dovecot keep them: a message is
// a file in cur/ or new/, its flags are letters behind ":2,", a folder is a directory ".A.B".
namespace todoke::transfer {

// The letters behind ":2,": D draft, F flagged, P passed on, R answered, S seen, T deleted, and
// a to z for the keywords listed in Dovecot's file dovecot-keywords.
Marks marks_from_name(std::string_view file_name, const std::vector<std::string>& keywords);

// The name without its flags, which stays the same while a message is in its folder.
std::string_view base_name(std::string_view file_name);

// "2,FS" for these flags.  Keywords are added to `keywords`, up to 26; $forwarded is the letter P.
std::string name_flags(const Marks& marks, std::vector<std::string>& keywords);

// Dovecot's file: lines "0 $Label".
std::vector<std::string> parse_keywords_file(std::string_view text);
std::string render_keywords_file(const std::vector<std::string>& keywords);

// ".Work.&T1wwbpNbUUk-" as "Work/会社…", and the way back.  The Maildir itself is the INBOX.
std::string mailbox_of_folder(std::string_view folder);
std::string folder_of_mailbox(std::string_view mailbox);

// Whether there is a Maildir at this place: a folder with cur/ and new/.
bool is_maildir(const std::string& path);

struct MaildirFolder {
  std::string path;
  std::string mailbox;  // name as we say it
};
// The Maildir itself and its Maildir++ folders, in the order of their names.
Result<std::vector<MaildirFolder>> list_maildir(const std::string& root);

}  // namespace todoke::transfer
