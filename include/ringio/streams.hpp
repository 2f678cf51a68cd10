// L4, streams: connections, pipes and terminals as a StreamReader and a StreamWriter, and servers
// that make them; datagrams; names of hosts.
#pragma once

#include <ringio/streams/datagram_endpoint.hpp>
#include <ringio/streams/hosts.hpp>
#include <ringio/streams/names.hpp>
#include <ringio/streams/open_connection.hpp>
#include <ringio/streams/open_unix_connection.hpp>
#include <ringio/streams/pipes.hpp>
#include <ringio/streams/relay.hpp>
#include <ringio/streams/resolve.hpp>
#include <ringio/streams/resolver.hpp>
#include <ringio/streams/sendfile.hpp>
#include <ringio/streams/separators.hpp>
#include <ringio/streams/server.hpp>
#include <ringio/streams/start_server.hpp>
#include <ringio/streams/start_unix_server.hpp>
#include <ringio/streams/std_streams.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>
