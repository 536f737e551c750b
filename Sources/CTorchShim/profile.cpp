// Where time goes, by libtorch's own profiler (Kineto).
#include "bridge.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace profiler = torch::autograd::profiler;
namespace impl = torch::profiler::impl;

namespace {
struct Totals {
  int64_t count = 0, nanoseconds = 0;
};
using Key = std::pair<CTDeviceType, std::string>;

/// Adds the time of each operation without that of operations inside it; kernels of a device have none inside.
void addOwnTimes(std::vector<const profiler::KinetoEvent *> &events, std::map<Key, Totals> &totals) {
  std::sort(events.begin(), events.end(), [](auto *a, auto *b) {
    return std::make_tuple(a->startThreadId(), a->startNs(), b->durationNs()) <
           std::make_tuple(b->startThreadId(), b->startNs(), a->durationNs());  // the longer one is around the other
  });
  std::vector<std::pair<const profiler::KinetoEvent *, Totals *>> open;  // what the next event may lie in
  for (const auto *event : events) {
    int index = 0;
    const auto end = [](auto *e) { return e->startNs() + e->durationNs(); };
    while (!open.empty() && (open.back().first->startThreadId() != event->startThreadId() ||
                             end(open.back().first) <= event->startNs())) {
      open.pop_back();
    }
    const int64_t duration = static_cast<int64_t>(event->durationNs());
    auto &total = totals[{deviceTypeOf({event->deviceType(), 0}, &index), event->name()}];
    total.count += 1;
    total.nanoseconds += duration;
    if (event->deviceType() != c10::kCPU) continue;
    if (!open.empty()) open.back().second->nanoseconds -= duration;
    open.emplace_back(event, &total);
  }
}
}  // namespace

extern "C" {

int ct_profile_begin(CTDeviceType device) {
  return run([&] {
    setenv("KINETO_LOG_LEVEL", "9", 0);  // or it announces itself on stderr
    const impl::ProfilerConfig config(impl::ProfilerState::KINETO);
    std::set<impl::ActivityType> activities{impl::ActivityType::CPU};
    if (device == CT_CUDA) activities.insert(impl::ActivityType::CUDA);
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities, {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION});
  });
}

int ct_profile_end(CTProfileRow row, void *context) {
  return run([&] {
    const auto result = profiler::disableProfiler();
    std::vector<const profiler::KinetoEvent *> events;
    for (const auto &event : result->events()) events.push_back(&event);
    std::map<Key, Totals> totals;
    addOwnTimes(events, totals);
    for (const auto &[key, total] : totals) row(context, key.second.c_str(), key.first, total.count, total.nanoseconds);
  });
}

}  // extern "C"
