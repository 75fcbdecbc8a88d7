// Compiled into the native engine's binding: TensorFlow's news stay out of the user's terminal.
#include <cstdlib>
#if __has_include("absl/log/globals.h")
#include "absl/log/globals.h"

__attribute__((constructor)) static void be_quiet() {
  if (!std::getenv("TF_CPP_MIN_LOG_LEVEL")) {
    absl::SetMinLogLevel(absl::LogSeverityAtLeast::kError);
  }
}
#endif
