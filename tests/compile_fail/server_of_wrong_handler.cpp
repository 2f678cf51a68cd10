// expect: ringio: the handler of start_server() takes a StreamReader and a StreamWriter
#include <ringio/streams/start_server.hpp>

ringio::Task<> handle(ringio::StreamReader);

ringio::Task<> main_task() { co_await ringio::start_server(handle, "127.0.0.1", 0); }
