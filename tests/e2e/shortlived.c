/* A program that says it is ready, as a worker does (fs/region.h), and crashes. */
#include "fs/region.h"

#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    if (write(WORKER_READY, "", 1) != 1)
        return 1;
    abort();
}
