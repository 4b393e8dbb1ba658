#include "imap/server/fetch_writer.h"
#include "imap/syntax/writer.h"
#include "mime/transfer.h"

#include <fmt/format.h>

namespace todoke::imap {
namespace {

class Writer {
 public:
  Writer(std::string& out, const mime::Structure& structure, Extensions with)
      : out_(out), structure_(structure), extensions_(with == Extensions::yes) {}

  // RFC 9051 §9 "body".  Parts nest at most mime::max_depth deep.
  void write(int index) {
    const auto& part = structure_.parts[static_cast<std::size_t>(index)];
    out_ += '(';
    if (part.is_multipart())
      write_multipart(index, part);
    else
      write_single(index, part);
    out_ += ')';
  }

 private:
  void write_multipart(int index, const mime::Part& part) {
    for (auto child : structure_.children(index)) write(child);
    out_ += ' ';
    write_string(out_, part.subtype);
    if (!extensions_) return;
    out_ += ' ';
    write_parameters(part.parameters);
    write_common(part);
  }

  void write_single(int index, const mime::Part& part) {
    // What was not looked into is bytes to its reader; a multipart whose parts cannot be told apart
    // is nearly always text, and a client that shows it hides nothing from its reader.
    bool is_text = part.type == "text" && !part.opaque;
    if (part.opaque && part.type == "multipart" &&
        mime::transfer_encoding(part.encoding) == mime::TransferEncoding::identity) {
      out_ += "\"text\" \"plain\"";
      is_text = true;
    } else if (part.opaque) {
      out_ += "\"application\" \"octet-stream\"";
    } else {
      write_string(out_, part.type);
      out_ += ' ';
      write_string(out_, part.subtype);
    }
    out_ += ' ';
    write_parameters(part.parameters);
    out_ += ' ';
    write_nstring(out_, part.content_id);
    out_ += ' ';
    write_nstring(out_, part.description);
    out_ += ' ';
    write_string(out_, part.encoding.empty() ? "7bit" : part.encoding);
    out_ += fmt::format(" {}", part.size());
    if (part.is_message() && !part.opaque) {
      out_ += ' ';
      out_ += mime::encode(*part.envelope);
      out_ += ' ';
      write(structure_.children(index).front());
    }
    if (is_text || (part.is_message() && !part.opaque)) out_ += fmt::format(" {}", part.lines);
    if (!extensions_) return;
    out_ += ' ';
    write_nstring(out_, part.md5);
    write_common(part);
  }

  // Disposition, languages, location.
  void write_common(const mime::Part& part) {
    out_ += ' ';
    if (part.disposition.empty()) {
      out_ += "NIL";
    } else {
      out_ += '(';
      write_string(out_, part.disposition);
      out_ += ' ';
      write_parameters(part.disposition_parameters);
      out_ += ')';
    }
    out_ += ' ';
    write_languages(part.languages);
    out_ += ' ';
    write_nstring(out_, part.location);
  }

  void write_languages(const std::vector<std::string>& languages) {
    if (languages.empty()) {
      out_ += "NIL";
      return;
    }
    const char* before = "(";
    for (const auto& language : languages) {
      out_ += before;
      write_string(out_, language);
      before = " ";
    }
    out_ += ')';
  }

  void write_parameters(const mime::Parameters& parameters) {
    const auto& all = parameters.as_sent();
    if (all.empty()) {
      out_ += "NIL";
      return;
    }
    const char* before = "(";
    for (const auto& one : all) {
      out_ += before;
      write_string(out_, one.name);
      out_ += ' ';
      write_string(out_, one.value);
      before = " ";
    }
    out_ += ')';
  }

  std::string& out_;
  const mime::Structure& structure_;
  const bool extensions_;
};

}  // namespace

void write_body_structure(std::string& out, const mime::Structure& structure, Extensions with) {
  Writer(out, structure, with).write(0);
}

}  // namespace todoke::imap
