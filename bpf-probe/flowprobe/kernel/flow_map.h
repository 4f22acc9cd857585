/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's flow map in the memory of this process. */
#ifndef SONDE_FLOW_MAP_H
#define SONDE_FLOW_MAP_H

#include "flows/window_flows.h"

/* `map`: the descriptor of the map `flows`, which holds `capacity` entries for each of two windows. */
struct window_flows map_window_flows(int map, size_t capacity);

#endif
