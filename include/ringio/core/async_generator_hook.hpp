// What a loop knows of the asynchronous generators that run on it: enough to close them at its end.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/task.hpp>

#include <string>

namespace ringio::detail {

/// A generator's entry in the list of its loop, from its first step to its end.
class AsyncGeneratorHook : public IntrusiveListHook {
public:
    /// Closes the generator. *Lifetime*: the generator must live until that has begun.
    virtual Task<> aclose() = 0;
    virtual std::string repr() const = 0;

protected:
    ~AsyncGeneratorHook() = default;
};

}  // namespace ringio::detail
