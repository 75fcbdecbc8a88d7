// mute() and unmute(): TensorFlow prints notices on stderr from its static initialisers, which no setting
// silences. Errors while loading are exceptions; a set TF_CPP_MIN_LOG_LEVEL lets everything through.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdlib>

static int kept = -1;

static napi_value Mute(napi_env, napi_callback_info) {
  if (kept >= 0 || std::getenv("TF_CPP_MIN_LOG_LEVEL")) return nullptr;
  const int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere < 0) return nullptr;
  kept = dup(STDERR_FILENO);
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  if (kept < 0) return nullptr;
  dup2(kept, STDERR_FILENO);
  close(kept);
  kept = -1;
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"mute", nullptr, Mute, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"unmute", nullptr, Unmute, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}

NAPI_MODULE(abkd_quiet, Init)
