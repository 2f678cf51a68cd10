// L4, files: what is on disks, for people.
//
//   open_file OpenMode    from a path to a
//   File                  read, write, seek, lines, …
//   read_file write_file  a whole file at once, if asked so never half of it
//   fs::stat exists mkdir remove rmdir rename symlink link readlink chmod
//   fs::scandir walk      what is in a directory; in a tree of them
//   fs::copy_file         mostly without that the bytes leave the kernel
//   fs::remove_tree       a directory with all that is in it
//   FileStatus FileType   what is known about a file
#pragma once

#include <ringio/files/copy_file.hpp>
#include <ringio/files/file.hpp>
#include <ringio/files/file_status.hpp>
#include <ringio/files/fs.hpp>
#include <ringio/files/open_file.hpp>
#include <ringio/files/read_file.hpp>
#include <ringio/files/remove_tree.hpp>
#include <ringio/files/scandir.hpp>
#include <ringio/files/walk.hpp>
