// L3, io: descriptors with the operations of the ring on them.
#pragma once

#include <ringio/io/address.hpp>
#include <ringio/io/buffer.hpp>
#include <ringio/io/socket.hpp>
