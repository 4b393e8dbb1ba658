#pragma once

namespace todoke::crypto {

// Makes libsodium ready; call before any use of it.  Cheap after the first time, from any thread.
void start_sodium();

}  // namespace todoke::crypto
