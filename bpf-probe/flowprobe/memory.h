/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for large tables. */
#ifndef SONDE_MEMORY_H
#define SONDE_MEMORY_H

#include <stddef.h>

/* Returns zeroed memory, at a page boundary, that occupies room only where it is written to. Exits if there is none. */
void *reserve_memory(size_t size);

#endif
