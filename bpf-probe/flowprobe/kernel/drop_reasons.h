/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SONDE_DROP_REASONS_H
#define SONDE_DROP_REASONS_H

/* Sends the names of the running kernel's drop reasons. */
void send_drop_reasons(void);

#endif
