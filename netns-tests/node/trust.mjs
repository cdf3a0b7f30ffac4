// Trust in a self-signed certificate, by the fingerprint that the server printed.

import { isIP } from "node:net";
import { connect } from "node:tls";

// trust gives the TLS options that accept exactly the certificate with this SHA-256 fingerprint, and nothing else: the
// certificate becomes the only authority, so that its names, addresses and dates are checked as any other's are.
// Without a fingerprint (http:) there is nothing to trust, and no options.
export async function trust(url, fingerprint) {
  if (!fingerprint) return {};
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const certificate = await new Promise((resolve, reject) => {
    const socket = connect(
      // SNI carries names only (RFC 6066 §3).
      { host, port: port || 443, servername: isIP(host) ? "" : host, rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerCertificate());
        socket.end();
      },
    );
    socket.on("error", reject);
  });
  if (plain(certificate.fingerprint256) !== plain(fingerprint)) {
    throw new Error(`the certificate of ${host} is ${certificate.fingerprint256}, the server said ${fingerprint}`);
  }
  const lines = certificate.raw.toString("base64").match(/.{1,64}/g).join("\n");
  return { ca: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
}

// plain makes "SHA256:AB:CD", "sha256 abcd" and "AB:CD" the same.
function plain(fingerprint) {
  return fingerprint.toLowerCase().replace(/^sha-?256[ :=]?/, "").replace(/[^0-9a-f]/g, "");
}
