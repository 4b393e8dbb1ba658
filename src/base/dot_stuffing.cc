#include "base/dot_stuffing.h"

namespace todoke {

// Works line by line with memchr.  A line is looked at twice at most, once for its LF and once for
// CRs inside, so the time is linear whatever the text holds.
void DotStuffer::encode(std::string_view text, std::string& out) {
  if (text.empty()) return;
  if (held_cr_) {
    held_cr_ = false;
    if (text.front() == '\n') {
      end_line(out);
      text.remove_prefix(1);
    } else {
      put_bare('\r', out);
    }
  }
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    bool has_lf = line.size() < text.size();
    text.remove_prefix(line.size() + (has_lf ? 1 : 0));
    bool has_cr = line.ends_with('\r');
    if (has_cr) line.remove_suffix(1);
    put_line(line, out);
    if (has_lf && has_cr)
      end_line(out);
    else if (has_lf)
      put_bare('\n', out);
    else
      held_cr_ = has_cr;
  }
}

void DotStuffer::finish(std::string& out) {
  if (held_cr_) put_bare('\r', out);
  if (!line_start_) end_line(out);
  out += ".\r\n";
  held_cr_ = false;
}

// A line without its end; any CR in it is bare.
void DotStuffer::put_line(std::string_view line, std::string& out) {
  if (bare_ == BareLineEnds::to_crlf) {
    for (auto cr = line.find('\r'); cr != line.npos; cr = line.find('\r')) {
      put(line.substr(0, cr), out);
      end_line(out);
      line.remove_prefix(cr + 1);
    }
  }
  put(line, out);
}

void DotStuffer::put(std::string_view text, std::string& out) {
  if (text.empty()) return;
  if (dot_is_special_ && text.front() == '.') out += '.';
  out += text;
  line_start_ = dot_is_special_ = false;
}

void DotStuffer::put_bare(char line_end, std::string& out) {
  if (bare_ == BareLineEnds::to_crlf) {
    end_line(out);
    return;
  }
  put({&line_end, 1}, out);
  dot_is_special_ = bare_ == BareLineEnds::keep_guarded && line_end == '\n';
}

void DotStuffer::end_line(std::string& out) {
  out += "\r\n";
  line_start_ = dot_is_special_ = true;
}

std::string dot_stuff(std::string_view text, DotStuffer::BareLineEnds bare) {
  std::string out;
  out.reserve(text.size() + text.size() / 64 + 8);
  DotStuffer stuffer(bare);
  stuffer.encode(text, out);
  stuffer.finish(out);
  return out;
}

}  // namespace todoke
