/* lowlevel.h: libfuse's low-level API in the version that the file system is written for. */
#ifndef CREDFS_LOWLEVEL_H
#define CREDFS_LOWLEVEL_H

#define FUSE_USE_VERSION 35
#include <fuse3/fuse_lowlevel.h>

#endif
