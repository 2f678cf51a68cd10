// PostgreSQL for coroutines: libpq talks to the server, the loop says when it can go on.
#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>
#include <ringio.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postgres {

/// What the server, or libpq, has to say.
class Error : public std::runtime_error {
public:
    explicit Error(std::string_view text, std::string sqlstate = {})
        : std::runtime_error(std::string(text.substr(0, text.find_last_not_of('\n') + 1))),
          sqlstate_(std::move(sqlstate)) {}

    /// Five letters: "42601" is a syntax error. Empty when it is not the server that complains.
    const std::string& sqlstate() const noexcept { return sqlstate_; }

private:
    std::string sqlstate_;
};

/// The rows that a query gave.
class Result {
public:
    Result() = default;
    explicit Result(PGresult* result) noexcept : result_(result) {}

    int rows() const noexcept { return PQntuples(result_.get()); }
    int columns() const noexcept { return PQnfields(result_.get()); }
    bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
    /// A value as text; of NULL, the empty one.
    std::string_view value(int row, int column) const {
        return {PQgetvalue(result_.get(), row, column),
                static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
    }

    explicit operator bool() const noexcept { return result_ != nullptr; }
    ExecStatusType status() const noexcept { return PQresultStatus(result_.get()); }
    Error error() const {
        const char* const state = PQresultErrorField(result_.get(), PG_DIAG_SQLSTATE);
        return Error(PQresultErrorMessage(result_.get()), state != nullptr ? state : "");
    }

private:
    struct Clear {
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };
    std::unique_ptr<PGresult, Clear> result_;
};

struct Notification {
    std::string channel;
    std::string payload;
};

/// A connection. Many tasks may share it: they are served one after the other.
///
/// *Errors*: Error. *Cancellation*: the query is ended at the server, too, and the connection is
/// good for the next one. *Lifetime*: outlives those who use it.
class Connection {
public:
    /// `settings` are libpq's. Give `hostaddr`, or the directory of a Unix socket as `host`: the
    /// look-up of a name would block.
    ringio::Task<> connect(std::string settings);

    /// Runs one statement with the parameters $1, $2, …: texts, numbers, std::nullopt.
    template <class... Parameters>
    ringio::Task<Result> query(std::string sql, const Parameters&... parameters) {
        std::vector<std::optional<std::string>> texts;
        (texts.push_back(text_of(parameters)), ...);
        return run(std::move(sql), std::move(texts));
    }

    /// Waits for a notification of a channel that was named by LISTEN. Whoever queries on this
    /// connection meanwhile, waits too: let it be one of its own.
    ringio::Task<Notification> notification();

private:
    static std::optional<std::string> text_of(std::nullopt_t) { return std::nullopt; }
    template <class T>
    static std::optional<std::string> text_of(const T& value) {
        return fmt::format("{}", value);
    }

    ringio::Task<Result> run(std::string sql, std::vector<std::optional<std::string>> parameters);
    ringio::Task<Result> finish();
    ringio::Task<> flush();
    ringio::Task<> settle();

    Error failure() const { return Error(PQerrorMessage(connection_.get())); }

    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
    ringio::Lock lock_;
    bool settled_ = true;          // no results are to come
    ringio::Future<> cancelling_;  // valid: a thread tells the server to end the query
};

// [connect]
inline ringio::Task<> Connection::connect(std::string settings) {
    const auto held = co_await lock_.scoped();
    connection_.reset(PQconnectStart(settings.c_str()));
    settled_ = true;
    cancelling_ = {};
    for (auto next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
        if (next == PGRES_POLLING_FAILED || PQstatus(connection_.get()) == CONNECTION_BAD) {
            throw failure();
        }
        // Another host, or another try at the same one, is another socket: it is asked for anew.
        co_await ringio::poll(PQsocket(connection_.get()),
                              next == PGRES_POLLING_READING ? POLLIN : POLLOUT);
        next = PQconnectPoll(connection_.get());
    }
    PQsetnonblocking(connection_.get(), 1);
}
// [/connect]

inline ringio::Task<Result> Connection::run(std::string sql,
                                            std::vector<std::optional<std::string>> parameters) {
    const auto held = co_await lock_.scoped();
    co_await settle();
    std::vector<const char*> values;
    for (const auto& parameter : parameters) {
        values.push_back(parameter ? parameter->c_str() : nullptr);
    }
    if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                          values.data(), nullptr, nullptr, 0) != 1) {
        throw failure();
    }
    settled_ = false;
    std::exception_ptr cancellation;
    try {
        co_return co_await finish();
    } catch (const ringio::CancelledError&) {
        cancellation = std::current_exception();
    }
    // What ends here shall not go on at the server. If that fails, the next query tells.
    static_cast<void>(co_await ringio::as_outcome(settle()));
    std::rethrow_exception(cancellation);
}

