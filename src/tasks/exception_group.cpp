#include <ringio/tasks/exception_group.hpp>

#include <algorithm>

namespace ringio {
namespace {

std::string text_of(const std::string& message, std::size_t count) {
    return message + " (" + std::to_string(count) +
           (count == 1 ? " sub-exception)" : " sub-exceptions)");
}

}  // namespace

ExceptionGroup::ExceptionGroup(const std::string& message,
                               std::vector<std::exception_ptr> exceptions)
    : std::runtime_error(text_of(message, exceptions.size())),
      message_(message),
      exceptions_(std::move(exceptions)) {
    if (exceptions_.empty() || std::ranges::find(exceptions_, nullptr) != exceptions_.end()) {
        throw std::invalid_argument("an ExceptionGroup needs at least one exception, none null");
    }
}

ExceptionGroup::Parted ExceptionGroup::part(bool (*wanted)(const std::exception_ptr&)) const {
    Parted result;
    for (const std::exception_ptr& error : exceptions_) {
        try {
            std::rethrow_exception(error);
        } catch (const ExceptionGroup& nested) {
            Parted inner = nested.part(wanted);
            std::ranges::move(inner.first, std::back_inserter(result.first));
            std::ranges::move(inner.second, std::back_inserter(result.second));
        } catch (...) {
            (wanted(error) ? result.first : result.second).push_back(error);
        }
    }
    return result;
}

void ExceptionGroup::rethrow_if_single() const {
    if (exceptions_.size() == 1) {
        std::rethrow_exception(exceptions_.front());
    }
}

}  // namespace ringio
