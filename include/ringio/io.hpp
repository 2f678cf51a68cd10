// L3, io: descriptors with the operations of the ring on them.
//
//   Socket            an owned socket: accept, connect, recv, send
//   GivenSocket       a socket that exists already, as a member of options
//   SocketReceiver    all that comes over one connection, by one request; gives Received
//   ReadBuffer        bytes that came and were not asked for yet
//   SocketAddress     where a socket is, or goes to
//   poll wait_readable wait_writable Watch    until a descriptor of somebody else's is ready
#pragma once

#include <ringio/io/address.hpp>
#include <ringio/io/buffer.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/io/intake.hpp>
#include <ringio/io/poll.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/io/socket_fds.hpp>
#include <ringio/io/socket_receiver.hpp>