/// Sends. A server that has to get rid of something first is listened to: else both would wait.
inline ringio::Task<> Connection::flush() {
    for (;;) {
        const int left = PQflush(connection_.get());
        if (left < 0) {
            throw failure();
        }
        if (left == 0) {
            break;
        }
        const int ready = co_await ringio::poll(PQsocket(connection_.get()), POLLIN | POLLOUT);
        if ((ready & POLLIN) != 0 && PQconsumeInput(connection_.get()) != 1) {
            throw failure();
        }
    }
}

/// Sends what is left to be sent, and takes results until there is none; gives the last one, or
/// throws the first error.
inline ringio::Task<Result> Connection::finish() {
    co_await flush();
    Result last;
    for (;;) {
        while (PQisBusy(connection_.get()) == 1) {
            co_await ringio::wait_readable(PQsocket(connection_.get()));
            if (PQconsumeInput(connection_.get()) != 1) {
                break;  // that is the next result
            }
        }
        Result next(PQgetResult(connection_.get()));
        if (!next) {
            break;
        }
        const ExecStatusType status = next.status();
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            connection_.reset();  // it would give this result for ever
            throw Error("COPY is not served by postgres::Connection");
        }
        if (!last || last.status() != PGRES_FATAL_ERROR) {
            last = std::move(next);
        }
    }
    settled_ = true;
    if (last.status() == PGRES_FATAL_ERROR) {
        throw last.error();
    }
    co_return last;
}

// [settle]
/// Ends what a cancelled query has left: PQcancel() blocks, so a thread calls it; then the server's
/// last word is taken. A request that comes before its query has begun is without effect, and is
/// made again. May be cancelled as well: the next query goes on with it.
inline ringio::Task<> Connection::settle() {
    while (!settled_ && PQstatus(connection_.get()) == CONNECTION_OK) {
        try {
            co_await flush();
            if (!cancelling_.valid()) {
                std::shared_ptr<PGcancel> request(PQgetCancel(connection_.get()), PQfreeCancel);
                auto tell_the_server = [request] {
                    char error[256];
                    PQcancel(request.get(), error, sizeof error);
                };
                cancelling_ = ringio::ensure_future(ringio::to_thread(tell_the_server));
            }
            co_await ringio::shield(cancelling_);  // one that comes late would hit the next query
            cancelling_ = {};
            co_await ringio::wait_for(finish(), std::chrono::seconds(1));
        } catch (const ringio::TimeoutError&) {
        } catch (const Error&) {
            // It was cancelled; or the connection is lost, and the next query says so.
        }
    }
}
// [/settle]

inline ringio::Task<Notification> Connection::notification() {
    const auto held = co_await lock_.scoped();
    co_await settle();
    for (;;) {
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> heard(PQnotifies(connection_.get()),
                                                                    &PQfreemem);
        if (heard != nullptr) {
            Notification notification{heard->relname, heard->extra};
            co_return notification;
        }
        co_await ringio::wait_readable(PQsocket(connection_.get()));
        if (PQconsumeInput(connection_.get()) != 1) {
            throw failure();
        }
    }
}

}  // namespace postgres
