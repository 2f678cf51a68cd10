// PostgreSQL on ringio's loop: queries on several connections at once, notifications, a query that
// takes too long, errors. Its arguments are libpq's settings: `postgres "host=/run/postgresql"`.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <array>
#include <chrono>
#include <string>

#include "postgres.hpp"

using namespace std::chrono_literals;

namespace {

// [query]
ringio::Task<> query(postgres::Connection& db) {
    co_await db.query("CREATE TEMPORARY TABLE planets (name text, moons integer)");
    co_await db.query("INSERT INTO planets VALUES ($1, $2)", "Mars", 2);
    co_await db.query("INSERT INTO planets VALUES ($1, $2)", "Vulcan", std::nullopt);
    const postgres::Result rows = co_await db.query("SELECT name, moons FROM planets ORDER BY 1");
    for (int row = 0; row < rows.rows(); ++row) {
        fmt::print("{} has {} moons\n", rows.value(row, 0),
                   rows.is_null(row, 1) ? "unknown" : rows.value(row, 1));
    }
}
// [/query]

ringio::Task<> large_parameter(postgres::Connection& db) {
    const std::string text(8'000'000, 'x');  // more than a socket takes at once
    const postgres::Result size = co_await db.query("SELECT length($1), $1 = $2", text, text);
    fmt::print("{} letters went there, the same: {}\n", size.value(0, 0), size.value(0, 1));
}

/// Of three connections the first one holds a lock that the others wait for, at the server, until
/// it lets go: that works only if all of them are served at the same time.
ringio::Task<> several_at_once(const std::string& settings) {
    std::array<postgres::Connection, 3> db;
    co_await ringio::gather(db[0].connect(settings), db[1].connect(settings),
                            db[2].connect(settings));
    co_await db[0].query("SELECT pg_advisory_lock(1)");
    const auto [second, third, unlocked] =
        co_await ringio::gather(db[1].query("SELECT 'second', pg_advisory_xact_lock(1)"),
                                db[2].query("SELECT 'third', pg_advisory_xact_lock(1)"),
                                db[0].query("SELECT pg_advisory_unlock(1)"));
    fmt::print("at once: {}, {}; {}\n", second.value(0, 0), third.value(0, 0),
               unlocked.value(0, 0));
}

ringio::Task<> listen(postgres::Connection& db, const std::string& settings) {
    postgres::Connection listener;
    co_await listener.connect(settings);
    co_await listener.query("LISTEN news");
    const auto [heard, sent] = co_await ringio::gather(
        listener.notification(), db.query("SELECT pg_notify('news', $1)", "it rains"));
    fmt::print("{}: {}\n", heard.channel, heard.payload);
}

// [timeout]
ringio::Task<> takes_too_long(postgres::Connection& db, postgres::Connection& other) {
    try {
        co_await ringio::wait_for(db.query("SELECT pg_sleep(3600)"), 100ms);
    } catch (const ringio::TimeoutError&) {
        fmt::print("too long\n");
    }
    const postgres::Result left = co_await other.query(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'");
    fmt::print("at the server {} are left\n", left.value(0, 0));
    const postgres::Result next = co_await db.query("SELECT 'the connection is good'");
    fmt::print("{}\n", next.value(0, 0));
}
// [/timeout]

ringio::Task<> errors(postgres::Connection& db, const std::string& settings) {
    try {
        co_await db.query("SELEC 1");
    } catch (const postgres::Error& error) {
        fmt::print("{}: {}\n", error.sqlstate(), error.what());
    }
    postgres::Connection refused;
    try {
        co_await refused.connect(settings + " dbname=nowhere");
    } catch (const postgres::Error& error) {
        fmt::print("{}\n", error.what());
    }
}

/// A connection that is ended by the server while it waits for an answer.
ringio::Task<> lost(postgres::Connection& db, const std::string& settings) {
    postgres::Connection victim;
    co_await victim.connect(settings);
    const postgres::Result pid = co_await victim.query("SELECT pg_backend_pid()");
    const auto [answer, ended] =
        co_await ringio::gather(ringio::return_exceptions, victim.query("SELECT pg_sleep(3600)"),
                                db.query("SELECT pg_terminate_backend($1::int)", pid.value(0, 0)));
    try {
        answer.value();
    } catch (const postgres::Error& error) {
        fmt::print("{}: {}\n", error.sqlstate(), error.what());
    }
    try {
        co_await victim.query("SELECT 1");
    } catch (const postgres::Error& error) {
        fmt::print("{}\n", error.what());
    }
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    const std::string settings = argc == 2 ? argv[1] : "";
    postgres::Connection db;
    postgres::Connection other;
    co_await ringio::gather(db.connect(settings), other.connect(settings));
    co_await query(db);
    co_await large_parameter(db);
    co_await several_at_once(settings);
    co_await listen(db, settings);
    co_await takes_too_long(db, other);
    co_await errors(db, settings);
    co_await lost(db, settings);
    co_return 0;
}
