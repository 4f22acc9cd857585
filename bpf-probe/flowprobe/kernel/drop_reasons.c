// SPDX-License-Identifier: Apache-2.0
#include "kernel/drop_reasons.h"
#include "output/frames.h"
#include "output/names.h"

#include <string.h>

#include <bpf/btf.h>

#define REASON_PREFIX "SKB_DROP_REASON_"

void send_drop_reasons(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM) : -1;
	const struct btf_type *reasons;

	if (id > 0) {
		reasons = btf__type_by_id(btf, id);
		begin_frame(FRAME_NAMES);
		put_u8(NAMES_DROP_REASONS);
		put_u32(btf_vlen(reasons));
		for (int i = 0; i < btf_vlen(reasons); i++) {
			const char *name = btf__name_by_offset(btf, btf_enum(reasons)[i].name_off);
			size_t prefix = strncmp(name, REASON_PREFIX, strlen(REASON_PREFIX)) ? 0 : strlen(REASON_PREFIX);

			put_u32(btf_enum(reasons)[i].val);
			put_string(name + prefix);
		}
		send_frame();
	}
	btf__free(btf);
}
