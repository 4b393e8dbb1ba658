#include "mime/structure.h"
#include "mime/wire.h"

#include <utility>

// The stored form of a structure (see structure.h).
namespace todoke::mime {
namespace {

constexpr std::uint64_t structure_version = 1;

// Which of the members that parts mostly lack are there.
enum Present : std::uint64_t {
  has_raw_parameters = 1,
  has_disposition = 2,
  has_rest = 4,  // identifier, description, languages, location, MD5
  has_envelope = 8,
  is_opaque = 16
};

void write_list(WireWriter& out, const std::vector<Parameter>& parameters) {
  out.number(parameters.size());
  for (const auto& [name, value] : parameters) {
    out.text(name);
    out.text(value);
  }
}
std::vector<Parameter> read_list(WireReader& in) {
  std::vector<Parameter> parameters(in.count(2, max_parameters));
  for (auto& [name, value] : parameters) {
    name = in.text();
    value = in.text();
  }
  return parameters;
}

void write(WireWriter& out, const Part& part) {
  bool raw = !part.parameters.raw.empty() || !part.disposition_parameters.raw.empty();
  bool disposition = !part.disposition.empty() || !part.disposition_parameters.decoded.empty();
  bool rest =
      part.content_id || part.description || !part.languages.empty() || part.location || part.md5;
  out.number((raw ? has_raw_parameters : 0U) | (disposition ? has_disposition : 0U) |
             (rest ? has_rest : 0U) | (part.envelope ? has_envelope : 0U) |
             (part.opaque ? is_opaque : 0U));
  out.number(static_cast<std::uint64_t>(part.parent + 1));
  out.text(part.type);
  out.text(part.subtype);
  out.text(part.encoding);
  out.number(part.header_begin);
  out.number(part.body_begin - part.header_begin);
  out.number(part.body_end - part.body_begin);
  out.number(part.lines);
  write_list(out, part.parameters.decoded);
  if (disposition) {
    out.text(part.disposition);
    write_list(out, part.disposition_parameters.decoded);
  }
  if (raw) {
    write_list(out, part.parameters.raw);
    write_list(out, part.disposition_parameters.raw);
  }
  if (rest) {
    out.optional_text(part.content_id);
    out.optional_text(part.description);
    out.number(part.languages.size());
    for (const auto& language : part.languages) out.text(language);
    out.optional_text(part.location);
    out.optional_text(part.md5);
  }
  if (part.envelope) out.text(encode(*part.envelope));
}

Part read_part(WireReader& in) {
  Part part;
  auto present = in.number();
  auto parent = in.number();
  if (parent > max_parts || present > 31) in.bad();
  part.parent = static_cast<int>(parent) - 1;
  part.opaque = (present & is_opaque) != 0;
  part.type = in.text();
  part.subtype = in.text();
  part.encoding = in.text();
  part.header_begin = in.number();
  auto header_size = in.number();
  auto size = in.number();
  constexpr std::uint64_t sane = std::uint64_t{1} << 60;
  if (part.header_begin > sane || header_size > sane || size > sane) in.bad();
  part.body_begin = part.header_begin + header_size;
  part.body_end = part.body_begin + size;
  part.lines = in.number();
  part.parameters.decoded = read_list(in);
  if ((present & has_disposition) != 0) {
    part.disposition = in.text();
    part.disposition_parameters.decoded = read_list(in);
  }
  if ((present & has_raw_parameters) != 0) {
    part.parameters.raw = read_list(in);
    part.disposition_parameters.raw = read_list(in);
  }
  if ((present & has_rest) != 0) {
    part.content_id = in.optional_text();
    part.description = in.optional_text();
    part.languages.resize(in.count(1, max_parameters));
    for (auto& language : part.languages) language = in.text();
    part.location = in.optional_text();
    part.md5 = in.optional_text();
  }
  if ((present & has_envelope) != 0) {
    auto envelope = decode_envelope(in.text());
    if (!envelope) in.bad();
    part.envelope = std::move(envelope).value_or(Envelope{});
  }
  return part;
}

// What readers of a structure rely on: it is a tree, and bodies lie within bodies.
bool is_tree(const std::vector<Part>& parts) {
  std::vector<std::size_t> depth(parts.size()), child_count(parts.size());
  if (parts.empty() || parts[0].parent != -1) return false;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].parent < 0 || parts[i].parent >= static_cast<int>(i)) return false;
    auto p = static_cast<std::size_t>(parts[i].parent);
    const Part& parent = parts[p];
    if (!parent.is_multipart() && !parent.is_message()) return false;
    if (parts[i].header_begin < parent.body_begin || parts[i].body_end > parent.body_end)
      return false;
    ++child_count[p];
    depth[i] = depth[p] + 1;
    if (depth[i] > max_depth) return false;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].is_multipart() && (child_count[i] == 0 || parts[i].is_message())) return false;
    if (parts[i].is_message() && (child_count[i] != 1 || parts[i].opaque)) return false;
  }
  return true;
}

}  // namespace

std::string encode(const Structure& structure) {
  WireWriter out;
  out.number(structure_version);
  out.number(structure.truncated ? 1 : 0);
  out.number(structure.parts.size());
  for (const auto& part : structure.parts) write(out, part);
  return std::move(out).take();
}

Result<Structure> decode_structure(std::string_view bytes) {
  WireReader in(bytes);
  auto damaged = [] { return fail(Errc::corrupt, "stored structure is damaged"); };
  if (in.number() != structure_version) return damaged();
  Structure structure;
  auto truncated = in.number();
  structure.truncated = truncated == 1;
  constexpr std::size_t least_part = 10;
  auto count = in.count(least_part, max_parts);
  for (std::size_t i = 0; i < count && in.good(); ++i) structure.parts.push_back(read_part(in));
  if (truncated > 1 || !in.good() || !in.at_end() || !is_tree(structure.parts)) return damaged();
  return structure;
}

}  // namespace todoke::mime
