// All scenes: the suites run each of them through every situation, on every kernel.
#pragma once

#include "kernel_contract.hpp"
#include "kernel_scenes.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include <poll.h>

namespace ringio::testing {

struct NamedScene {
    std::string_view name;
    std::unique_ptr<Scene> (*make)();
};

inline const std::vector<NamedScene>& all_scenes() {
    using Made = std::unique_ptr<Scene>;
    using Kind = FullScene::Kind;
    static const std::vector<NamedScene> scenes = {
        {"accept tcp", []() -> Made { return std::make_unique<AcceptScene>(Family::tcp); }},
        {"accept unix", []() -> Made { return std::make_unique<AcceptScene>(Family::local); }},
        {"connect unix, backlog full",
         []() -> Made { return std::make_unique<FullBacklogScene>(); }},
        {"recv tcp", []() -> Made { return std::make_unique<RecvScene>(Family::tcp); }},
        {"recv unix", []() -> Made { return std::make_unique<RecvScene>(Family::local); }},
        {"recv waitall",
         []() -> Made { return std::make_unique<RecvScene>(Family::tcp, MSG_WAITALL, "abcd"); }},
        {"recvmsg", []() -> Made { return std::make_unique<RecvMsgScene>(); }},
        {"recv multishot tcp",
         []() -> Made { return std::make_unique<RecvMultishotScene>(Family::tcp); }},
        {"recv multishot unix",
         []() -> Made { return std::make_unique<RecvMultishotScene>(Family::local); }},
        {"read pipe", []() -> Made { return std::make_unique<ReadOpScene>(Ends::pipe()); }},
        {"read socket",
         []() -> Made { return std::make_unique<ReadOpScene>(Ends::sockets(Family::local)); }},
        {"read eventfd", []() -> Made { return std::make_unique<EventReadScene>(); }},
        {"read terminal", []() -> Made { return std::make_unique<TerminalScene>(); }},
        {"send tcp",
         []() -> Made {
             return std::make_unique<FullScene>(Kind::send, Ends::sockets(Family::tcp));
         }},
        {"send unix",
         []() -> Made {
             return std::make_unique<FullScene>(Kind::send, Ends::sockets(Family::local));
         }},
        {"sendmsg",
         []() -> Made {
             return std::make_unique<FullScene>(Kind::sendmsg, Ends::sockets(Family::local));
         }},
        {"write pipe",
         []() -> Made { return std::make_unique<FullScene>(Kind::write, swapped(Ends::pipe())); }},
        {"write socket",
         []() -> Made {
             return std::make_unique<FullScene>(Kind::write, Ends::sockets(Family::local));
         }},
        {"write eventfd", []() -> Made { return std::make_unique<EventWriteScene>(); }},
        {"poll in",
         []() -> Made {
             // Kernel: io_uring tells POLLRDHUP to those who did not ask, too.
             return std::make_unique<PollScene>(
                 Ends::sockets(Family::local), POLLIN,
                 Outcomes{POLLIN | POLLHUP, POLLIN | POLLHUP | POLLRDHUP});
         }},
        {"poll rdhup",
         []() -> Made {
             return std::make_unique<PollScene>(Ends::sockets(Family::tcp), POLLRDHUP,
                                                Outcomes{POLLRDHUP});
         }},
        {"poll pipe",
         []() -> Made {
             return std::make_unique<PollScene>(Ends::pipe(), POLLIN, Outcomes{POLLHUP});
         }},
        {"poll out",
         []() -> Made {
             return std::make_unique<FullScene>(Kind::poll, Ends::sockets(Family::local));
         }},
        {"poll eventfd", []() -> Made { return std::make_unique<PollEventScene>(); }},
    };
    return scenes;
}

inline bool any_scene(const Scene&) { return true; }
inline bool has_other_side(const Scene& scene) { return !scene.hung_up.empty(); }
inline bool is_shareable(const Scene& scene) { return scene.shareable; }
/// Several may wait, and each has to be brought what it waits for.
inline bool is_served_singly(const Scene& scene) {
    return scene.shareable && scene.lets == Scene::Lets::one;
}

/// Runs `body(scene, driver)` for each scene that is fit, on each kernel.
template <class Body>
void for_each_scene(bool (*fit)(const Scene&), Body body, unsigned entries = 8,
                    unsigned cq_entries = 0) {
    static std::map<bool (*)(const Scene&), std::vector<NamedScene>> fit_scenes;
    if (!fit_scenes.contains(fit)) {
        std::ranges::copy_if(all_scenes(), std::back_inserter(fit_scenes[fit]),
                             [&](const NamedScene& named) { return fit(*named.make()); });
    }
    for (const NamedScene& named : fit_scenes[fit]) {
        for_each_kernel(named.name, [&](const KernelUnderTest& kernel) {
            const std::unique_ptr<Scene> scene = named.make();
            Driver driver(kernel, entries, cq_entries);
            scene->attach(driver);
            body(*scene, driver);
        });
    }
}

}  // namespace ringio::testing
