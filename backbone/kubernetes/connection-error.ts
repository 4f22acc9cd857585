/** Problems of certificates by the error codes of OpenSSL's X509_verify_cert_error(3) and Node's `tls`. */
const CERTIFICATE_ERRORS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by no authority that the kubeconfig trusts',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by no authority that the kubeconfig trusts',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by no authority that the kubeconfig trusts',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by no authority that the kubeconfig trusts',
  CERT_SIGNATURE_FAILURE: 'its certificate is signed by no authority that the kubeconfig trusts',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names than the one in the URL',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock of this machine right?',
};

/** An error of a connection with the server and, for certificates, an explanation. */
export function connectionError(server: string, error: unknown): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = CERTIFICATE_ERRORS[code];
  return new Error(`${server}: ${known === undefined ? message : `${known} (${code})`}`, { cause: error });
}
