import { enumerationNumber } from '@sonde/model/flow/enumerations';

/** The numbers of the kinds of endpoints in the record; `src_kind` and `dst_kind` have the same. */
export const EXTERNAL = enumerationNumber('src_kind', 'external');
export const POD = enumerationNumber('src_kind', 'pod');
export const NODE = enumerationNumber('src_kind', 'node');
export const HOST_NETWORK_POD = enumerationNumber('src_kind', 'host_network_pod');
export const SERVICE = enumerationNumber('src_kind', 'service');
export const NETWORK_SET = enumerationNumber('src_kind', 'network_set');
